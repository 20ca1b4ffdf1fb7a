"""The deployment: its files, its three processes, and what they share in Postgres. They run with `-m deployed` only."""
