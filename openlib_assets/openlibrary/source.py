"""Sources: where the works of a subject come from. The Subjects API is one; another implements the same protocol."""

import threading
from typing import Protocol

from openlib_assets.openlibrary.client import Client, Traffic
from openlib_assets.openlibrary.connection import Connection
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
