"""The sandbox itself: a catalogue served on a port, to be watched and edited meanwhile."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import orjson

from openlib_assets.sandbox.catalogue import works
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.details.documents import chosen_fields
from openlib_assets.sandbox.catalogue.works import Record
from openlib_assets.sandbox.dumps.lines import BadLine
from openlib_assets.sandbox.dumps.writing import write_dumps
from openlib_assets.sandbox.http import api
from openlib_assets.sandbox.http.answering import Answering, Outcome, Request
from openlib_assets.sandbox.http.config import SandboxConfig
from openlib_assets.sandbox.http.connections import Server
from openlib_assets.sandbox.http.faults import FaultPlan, FaultSource
from openlib_assets.sandbox.store.books import StoreBook, store_books, write_store_catalogue

Hook = Callable[[int, str, str], object]


@dataclass(frozen=True)
class LoggedRequest:
    """A request and its answer, logged before that is sent. `status` is None where nothing is sent."""

    number: int
    started: float  # time.monotonic()
    at: float  # time.time()
    method: str
    path: str
    query: str
    status: int | None
    fault: str | None
    user_agent: str
    bytes: int
    range: str = ""  # what the client asked for of a file


class Sandbox:
    """A sandbox Open Library on this machine: a context manager, or `serve_forever` in the foreground.

    >>> with Sandbox(SandboxConfig({"love": 25})) as sandbox:
    ...     url = f"{sandbox.url}/subjects/love.json?sort=key"
    """

    def __init__(self, config: SandboxConfig, *, host: str = "127.0.0.1", port: int = 0):
        self.config = config
        self._catalogue = Catalogue(
            config.subjects, seed=config.seed, this_year=config.this_year, settled=config.settled
        )
        self._hooks: list[Hook] = []
        self._requests: list[LoggedRequest] = []
        self._numbers = itertools.count(1)
        self._log_lock = threading.Lock()
        self._log_file = config.log.open("ab") if config.log else None
        self._stopping = threading.Event()
        self._answering = Answering(config, self._catalogue, self._stopping)
        self._server = Server((host, port), self)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> list[LoggedRequest]:
        """All requests so far, in the order in which they came."""
        with self._log_lock:
            return sorted(self._requests, key=lambda request: request.number)

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted, then stop."""
        try:
            self._server.serve()
        finally:
            self.stop()

    def stop(self) -> None:
        """Close every connection and the port, also while answers are held back."""
        self._stopping.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.close()
        if self._log_file:
            self._log_file.close()

    def on_request(self, hook: Hook) -> Hook:
        """Call `hook(number, path, query)` for every request before it is answered. A decorator, too."""
        self._hooks.append(hook)
        return hook

    def count(self, subject: str) -> int:
        """How many works a subject has now."""
        return self._catalogue.count(subject)

    def keys(self, subject: str) -> list[str]:
        """The keys of all works of a subject as it is now, in their order, without making the works."""
        return [works.key(code) for code in self._catalogue.codes(subject)]

    def works(self, subject: str, *, availability: bool = False) -> Iterator[Record]:
        """All works of a subject as they are now, in key order: what a complete fetch has to find.

        With `availability`, as it might be; no two answers agree on it.
        """
        records = self._catalogue.records(subject)
        return api.with_availability(records, random.Random(self.config.seed)) if availability else records

    def documents(self, subject: str, fields: Collection[str]) -> Iterator[Record]:
        """What the search has to give of all works of a subject now, in key order."""
        chosen = chosen_fields(fields)
        return (self._catalogue.document(code, chosen) for code in self._catalogue.codes(subject))

    def write_store_catalogue(self, path: Path, rows: int) -> list[StoreBook]:
        """Write the catalogue of a store that sells works of the subjects as CSV, and return it with the truth."""
        books = store_books(self._catalogue, rows, seed=self.config.seed)
        write_store_catalogue(path, books)
        return books

    def write_dumps(
        self,
        folder: Path,
        day: date,
        *,
        mess: float = 0.0,
        older: bool = False,
        merged: Mapping[str, str] | None = None,
    ) -> list[BadLine]:
        """Write the dump of a day, which tells of the catalogue as it is now what the API tells.

        It is the six files `ol_dump_<file>_<day>.txt.gz`. `mess` is the share of lines to add that a reader has to
        reject; they are returned. `older`: nulls of ratings and shelves are empty texts. `merged`: for keys of works
        that are gone, the keys of works that they were merged into. Raises `ValueError` unless the catalogue is
        settled.
        """
        return write_dumps(self._catalogue, folder, day, mess=mess, older=older, merged=merged)

    def add_work(self, subject: str, record: Mapping[str, Any] | None = None) -> Record:
        """Add a work to a subject and return it: a new one, or with the given `key` and other fields."""
        return self._catalogue.add_work(subject, record or {})

    def remove_work(self, subject: str, key: str) -> None:
        """Take a work out of a subject."""
        self._catalogue.remove_work(subject, key)

    def change_work(self, subject: str, key: str, /, **fields: Any) -> None:
        """Change fields of a work of a subject, wherever it is listed."""
        self._catalogue.change_work(subject, key, fields)

    def hide_from_search(self, keys: Collection[str]) -> None:
        """Let the search miss just these works from now on, as a replica of the index does that lags behind."""
        self._answering.unsearchable = frozenset(keys)

    def hide_from_subjects(self, keys: Collection[str]) -> None:
        """Let the Subjects API miss just these works from now on; the search finds them."""
        self._answering.unlisted = frozenset(keys)

    def change_faults(self, plan: FaultPlan) -> None:
        """Follow another plan of faults from now on."""
        self._answering.faults = FaultSource(plan)

    def handle(self, method: str, target: str, headers: Mapping[str, str]) -> Outcome:
        """Pace, answer and log one request."""
        request = Request(
            next(self._numbers),
            time.monotonic(),
            time.time(),
            method,
            target,
            host=headers.get("host", ""),
            user_agent=headers.get("user-agent", ""),
            accept_language=headers.get("accept-language", ""),
            range=headers.get("range", ""),
        )
        for hook in self._hooks:
            hook(request.number, request.path, request.query)
        outcome = self._answering.outcome(request)
        self._record(request, outcome)
        return outcome

    def stall(self) -> None:
        """Let a client wait for nothing."""
        self._stopping.wait(self._answering.faults.plan.stall_seconds)

    def _record(self, request: Request, outcome: Outcome) -> None:
        logged = LoggedRequest(
            number=request.number,
            started=request.started,
            at=request.at,
            method=request.method,
            path=request.path,
            query=request.query,
            status=outcome.reply.status if outcome.reply else None,
            fault=outcome.fault,
            user_agent=request.user_agent,
            bytes=outcome.reply.length if outcome.reply else 0,
            range=request.range,
        )
        with self._log_lock:
            self._requests.append(logged)
            if self._log_file:
                self._log_file.write(orjson.dumps(logged, option=orjson.OPT_APPEND_NEWLINE))
                self._log_file.flush()
