"""The monthly dumps as archive.org serves them: items of files, in a folder on this machine."""
