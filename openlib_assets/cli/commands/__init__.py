"""One module a command, each of its command's name."""
