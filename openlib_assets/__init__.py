"""Open Library subjects as Dagster software-defined assets."""
