"""The sandbox as an HTTP server: connections, pacing, faults and a request log around what `api` answers."""

import contextlib
import itertools
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, NamedTuple, Self
from urllib.parse import unquote

import orjson

from openlib_assets.sandbox.catalogue import keys, ordering
from openlib_assets.sandbox.catalogue.catalogue import Catalogue
from openlib_assets.sandbox.catalogue.works import Record
from openlib_assets.sandbox.http import api, faults, parameters
from openlib_assets.sandbox.http.api import Page, Reply
from openlib_assets.sandbox.http.faults import FaultPlan, FaultSource
from openlib_assets.sandbox.http.limits import TOO_MANY_REQUESTS, Ban, LeakyBucket

Hook = Callable[[int, str, str], object]


def _this_year() -> int:
    return datetime.now(UTC).year


@dataclass(frozen=True)
class SandboxConfig:
    """What a sandbox holds and how it behaves. The defaults are a fast, faultless Open Library."""

    subjects: Mapping[str, int]  # normalised key -> number of works
    seed: int = 1
    this_year: int = field(default_factory=_this_year)
    latency: float = 0.0  # seconds before each answer
    requests_per_second: float | None = None  # Open Library: 3
    burst: int = 25
    delay: int = 10
    ban_after: int | None = None  # this many 429s, then no answers
    ban_seconds: float = 60.0
    require_user_agent: bool = False
    faults: FaultPlan = field(default_factory=FaultPlan)
    log: Path | None = None  # every request as a line of JSON


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


@dataclass(frozen=True)
class _Request:
    number: int
    started: float
    at: float
    method: str
    target: str
    host: str
    user_agent: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


class _Outcome(NamedTuple):
    """What becomes of a request. No reply: the connection is closed without one."""

    reply: Reply | None
    fault: str | None = None


