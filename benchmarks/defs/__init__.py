"""Benchmarks of runs and backfills."""
