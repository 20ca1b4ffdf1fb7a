"""What to order: the criteria of the stocking list, the editions of the first works on it, and the files for people."""
