"""Which tables there are, where they lie and how each is made, without Dagster."""
