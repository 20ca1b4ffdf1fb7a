"""What the store sells: its file read and typed, and its books found among works."""
