"""Fetches of a subject of a sandbox, and a sandbox whose works come and go meanwhile."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from openlib_assets.lake.bronze.staging import SubjectStaging
from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.enumeration import Enumeration, Progress, enumerate_subject
from openlib_assets.sandbox import Sandbox
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import settings_for


@dataclass(frozen=True)
class Fetch:
    """A fetch of the subject `love` of a sandbox, with its parts at hand."""

    client: Client
    storage: LocalStorage

    @property
    def staging(self) -> SubjectStaging:
        return SubjectStaging(self.storage, "love", self.client.subject_url("love"))

    def run(self, listener: Callable[[Progress], None] | None = None) -> Enumeration:
        return enumerate_subject(self.client, "love", self.staging, listener)

    def keys(self) -> list[str]:
        """Return the keys of the works found, as a sandbox writes them."""
        enumeration = self.run()
        keys = [
            f"/works/{key}" for batch in self.staging.batches(enumeration.slices) for key in column(batch, "work_key")
        ]
        assert len(keys) == enumeration.work_count
        return keys


def fetch_of(sandbox: Sandbox, storage: LocalStorage, **changes: Any) -> Fetch:
    return Fetch(Client(settings_for(sandbox, **{"retry_wait": 0.005, "timeout": 5.0, **changes})), storage)


def column(batch: Any, name: str) -> list[str]:
    values: list[str] = batch.column(name).to_pylist()
    return values


def catalogue_of(sandbox: Sandbox) -> list[str]:
    return [work["key"] for work in sandbox.works("love")]


def offsets_asked(sandbox: Sandbox, since: int = 0) -> list[int]:
    """Return the offsets of the pages asked for, later requests only where `since` is a number of requests."""
    queries = [parse_qs(request.query) for request in sandbox.requests[since:]]
    return [int(query["offset"][0]) for query in queries if query["limit"] != ["0"]]


class Drift:
    """A subject of which every eleventh work is held back, and a plan of what comes and goes before which request."""

    def __init__(self, sandbox: Sandbox, plan: Mapping[int, Iterable[int]], allowed: str = "+-") -> None:
        self._sandbox = sandbox
        self._plan = {number: list(places) for number, places in plan.items()}
        self._allowed = allowed
        self._lock = threading.Lock()
        self.universe = catalogue_of(sandbox)
        for key in self.universe[::11]:
            sandbox.remove_work("love", key)
        self.present = set(self.universe) - set(self.universe[::11])
        self.always = set(self.present)
        self.ever = set(self.present)
        self.signs: set[str] = set()
        self.last_change = 0
        sandbox.on_request(self._before_request)

    @property
    def all_happened(self) -> bool:
        return not self._plan

    def _before_request(self, number: int, *_: str) -> None:
        with self._lock:
            for due in sorted(due for due in self._plan if due <= number):
                for place in self._plan.pop(due):
                    self._toggle(self.universe[place])

    def _toggle(self, key: str) -> None:
        sign = "-" if key in self.present else "+"
        if sign not in self._allowed:
            return
        if sign == "-":
            self._sandbox.remove_work("love", key)
            self.present.discard(key)
            self.always.discard(key)
        else:
            self._sandbox.add_work("love", {"key": key})
            self.present.add(key)
            self.ever.add(key)
        self.signs.add(sign)
        self.last_change = time.time_ns()


@contextmanager
def some_storage() -> Iterator[LocalStorage]:
    """Lend a storage for one example of a property."""
    with tempfile.TemporaryDirectory() as folder:
        yield LocalStorage(folder)
