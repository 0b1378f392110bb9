"""Controls with JavaScript of ours, each in a folder with its script and style."""
