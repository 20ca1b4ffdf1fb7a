"""The root of all errors that this package raises on purpose.

What belongs here: the root, and what the command line has to know without loading what raises it. Each module defines
its own errors beneath the root. A face (the command line, a Dagster step) shows such an error as one line; any other
exception is a defect and keeps its traceback.
"""


class OpenlibError(Exception):
    """Something that a user, a network or a disk did; its text is one line that says what to do."""


class SettingsError(OpenlibError):
    """An environment variable holds something unusable."""
