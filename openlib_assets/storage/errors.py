"""The root of all errors that this package raises on purpose.

What belongs here: the root, and what the command line has to know without loading what raises it. Each module defines
its own errors beneath the root. The command line and the steps in Dagster show such an error as one line; any other
exception is a bug and keeps its traceback.
"""


class OpenlibError(Exception):
    """An error caused by a user, a network or a disk; its text is one line that says what to do."""


class WrongUseError(OpenlibError):
    """What somebody gave cannot be used as it is."""


class SettingsError(WrongUseError):
    """An environment variable has an unusable value."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text; of one without a text its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