class Sandbox:
    """A sandbox Open Library on this machine: a context manager, or `serve_forever` in the foreground.

    >>> with Sandbox(SandboxConfig({"love": 25})) as sandbox:
    ...     url = f"{sandbox.url}/subjects/love.json?sort=key"
    """

    def __init__(self, config: SandboxConfig, *, host: str = "127.0.0.1", port: int = 0):
        self.config = config
        self._catalogue = Catalogue(config.subjects, seed=config.seed, this_year=config.this_year)
        self._faults = FaultSource(config.faults)
        self._bucket = self._ban = None
        if config.requests_per_second is not None:
            self._bucket = LeakyBucket(config.requests_per_second, burst=config.burst, delay=config.delay)
        if config.ban_after is not None:
            self._ban = Ban(config.ban_after, config.ban_seconds)
        self._hooks: list[Hook] = []
        self._requests: list[LoggedRequest] = []
        self._numbers = itertools.count(1)
        self._log_lock = threading.Lock()
        self._log_file = config.log.open("ab") if config.log else None
        self._stopping = threading.Event()
        self._server = _Server((host, port), self)
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

    def works(self, subject: str, *, availability: bool = False) -> Iterator[Record]:
        """All works of a subject as they are now, in key order: what a complete fetch has to find.

        With `availability`, as it might be; no two answers agree on it.
        """
        records = self._catalogue.records(subject)
        return api.with_availability(records, random.Random(self.config.seed)) if availability else records

    def add_work(self, subject: str, record: Mapping[str, Any] | None = None) -> Record:
        """Add a work to a subject and return it: a new one, or with the given `key` and other fields."""
        return self._catalogue.add_work(subject, record or {})

    def remove_work(self, subject: str, key: str) -> None:
        """Take a work out of a subject."""
        self._catalogue.remove_work(subject, key)

    def change_work(self, subject: str, key: str, /, **fields: Any) -> None:
        """Change fields of a work of a subject, wherever it is listed."""
        self._catalogue.change_work(subject, key, fields)

    def handle(self, method: str, target: str, host: str, user_agent: str) -> _Outcome:
        """Pace, answer and log one request."""
        request = _Request(next(self._numbers), time.monotonic(), time.time(), method, target, host, user_agent)
        for hook in self._hooks:
            hook(request.number, request.path, request.query)
        outcome = self._paced(request)
        self._record(request, outcome)
        return outcome

    def stall(self) -> None:
        """Let a client wait for nothing."""
        self._stopping.wait(self.config.faults.stall_seconds)

    def _paced(self, request: _Request) -> _Outcome:
        if self._ban and self._ban.holds(request.started):
            return _Outcome(None, "ban")
        if self.config.require_user_agent and not request.user_agent.strip():
            return _Outcome(api.FORBIDDEN)
        wait = self._bucket.admit(request.started) if self._bucket else 0.0
        if wait is None:
            if self._ban:
                self._ban.refused(request.started)
            return _Outcome(Reply(429, TOO_MANY_REQUESTS))
        self._stopping.wait(wait + self.config.latency)
        try:
            return self._routed(request)
        except parameters.InvalidParametersError as error:
            return _Outcome(api.json_reply({"detail": error.detail}, status=422))
        except ordering.UnknownSortError:
            return _Outcome(api.INTERNAL_SERVER_ERROR)

    def _routed(self, request: _Request) -> _Outcome:
        path = unquote(request.path)
        subject = api.subject_path(path)
        if subject is None and path != api.SUBJECT_SEARCH:
            return _Outcome(api.not_found(path))
        if request.method != "GET":
            return _Outcome(api.METHOD_NOT_ALLOWED)
        if subject is None:
            search = parameters.parse_search(request.query)
            return self._faulty(request, "", lambda: api.subject_search(self._catalogue, search))
        asked = parameters.parse_subject(request.query)
        redirect = api.lower_case_redirect(path, request.query, request.host)
        if redirect:
            return _Outcome(redirect)
        order = ordering.parse(asked.sort)
        return self._faulty(
            request,
            keys.subject_key(subject),
            lambda: api.subject_page(self._catalogue, subject, asked, order, moment=request.number),
        )

    def _faulty(self, request: _Request, subject: str, answer: Callable[[], Page | Reply]) -> _Outcome:
        """The right answer to a valid request, unless a fault is due."""
        fault = self._faults.choose(request.number, request.target, subject)
        if fault is None:
            return _Outcome(_reply(answer()))
        if fault in ("reset", "stall"):
            return _Outcome(None, fault)
        if fault == "redirect":
            return _Outcome(Reply(301, headers={"Location": request.target}), fault)
        if fault in faults.REPLACEMENTS:
            return _Outcome(faults.REPLACEMENTS[fault], fault)
        right = answer()
        if fault == "cut_body":
            return _Outcome(_reply(right), fault)
        given = faults.DISTORTIONS[fault](right) if isinstance(right, Page) else right
        return _Outcome(_reply(given), None if given == right else fault)

    def _record(self, request: _Request, outcome: _Outcome) -> None:
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
            bytes=len(outcome.reply.body) if outcome.reply else 0,
        )
        with self._log_lock:
            self._requests.append(logged)
            if self._log_file:
                self._log_file.write(orjson.dumps(logged, option=orjson.OPT_APPEND_NEWLINE))
                self._log_file.flush()


def _reply(answer: Page | Reply) -> Reply:
    return api.page_reply(answer) if isinstance(answer, Page) else answer


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    server: "_Server"

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The method for every HTTP verb, by the name that the base class looks for."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def version_string(self) -> str:
        """The Server header."""
        return "openlibrary-sandbox"

    def _answer(self) -> None:
        user_agent = self.headers.get("User-Agent", "")
        sandbox = self.server.sandbox
        reply, fault = sandbox.handle(self.command, self.path, self.headers.get("Host", ""), user_agent)
        if self.command != "GET":
            self.close_connection = True  # a body that nobody reads may follow
        if reply is None:
            if fault == "stall":
                sandbox.stall()
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if fault == "cut_body":
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the sandbox keeps its own log."""


class _Server(ThreadingMixIn, TCPServer):
    """A thread for every connection, and a way to end them all."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox):
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        self._all_closed = threading.Condition()
        super().__init__(address, _Handler)

    def serve(self) -> None:
        self.serve_forever(poll_interval=0.02)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._all_closed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._all_closed:
            self._connections.discard(request)
            self._all_closed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients may hang up
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Close the port, then the connections; threads end as they notice."""
        self.server_close()
        with self._all_closed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._all_closed.wait_for(lambda: not self._connections, timeout=2)
