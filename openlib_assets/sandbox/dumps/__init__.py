"""The monthly dumps of a settled catalogue, as Open Library writes them."""
