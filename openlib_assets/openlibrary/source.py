"""Sources: where the works of a subject come from. The Subjects API is one; another implements the same protocol."""

import threading
from collections.abc import Sequence
from typing import Protocol

from openlib_assets.openlibrary.client import Client, Traffic
from openlib_assets.openlibrary.connection import Connection
from openlib_assets.openlibrary.editions import Edition, find_editions
from openlib_assets.openlibrary.enumeration import Enumeration, Listener, enumerate_subject
from openlib_assets.openlibrary.staged_pages import Staging
from openlib_assets.settings import Settings


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


class SubjectsApi:
    """Open Library's Subjects API."""

    name = "subjects_api"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        self.stop = self._connection.stop
        self.max_in_flight = settings.max_in_flight

    def url(self, subject: str) -> str:
        """Return the address of a subject."""
        return Client(self._settings, self._connection).subject_url(subject)

    def enumerate(self, subject: str, staging: Staging, listener: Listener | None) -> tuple[Enumeration, Traffic]:
        """Fetch every work of a subject, page by page."""
        client = Client(self._settings, self._connection)
        return enumerate_subject(client, subject, staging, listener), client.traffic


def open_source(settings: Settings) -> Source:
    """Return the source that the settings choose."""
    return SubjectsApi(settings)


class Editions(Protocol):
    """Where the editions to order come from; safe to use from several threads.

    `stop`, once set, ends every search for them with InterruptedFetchError.
    """

    stop: threading.Event

    def find(self, work_keys: Sequence[str], languages: Sequence[str]) -> tuple[dict[str, Edition], Traffic]:
        """Return an edition with an ISBN of each work that has one in one of the languages, the first one first.

        Tells too what was sent for it. Raises SourceError.
        """
        ...


class SearchedEditions:
    """The editions that Open Library's search offers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        self.stop = self._connection.stop

    def find(self, work_keys: Sequence[str], languages: Sequence[str]) -> tuple[dict[str, Edition], Traffic]:
        """Return an edition of each work that has one, asking for some works at a time."""
        client = Client(self._settings, self._connection)
        return find_editions(client.editions, work_keys, languages), client.traffic


def open_editions(settings: Settings) -> Editions | None:
    """Return where the editions to order come from; None where the settings leave out what the search says."""
    return SearchedEditions(settings)
