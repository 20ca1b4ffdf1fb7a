"""The warehouse in a database: in a file of DuckDB's, and in PostgreSQL where one is named.

`schema` says what both define. `duckdb_file` writes the file. `loading` brings PostgreSQL to the current version, and
sends only what is not there as it should be: `differences` finds it, `rights` says who may read and write.
"""
