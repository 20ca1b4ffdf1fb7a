"""The partitions: one per subject, keyed by Open Library's own normalised subject key."""

import dagster as dg

SUBJECTS = "subjects"

subjects = dg.DynamicPartitionsDefinition(name=SUBJECTS)
