"""The steps of a dump on Spark: the same SQL, rendered, on the same files."""
