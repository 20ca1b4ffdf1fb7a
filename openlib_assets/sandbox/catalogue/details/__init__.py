"""What the search says of a work beside its record: its editions, and how many read it."""
