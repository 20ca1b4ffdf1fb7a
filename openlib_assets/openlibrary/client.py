"""The Subjects API client: one request at a time made safe, polite and told apart when it fails.

What belongs here: HTTP, the checks on a single answer, retries. What several answers mean together is
`enumeration.py`'s business.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
import tenacity

from openlib_assets.openlibrary.errors import (
    BannedError,
    InterruptedFetchError,
    PermanentError,
    RateLimitedError,
    SourceError,
    TransientError,
)
from openlib_assets.openlibrary.pacing import Pace, pace_file
from openlib_assets.openlibrary.records import MalformedRecordError, Record, parse_json, work_key
from openlib_assets.settings import Settings

Answer = TypeVar("Answer")

TRIES = 12
_LONGEST_WAIT_FACTOR = 10
_OTHER_WAITS_START_AT = 1 / 20
_MAX_REDIRECTS = 3
# Small beside a page, so that the time is looked at often while a slow one comes in.
_CHUNK_BYTES = 1 << 14
_TRANSIENT_STATUSES = {408, 425, 500, 502, 503, 504}


@dataclass(frozen=True)
class Page:
    """One good answer: `records` from `offset` on, and how many works the subject has in all."""

    offset: int
    work_count: int
    keys: list[str]
    records: list[Record]


@dataclass
class Traffic:
    """What was sent so far: `requests` in all, of which `retries` were not the first try."""

    requests: int = 0
    retries: int = 0


def _always() -> bool:
    return True


class Client:
    """Speaks to one Open Library; safe to use from several threads.

    `traffic` counts; `stop`, once set, ends every wait and every further request with InterruptedFetchError.
    """

    def __init__(self, settings: Settings, stop: threading.Event | None = None) -> None:
        self.settings = settings
        self.stop = stop or threading.Event()
        self.traffic = Traffic()
        self._pace = Pace(pace_file(settings.api_url), settings.requests_per_second, self.stop)
        self._lock = threading.Lock()
        self._idle_sessions: list[requests.Session] = []
        self._rate_limited = False
        self._banned: BannedError | None = None

    def subject_url(self, key: str, **query: str | int) -> str:
        """Give the address of a subject, of a page of it where `query` says so."""
        tail = f"?{urlencode(query)}" if query else ""
        return f"{self.settings.api_url}/subjects/{quote(key, safe=':')}.json{tail}"

    def work_count(self, key: str, *, not_below: int = 0) -> int:
        """Ask how many works a subject has, without fetching any; `not_below` as for `page`."""
        return self.page(key, offset=0, limit=0, not_below=not_below).work_count

    def probe(self, key: str) -> int:
        """Ask once, without trying again, how many works a subject has: to see whether the API can be reached."""
        return _page(self._once(self.subject_url(key, limit=0, sort="key")), offset=0, limit=0).work_count

    def page(
        self, key: str, *, offset: int, limit: int, not_below: int = 0, wanted: Callable[[], bool] = _always
    ) -> Page:
        """Fetch works `offset` to `offset + limit` of a subject, in the order of their keys.

        A count below `not_below` is believed only when a second answer repeats it, since an overloaded index cuts
        list and count alike. Nothing more is sent once `wanted` says no. Raises PermanentError, TransientError (after
        the last try), BannedError or InterruptedFetchError.
        """
        url = self.subject_url(key, limit=limit, offset=offset, sort="key")
        fallen: list[int] = []

        def page_of(answer: Any) -> Page:
            page = _page(answer, offset=offset, limit=limit)
            if page.work_count < not_below and fallen[-1:] != [page.work_count]:
                fallen.append(page.work_count)
                raise TransientError(f"work_count fell from {not_below} to {page.work_count}")
            return page

        return self._get(url, page_of, wanted)

    def search_subjects(self, text: str, *, limit: int) -> list[Record]:
        """Ask Open Library's subject search; each hit has `key`, `name`, `work_count` and `subject_type`."""
        url = f"{self.settings.api_url}/search/subjects.json?{urlencode({'q': text, 'limit': limit})}"

        def hits(answer: Any) -> list[Record]:
            found = answer.get("docs") if isinstance(answer, dict) else None
            if not isinstance(found, list):
                raise TransientError("an answer without docs")
            return [hit for hit in found if isinstance(hit, dict) and isinstance(hit.get("key"), str)]

        return self._get(url, hits)

    def _get(self, url: str, read: Callable[[Any], Answer], wanted: Callable[[], bool] = _always) -> Answer:
        """Fetch a URL until `read` accepts the parsed answer, up to `TRIES` times."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES),
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        tries = 0
        try:
            for attempt in retrying:
                with attempt:
                    tries = attempt.retry_state.attempt_number
                    if not wanted():
                        raise InterruptedFetchError("no longer wanted")
                    if tries > 1:
                        self._count(retries=1)
                    return read(self._once(url))
        except (BannedError, InterruptedFetchError):
            raise
        except SourceError as error:
            raise type(error)(f"{url}: {error} ({tries} {'try' if tries == 1 else 'tries'})") from error
        raise AssertionError("tenacity returns or raises")

    def _once(self, url: str) -> Any:
        for _ in range(_MAX_REDIRECTS + 1):
            body, moved_to = self._exchange(url)
            if moved_to is None:
                return _parsed(body)
            url = self._redirected(url, moved_to)
        raise PermanentError(f"more than {_MAX_REDIRECTS} redirects")

    def _exchange(self, url: str) -> tuple[bytes, str | None]:
        """Send one paced request; give its body, or where it was redirected to."""
        if self._banned:
            raise self._banned
        self._pace.wait_for_slot()
        self._count(requests=1)
        try:
            return self._send(url)
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ConnectionError) as error:
            refused = isinstance(error, requests.exceptions.ConnectTimeout) or "Connection refused" in str(error)
            if refused and self._rate_limited:
                self._banned = BannedError(
                    f"{url}: connection refused after HTTP 429: Open Library has shut us out for a while; "
                    "wait an hour, then run again at a lower OPENLIB_REQUESTS_PER_SECOND"
                )
                raise self._banned from error
            raise TransientError(_reason(error)) from error
        except requests.exceptions.RequestException as error:
            raise TransientError(_reason(error)) from error

    def _send(self, url: str) -> tuple[bytes, str | None]:
        timeout = self.settings.timeout
        deadline = time.monotonic() + _LONGEST_WAIT_FACTOR * timeout
        with (
            self._session() as session,
            session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response,
        ):
            status = response.status_code
            if response.is_redirect:
                return b"", response.headers["Location"]
            if status == 429:
                self._rate_limited = True
                raise RateLimitedError("HTTP 429, too many requests")
            if status in _TRANSIENT_STATUSES or status >= 500:
                raise TransientError(f"HTTP {status}")
            if status != 200:
                raise PermanentError(f"HTTP {status}{_advice(status)}")
            chunks = []
            for chunk in response.iter_content(_CHUNK_BYTES):
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    raise TransientError(f"the answer took longer than {_LONGEST_WAIT_FACTOR * timeout:g} s")
            return b"".join(chunks), None

    def _count(self, *, requests: int = 0, retries: int = 0) -> None:
        with self._lock:
            self.traffic.requests += requests
            self.traffic.retries += retries

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """Lend a session to one thread at a time, so that connections are kept alive and never shared."""
        with self._lock:
            session = self._idle_sessions.pop() if self._idle_sessions else None
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = user_agent(self.settings.contact)
            session.headers["Accept"] = "application/json"
        yield session
        with self._lock:
            self._idle_sessions.append(session)

    def _redirected(self, url: str, location: str) -> str:
        """Follow a redirect on the same host only, and by our own scheme: Open Library's may say http."""
        target = urlsplit(urljoin(url, location))
        base = urlsplit(self.settings.api_url)
        if target.hostname != base.hostname or not target.path.startswith(f"{base.path}/"):
            raise PermanentError(f"redirected to {target.geturl()[:200]}, which is not asked for")
        return target._replace(scheme=base.scheme, netloc=base.netloc).geturl()

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Give the seconds until the next try: doubling up to ten times the first, and up to a quarter more."""
        limited = state.outcome is not None and isinstance(state.outcome.exception(), RateLimitedError)
        first = self.settings.retry_wait * (1 if limited else _OTHER_WAITS_START_AT)
        doubled = first * min(2.0 ** (state.attempt_number - 1), _LONGEST_WAIT_FACTOR)
        wait = doubled * random.uniform(1, 1.25)  # noqa: S311 - spreads retries, keeps no secret
        if limited:
            self._pace.pause(wait)
        return wait

    def _sleep(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise InterruptedFetchError("interrupted while waiting to try again")


def user_agent(contact: str | None) -> str:
    """Give the User-Agent: name, version and, where there is one, the contact that Open Library asks for."""
    name = f"openlib_assets/{version('openlib-assets')}"
    return f"{name} ({contact})" if contact else name


def _advice(status: int) -> str:
    if status == 403:
        return ", refused: set OPENLIB_CONTACT, Open Library turns unidentified clients away"
    if status == 404:
        return ", not found: check OPENLIB_API_URL"
    return ""


def _reason(error: requests.exceptions.RequestException) -> str:
    """Say in a few words what a connection died of."""
    text = str(error)
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in text:
        return "no answer in time"
    if "Connection refused" in text:
        return "connection refused"
    if "NameResolutionError" in text or "Name or service not known" in text:
        return "the host name cannot be resolved"
    if "IncompleteRead" in text:
        return "the answer was cut short"
    if isinstance(error, requests.exceptions.SSLError):
        return f"TLS failed: {text[:120]}"
    return f"the connection broke ({type(error).__name__})"


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except ValueError as error:
        kind = "HTML" if body.lstrip()[:1] == b"<" else "not JSON"
        raise TransientError(f"HTTP 200 with {kind} in {len(body)} bytes") from error


def _page(answer: Any, *, offset: int, limit: int) -> Page:
    """Check an answer of the Subjects API by itself and give it as a page."""
    if not isinstance(answer, dict):
        raise TransientError("an answer that is not an object")
    count, works = answer.get("work_count"), answer.get("works")
    if type(count) is not int or count < 0:
        raise TransientError(f"work_count is {ascii(count)[:40]}: the index did not answer")
    if not isinstance(works, list):
        raise TransientError("an answer without works")
    expected = max(0, min(limit, count - offset))
    if len(works) != expected:
        raise TransientError(f"{len(works)} works where {expected} were due")
    try:
        keys = [work_key(record) for record in works]
    except MalformedRecordError as error:
        raise TransientError(str(error)) from error
    if any(before >= after for before, after in pairwise(keys)):
        raise TransientError("works out of the order of their keys, or twice")
    return Page(offset, count, keys, works)
