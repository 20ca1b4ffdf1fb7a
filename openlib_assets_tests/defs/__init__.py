"""Tests of what Dagster loads, on real instances."""
