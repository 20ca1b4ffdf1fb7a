"""Sources: where the works of a subject come from, and what is said of them.

The Subjects API is one, the search another; whatever else is one implements the same protocol.
"""

import threading
from collections.abc import Sequence
from typing import Protocol

from openlib_assets.openlibrary.client import Client, Traffic
from openlib_assets.openlibrary.connection import Connection
from openlib_assets.openlibrary.editions import Edition, find_editions
from openlib_assets.openlibrary.enumeration import Enumeration, Listener, enumerate_subject
from openlib_assets.openlibrary.listings import DETAILS, WORKS, Listing
from openlib_assets.openlibrary.reading.staged_pages import Staging
from openlib_assets.settings import DETAILS_ON, Settings


class Source(Protocol):
    """Where works come from: enumerates every work of a subject, of several subjects at once in several threads.

    `name` is what a snapshot says that it came from; `stop`, once set, ends every fetch with InterruptedFetchError;
    fetching more than `max_in_flight` subjects at once gains nothing.
    """

    name: str
    stop: threading.Event
    max_in_flight: int

    def url(self, subject: str) -> str:
        """Return the address of a subject, for people to look at."""
        ...

    def enumerate(self, subject: str, staging: Staging, listener: Listener | None) -> tuple[Enumeration, Traffic]:
        """Fetch every work of a subject into the staging, and tell what was sent for it; raises SourceError."""
        ...


class OpenLibrary:
    """A listing of Open Library, read page by page."""

    def __init__(self, settings: Settings, listing: Listing) -> None:
        self._settings = settings
        self._listing = listing
        self._connection = Connection(settings)
        self.name = listing.name
        self.stop = self._connection.stop
        self.max_in_flight = settings.max_in_flight

    def url(self, subject: str) -> str:
        """Return the address of a subject's list."""
        return self._listing.url(self._settings.api_url, subject)

    def enumerate(self, subject: str, staging: Staging, listener: Listener | None) -> tuple[Enumeration, Traffic]:
        """Fetch all that a subject lists, page by page."""
        client = Client(self._settings, self._connection)
        return enumerate_subject(client, subject, staging, listener, self._listing), client.traffic


def open_source(settings: Settings) -> Source:
    """Return the source of works that the settings choose."""
    return OpenLibrary(settings, WORKS)


def open_details(settings: Settings) -> Source | None:
    """Return the source of what the search says of works; None where the settings leave it out."""
    return OpenLibrary(settings, DETAILS) if settings.details == DETAILS_ON else None


class Editions(Protocol):
    """Where the editions to order come from; safe to use from several threads.

    `stop`, once set, ends every search for them with InterruptedFetchError; looking for those of more than
    `max_in_flight` subjects at once gains nothing.
    """

    stop: threading.Event
    max_in_flight: int

    @property
    def version(self) -> str:
        """With another one, other editions may be found; empty where only asking tells."""
        ...

    def find(self, work_keys: Sequence[str], languages: Sequence[str]) -> tuple[dict[str, Edition], Traffic]:
        """Return an edition with an ISBN of each work that has one in one of the languages, the first one first.

        Tells too what was sent for it. Raises SourceError.
        """
        ...


class SearchedEditions:
    """The editions that Open Library's search offers."""

    version = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        self.stop = self._connection.stop
        self.max_in_flight = settings.max_in_flight

    def find(self, work_keys: Sequence[str], languages: Sequence[str]) -> tuple[dict[str, Edition], Traffic]:
        """Return an edition of each work that has one, asking for some works at a time."""
        client = Client(self._settings, self._connection)
        return find_editions(client.editions, work_keys, languages), client.traffic


def open_editions(settings: Settings) -> Editions | None:
    """Return where the editions to order come from; None where the settings leave out what the search says."""
    return SearchedEditions(settings) if settings.details == DETAILS_ON else None
