"""The dumps on archive.org: which there are, what their files should be, and the way to their bytes.

What belongs here: one request and its retries. What is done with the bytes is `download.py`'s business.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
import tenacity

from openlib_assets.openlibrary.connection import failed, is_transient, user_agent
from openlib_assets.openlibrary.dumps.names import (
    DUMP_FILES,
    Dump,
    DumpFile,
    day_of_item,
    item_name,
    parts_of_file_name,
)
from openlib_assets.openlibrary.errors import (
    DamagedDumpError,
    InterruptedFetchError,
    MissingDumpError,
    PermanentError,
    RateLimitedError,
    TransientError,
)
from openlib_assets.openlibrary.records import parse_json
from openlib_assets.openlibrary.retries import Answer, Heard, ask, seconds_to_wait
from openlib_assets.settings import Settings

_COLLECTION = "ol_exports"
# Two items a month since 2011: this is all of them for a long time.
_MOST_ITEMS = 1000
_MAX_REDIRECTS = 5
_RANGE_NOT_SATISFIABLE = 416
_SIZE_FORM = re.compile(r"[0-9]{1,15}")
_MD5_FORM = re.compile(r"[0-9a-f]{32}")


class Archive:
    """The archive that `OPENLIB_DUMPS_URL` names.

    `stop`, once set, ends every wait and every further request with InterruptedFetchError, and an answer with its next
    byte; after `timeout` seconds without one an answer has failed. `heard` is told before a wait to try again. Every
    method raises PermanentError, or TransientError after the last try.
    """

    def __init__(self, settings: Settings, stop: threading.Event | None = None, *, heard: Heard | None = None) -> None:
        self.stop = stop or threading.Event()
        self._url = settings.dumps_url
        self.timeout = settings.timeout
        self._retry_wait = settings.retry_wait
        self._heard = heard
        self._session = requests.Session()
        self._session.headers["User-Agent"] = user_agent(settings.contact)
        # What arrives is to be what lies there, byte by byte.
        self._session.headers["Accept-Encoding"] = "identity"

    def days(self) -> list[date]:
        """Return the dates of all dumps, the newest first."""
        query = {
            "q": f"collection:{_COLLECTION}",
            "fl[]": "identifier",
            "sort[]": "addeddate desc",
            "rows": _MOST_ITEMS,
            "output": "json",
        }
        found = self._json(f"{self._url}/advancedsearch.php?{urlencode(query)}")
        try:
            items = [str(doc["identifier"]) for doc in found["response"]["docs"]]
        except (KeyError, TypeError) as error:
            raise PermanentError(f"{self._url}/advancedsearch.php: the answer lists no items") from error
        return sorted({day for item in items if (day := day_of_item(item))}, reverse=True)

    def dump(self, day: date) -> Dump:
        """Return what there is of the dump of a date, perhaps nothing."""
        item = item_name(day)
        told = self._json(f"{self._url}/metadata/{item}").get("files")
        rows = told if isinstance(told, list) else []
        files = [file for row in rows if isinstance(row, dict) and (file := _file_told(row, day))]
        return Dump(day, self.address(day), {file.name: file for file in files})

    def address(self, day: date) -> str:
        """Return where the files of the dump of a date are, if there is one."""
        return f"{self._url}/download/{item_name(day)}"

    def available(self, most: int) -> list[Dump]:
        """Return the newest dumps, that many at most, the newest first; one may be without some of its files."""
        return [self.dump(day) for day in self.days()[:most]]

    def resolve(self, day: date | None = None, names: Sequence[str] = DUMP_FILES) -> Dump:
        """Return the dump of a date, by default the newest, that has all files of these names.

        Raises MissingDumpError where it does not, and DamagedDumpError where a file is that of the dump before.
        """
        days = self.days()
        if not days or (day and day not in days):
            listed = f"the newest are {', '.join(map(str, days[:3]))}" if days else "it lists none"
            raise MissingDumpError(f"{self._url}: there is no dump of {day or 'any date'}; {listed}")
        chosen = day or days[0]
        dump = self.dump(chosen)
        earlier = next((other for other in days if other < chosen), None)
        instead = f", or take another date, such as {earlier}" if earlier else ""
        files = dump.require(names, f"its upload may not have ended: try again in a day{instead}")
        before = self.dump(earlier).files if earlier else {}
        for file in files:
            if file.name in before and file.md5 == before[file.name].md5:
                raise DamagedDumpError(
                    f"{dump.address}/{file.file_name}: has the same bytes as the one of {earlier}, so it was uploaded "
                    f"by mistake; take another date, or write to Open Library"
                )
        return dump

    def url(self, file: DumpFile) -> str:
        """Return the address of a file."""
        return f"{self._url}/{file.path}"

    def ask(self, send: Callable[[int], Answer], url: str) -> Answer:
        """Return what `send` returns, which is called again after a TransientError."""
        return ask(send, url, wait=self._wait, sleep=self._sleep, heard=self._heard)

    @contextmanager
    def opened(self, url: str, start: int = 0) -> Iterator[requests.Response]:
        """Lend the answer to one request for the bytes from `start` on: its status is 200 or 206."""
        if self.stop.is_set():
            raise InterruptedFetchError("interrupted before a request was sent")
        with self._followed(url, {"Range": f"bytes={start}-"} if start else {}) as response:
            status = response.status_code
            if status == 429:
                raise RateLimitedError("HTTP 429, too many requests")
            if is_transient(status):
                raise TransientError(f"HTTP {status}")
            if status == _RANGE_NOT_SATISFIABLE:
                raise TransientError(f"HTTP 416: the file there ends before byte {start:,}")
            if status == 404:
                raise PermanentError("HTTP 404, not found: its upload may not have ended; try again in a day")
            if status not in (200, 206):
                raise PermanentError(f"HTTP {status}: check OPENLIB_DUMPS_URL and OPENLIB_CONTACT")
            yield response

    @contextmanager
    def _followed(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """Lend the answer at the end of the redirects."""
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                response = self._session.get(
                    url, headers=headers, timeout=self.timeout, allow_redirects=False, stream=True
                )
            except OSError as error:
                raise failed(error) from error
            with response:
                if not response.is_redirect:
                    yield response
                    return
                url = self._redirected(url, response.headers["Location"])
        raise PermanentError(f"more than {_MAX_REDIRECTS} redirects")

    def _redirected(self, url: str, location: str) -> str:
        """Return the target of a redirect: archive.org sends to its nodes, hosts below its own name."""
        base, target = urlsplit(self._url), urlsplit(urljoin(url, location))
        host = target.hostname or ""
        below = host == base.hostname or host.endswith(f".{base.hostname}")
        if not below or target.scheme not in ("https", base.scheme):
            raise PermanentError(f"redirected to {target.geturl()[:200]}, which is not followed")
        return target.geturl()

    def _json(self, url: str) -> dict[str, Any]:
        def read(_: int) -> dict[str, Any]:
            with self.opened(url) as response:
                try:
                    body = response.content
                except requests.exceptions.RequestException as error:
                    raise failed(error) from error
            try:
                answer = parse_json(body)
            except ValueError as error:
                raise TransientError("HTTP 200 with something else than JSON") from error
            if not isinstance(answer, dict):
                raise TransientError("the answer is not a JSON object")
            return answer

        return self.ask(read, url)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        limited = state.outcome is not None and isinstance(state.outcome.exception(), RateLimitedError)
        return seconds_to_wait(state, self._retry_wait, limited=limited)

    def _sleep(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise InterruptedFetchError("interrupted while waiting to retry")


def _file_told(row: Mapping[str, Any], day: date) -> DumpFile | None:
    """Return the file of a dump that metadata tell of, None if they tell of something else or too little.

    The checksum becomes part of a path here, so it has to be one.
    """
    text, size, md5 = (str(row.get(name, "")) for name in ("name", "size", "md5"))
    parts = parts_of_file_name(text)
    if not parts or parts[1] != day or not _SIZE_FORM.fullmatch(size) or not _MD5_FORM.fullmatch(md5):
        return None
    return DumpFile(parts[0], day, f"download/{item_name(day)}/{text}", int(size), md5)
