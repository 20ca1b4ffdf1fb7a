"""The catalogue of a dump."""
