"""The root of all errors that this package raises on purpose.

What belongs here: only the root. Each module defines its own errors beneath it. A face (the command line, a Dagster
step) shows such an error as one line; any other exception is a defect and keeps its traceback.
"""


class OpenlibError(Exception):
    """Something that a user, a network or a disk did; its text is one line that says what to do."""
