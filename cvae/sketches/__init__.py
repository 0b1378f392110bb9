"""From a photograph, a scan or a stroke to what MNIST would have made of it."""
