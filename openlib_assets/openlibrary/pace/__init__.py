"""The pace of requests: one limit over all threads, runs and processes of a host, or of many that share a Postgres."""
