"""Fetches of a subject of a sandbox, and a sandbox whose works come and go meanwhile."""

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from openlib_assets.lake.bronze.staging import SubjectStaging
from openlib_assets.lake.contract import RAW_DETAILS, RAW_WORKS
from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.enumeration import Enumeration, Progress, enumerate_subject
from openlib_assets.openlibrary.listings import WORKS, Listing
from openlib_assets.sandbox import LoggedRequest, Sandbox
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import settings_for

SEARCH = "/search.json"


@dataclass(frozen=True)
class Fetch:
    """A fetch of the subject `love` of a sandbox, with its parts at hand."""

    client: Client
    storage: LocalStorage
    listing: Listing = WORKS

    @property
    def staging(self) -> SubjectStaging:
        url = self.listing.url(self.client.settings.api_url, "love")
        return SubjectStaging(self.storage, "love", url, RAW_WORKS if self.listing is WORKS else RAW_DETAILS)

    def run(self, listener: Callable[[Progress], None] | None = None) -> Enumeration:
        return enumerate_subject(self.client, "love", self.staging, listener, self.listing)

    def keys(self) -> list[str]:
        """Return the keys of the works found, as a sandbox writes them."""
        enumeration = self.run()
        keys = [
            f"/works/{key}" for batch in self.staging.batches(enumeration.slices) for key in column(batch, "work_key")
        ]
        assert len(keys) == enumeration.work_count
        return keys


def fetch_of(sandbox: Sandbox, storage: LocalStorage, listing: Listing = WORKS, **changes: Any) -> Fetch:
    return Fetch(Client(settings_for(sandbox, **{"retry_wait": 0.005, "timeout": 5.0, **changes})), storage, listing)


def column(batch: Any, name: str) -> list[str]:
    values: list[str] = batch.column(name).to_pylist()
    return values


def catalogue_of(sandbox: Sandbox) -> list[str]:
    return sandbox.keys("love")


def offsets_asked(sandbox: Sandbox, since: int = 0) -> list[int]:
    """Return the offsets of the pages asked for, later requests only where `since` is a number of requests."""
    return [offset_of(request) for request in sandbox.requests[since:] if request.path != SEARCH]


def offset_of(request: LoggedRequest) -> int:
    return int(parse_qs(request.query)["offset"][0])


def lists_read(sandbox: Sandbox) -> list[LoggedRequest]:
    """Return the requests that each began a list of keys."""
    return [request for request in sandbox.requests if request.path == SEARCH and "+AND+key" not in request.query]


class Drift:
    """A subject of which every eleventh work is held back, and a plan of what comes and goes before which request."""

    def __init__(self, sandbox: Sandbox, plan: Mapping[int, Iterable[int]]) -> None:
        self._sandbox = sandbox
        self._plan = {number: list(places) for number, places in plan.items()}
        self._lock = threading.Lock()
        self.universe = catalogue_of(sandbox)
        for key in self.universe[::11]:
            sandbox.remove_work("love", key)
        self._states = {0: sorted(set(self.universe) - set(self.universe[::11]))}
        sandbox.on_request(self._before_request)

    @property
    def all_happened(self) -> bool:
        return not self._plan

    def state_at(self, number: int) -> list[str]:
        """Return the keys that were in the catalogue when it answered a request."""
        return self._states[max(changed for changed in self._states if changed <= number)]

    def _before_request(self, number: int, *_: str) -> None:
        with self._lock:
            due = sorted(due for due in self._plan if due <= number)
            for place in (place for moment in due for place in self._plan.pop(moment)):
                self._toggle(self.universe[place])
            if due:
                self._states[number] = catalogue_of(self._sandbox)

    def _toggle(self, key: str) -> None:
        if key in catalogue_of(self._sandbox):
            self._sandbox.remove_work("love", key)
        else:
            self._sandbox.add_work("love", {"key": key})


@contextmanager
def some_storage() -> Iterator[LocalStorage]:
    """Lend a storage for one example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        yield LocalStorage(folder)
