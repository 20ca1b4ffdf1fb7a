"""The warehouse in a real PostgreSQL."""
