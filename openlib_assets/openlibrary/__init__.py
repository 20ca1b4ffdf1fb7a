"""Open Library as a source: its keys, its pace, its answers, and the complete enumeration of a subject.

Nothing here knows of Dagster or of where tables are kept.
"""
