"""The interface: what the pages share (shell), the controls of ours (widgets), and a folder for each page."""
