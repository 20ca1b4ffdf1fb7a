"""The assets, by layer: thin functions that take tables in, call one function and give a table out."""
