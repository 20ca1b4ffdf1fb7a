"""The sandbox as an HTTP server: connections, pacing, faults and the request log around what `api` answers."""

import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Any, Self

import orjson

from openlib_assets.sandbox import api, faults, keys, parameters
from openlib_assets.sandbox.api import Reply
from openlib_assets.sandbox.catalogue import Catalogue
from openlib_assets.sandbox.faults import FaultPlan, FaultSource
from openlib_assets.sandbox.limits import TOO_MANY_REQUESTS, Ban, LeakyBucket
from openlib_assets.sandbox.works import Record


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
    """A request and what was answered, as known when the answer began. `status` is None where none was sent."""

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


class Sandbox:
    """A sandbox Open Library on this machine. Use it as a context manager, or `serve_forever` in the foreground.

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
        self._hooks: list[Callable[[int, str, str], object]] = []
        self._log: list[LoggedRequest] = []
        self._numbers = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._serve, name="sandbox", daemon=True)
