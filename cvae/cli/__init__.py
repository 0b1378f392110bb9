"""The command lines that pip installs; a module here loads nothing heavy before a signal is answered in one line."""
