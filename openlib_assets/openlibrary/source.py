"""Sources: where the works of a subject come from. The Subjects API is one; another implements the same protocol."""

import threading
from typing import Protocol

from openlib_assets.openlibrary.client import Client, Traffic
from openlib_assets.openlibrary.enumeration import Enumeration, Listener, Staging, enumerate_subject
from openlib_assets.settings import Settings


class Source(Protocol):
    """Gives every work of a subject; `name` is what a snapshot says that it came from.

    `traffic` counts what was asked; `stop`, once set, ends a fetch with InterruptedFetchError.
    """

    name: str
    traffic: Traffic
    stop: threading.Event

    def url(self, subject: str) -> str:
        """Give the address of a subject, for people to look at."""
        ...

    def enumerate(self, subject: str, staging: Staging, listener: Listener | None) -> Enumeration:
        """Fetch every work of a subject into the staging; raises SourceError."""
        ...


class SubjectsApi:
    """Open Library's Subjects API."""

    name = "subjects_api"

    def __init__(self, client: Client) -> None:
        self._client = client
        self.traffic = client.traffic
        self.stop = client.stop

    def url(self, subject: str) -> str:
        """Give the address of a subject."""
        return self._client.subject_url(subject)

    def enumerate(self, subject: str, staging: Staging, listener: Listener | None) -> Enumeration:
        """Fetch every work of a subject, page by page."""
        return enumerate_subject(self._client, subject, staging, listener)


def open_source(settings: Settings) -> Source:
    """Give the source that the settings choose."""
    return SubjectsApi(Client(settings))
