"""What can go wrong between us and Open Library, told apart by what helps against it.

Every text names the URL, the reason and, where there were any, the tries; none is longer than a line.
"""

from openlib_assets.storage.errors import OpenlibError


class SourceError(OpenlibError):
    """Open Library, or the way to it, failed for good; root of the others."""


class TransientError(SourceError):
    """An answer that may be better next time: 5xx, time-out, cut body, HTML, null count, short page."""


class RateLimitedError(TransientError):
    """A 429: everybody waits, then the request is tried again."""


class PermanentError(SourceError):
    """An answer that will not change by asking again: 403, 404, 422 and their like."""


class SearchRefusedError(PermanentError):
    """Open Library's search is not to be had from here, though its subjects may be."""


class BannedError(SourceError):
    """Connections are refused after a 429: Open Library has shut the door for a while."""


class SubjectNotFoundError(SourceError):
    """Open Library has no work under this subject."""


class IncompleteError(SourceError):
    """The enumeration did not settle: works held and works listed differ, or the subject kept changing."""


class MissingDumpError(SourceError):
    """There is no dump of the date, or a file of it is missing."""


class DamagedDumpError(SourceError):
    """A file of a dump is not what it should be."""


class InterruptedFetchError(SourceError):
    """The run was asked to stop."""
