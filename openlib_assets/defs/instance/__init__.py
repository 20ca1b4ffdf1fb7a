"""The Dagster instance: its home folder, its event log, its run launcher, and the `dagster.yaml` that names them."""
