"""Tests in a real browser: what a person sees in the Dagster UI. They run with `-m ui` only."""
