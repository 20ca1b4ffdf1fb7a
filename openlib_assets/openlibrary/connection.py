"""The connection to one Open Library that all fetches of a process share.

What belongs here: sending one request, and what holds for all of them together: the pace, how many are under way at
once, sessions kept alive, and a ban. Answers are read and asked for again in `client.py`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version

import requests

from openlib_assets.openlibrary.errors import (
    BannedError,
    InterruptedFetchError,
    PermanentError,
    RateLimitedError,
    SourceError,
    TransientError,
)
from openlib_assets.openlibrary.pace.pacing import open_pace
from openlib_assets.settings import Settings
from openlib_assets.storage.errors import first_line

_LONGEST_ANSWER_FACTOR = 10
# Small beside a page, so that the time is looked at often while a slow one comes in.
_CHUNK_BYTES = 1 << 14
_TRANSIENT_STATUSES = {408, 425}
_STOP_POLL_SECONDS = 0.5
# How long after a 429, and after how few good answers, a refused connection is a ban and not a server that restarts.
_BAN_SECONDS = 300.0
_ANSWERS_OF_NO_BAN = 20


class Connection:
    """Sends requests to one Open Library; safe to use from several threads.

    `stop`, once set, ends every wait and every further request with InterruptedFetchError. `clock` counts seconds.
    Raises SettingsError where the public site would be asked without a contact.
    """

    def __init__(
        self,
        settings: Settings,
        stop: threading.Event | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings.require_contact()
        self.settings = settings
        self.stop = stop or threading.Event()
        self._pace = open_pace(settings, self.stop)
        self._in_flight = threading.BoundedSemaphore(settings.max_in_flight)
        self._lock = threading.Lock()
        self._idle_sessions: list[requests.Session] = []
        self._clock = clock
        self._ban_likely_until = clock()
        self._good_answers = 0  # since the last 429
        self._banned: BannedError | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until one more request may be under way; raises BannedError and InterruptedFetchError."""
        # In this order: a slot of the pace that waits for others to come back would be lost.
        while not self._in_flight.acquire(timeout=_STOP_POLL_SECONDS):
            if self.stop.is_set():
                raise InterruptedFetchError("interrupted while waiting to send a request")
        try:
            if self._banned:
                raise self._banned
            self._pace.wait_for_slot()
            yield
        finally:
            self._in_flight.release()

    def send(self, url: str) -> tuple[bytes, str | None]:
        """Send one request, whose turn it is; return its body, or where it was redirected to."""
        try:
            return self._exchange(url)
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ConnectionError) as error:
            refused = isinstance(error, requests.exceptions.ConnectTimeout) or "Connection refused" in str(error)
            if refused and self._ban_is_likely():
                self._banned = BannedError(
                    f"{url}: connection refused after HTTP 429: Open Library has blocked this address for a while; "
                    "wait an hour, then run again with a lower OPENLIB_REQUESTS_PER_SECOND"
                )
                raise self._banned from error
            raise failed(error) from error
        except OSError as error:
            raise failed(error) from error
        except ValueError as error:  # requests reads where it would be redirected to
            raise PermanentError(f"redirected to what is no address: {error}") from error

    def pause(self, seconds: float) -> None:
        """Block all requests for so many seconds from now, after a 429."""
        self._warned(seconds)
        self._pace.pause(seconds)

    def wait(self, seconds: float) -> None:
        """Wait before trying again."""
        if self.stop.wait(seconds):
            raise InterruptedFetchError("interrupted while waiting to retry")

    def _exchange(self, url: str) -> tuple[bytes, str | None]:
        timeout = self.settings.timeout
        deadline = time.monotonic() + _LONGEST_ANSWER_FACTOR * timeout
        with (
            self._session() as session,
            session.get(url, timeout=timeout, allow_redirects=False, stream=True) as response,
        ):
            status = response.status_code
            if response.is_redirect:
                return b"", response.headers["Location"]
            if status == 429:
                self._warned()
                raise RateLimitedError("HTTP 429, too many requests")
            if is_transient(status):
                raise TransientError(f"HTTP {status}")
            if status != 200:
                raise PermanentError(f"HTTP {status}{_advice(status, self.settings.contact)}")
            chunks = []
            for chunk in response.iter_content(_CHUNK_BYTES):
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    raise TransientError(f"the answer took longer than {_LONGEST_ANSWER_FACTOR * timeout:g} s")
            with self._lock:
                self._good_answers += 1
            return b"".join(chunks), None

    def _warned(self, pause: float = 0.0) -> None:
        """Expect a ban for a while after a pause."""
        with self._lock:
            self._ban_likely_until = max(self._ban_likely_until, self._clock() + pause + _BAN_SECONDS)
            self._good_answers = 0

    def _ban_is_likely(self) -> bool:
        with self._lock:
            return self._clock() < self._ban_likely_until and self._good_answers < _ANSWERS_OF_NO_BAN

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """Lend a session to one thread at a time, so that connections are kept alive and never shared."""
        with self._lock:
            session = self._idle_sessions.pop() if self._idle_sessions else None
        if session is None:
            session = _new_session(self.settings)
        yield session
        with self._lock:
            self._idle_sessions.append(session)


def _new_session(settings: Settings) -> requests.Session:
    """Return a session that has taken proxies and certificates from the environment.

    By default each request goes through all of the environment and looks for a password in ~/.netrc, which takes more
    than a third of what it costs to send one. Redirects are followed on the same host only.
    """
    session = requests.Session()
    session.headers["User-Agent"] = user_agent(settings.contact)
    session.headers["Accept"] = "application/json"
    environment = session.merge_environment_settings(settings.api_url, {}, None, None, None)
    session.proxies, session.verify = environment["proxies"], environment["verify"]
    session.trust_env = False
    return session


def is_transient(status: int) -> bool:
    """Tell whether another try may be answered with another status."""
    return status in _TRANSIENT_STATUSES or status >= 500


def user_agent(contact: str | None) -> str:
    """Return the User-Agent: name, version and, where there is one, the contact that Open Library asks for."""
    name = f"openlib_assets/{_version()}"
    return f"{name} ({contact})" if contact else name


@cache
def _version() -> str:
    """Return the version that is installed; to look it up is to read a file, for each session anew."""
    return version("openlib-assets")


def _advice(status: int, contact: str | None) -> str:
    if status == 403 and contact:
        return ", refused although it is told your contact: wait an hour; if it goes on, write to Open Library"
    if status == 403:
        return ", refused: set OPENLIB_CONTACT, since Open Library refuses clients without a contact"
    if status == 404:
        return ", not found: check OPENLIB_API_URL"
    return ""


def failed(error: OSError) -> SourceError:
    """Return what a failed request means: PermanentError where another try would fail alike, else TransientError."""
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return PermanentError(f"{first_line(error)}; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY")
    if "TLS" in str(error) and not isinstance(error, requests.exceptions.RequestException):
        return PermanentError(f"{first_line(error)}; check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE")
    return TransientError(failure(error))


def failure(error: Exception) -> str:
    """Return in a few words why a connection failed."""
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
    return f"the connection failed ({type(error).__name__})"
