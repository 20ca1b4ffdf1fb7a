"""Tests on Spark, an engine beside DuckDB: they need Java and run with `-m spark` only."""
