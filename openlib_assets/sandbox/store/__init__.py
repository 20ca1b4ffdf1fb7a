"""A store that sells some of the generated books: its catalogue, as a store keeps it, and which work each row is."""
