"""Benchmarks of the way to Open Library."""
