"""The client of Open Library's API: one request at a time made safe, polite and told apart when it fails.

What belongs here: what is asked, and asked again. How a request is sent is `connection.py`'s business, how an answer is
read that of `answers/`, what several answers mean together `enumeration.py`'s.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

import tenacity

from openlib_assets.openlibrary.answers.checked import (
    ListedKeys,
    Page,
    PageReader,
    parsed,
    read_listed_keys,
    read_page,
    read_works,
)
from openlib_assets.openlibrary.connection import Connection
from openlib_assets.openlibrary.editions import editions_query
from openlib_assets.openlibrary.errors import (
    InterruptedFetchError,
    PermanentError,
    RateLimitedError,
    TransientError,
)
from openlib_assets.openlibrary.listings import WORKS, Listing
from openlib_assets.openlibrary.records import Record
from openlib_assets.openlibrary.retries import Answer, Heard, ask, seconds_to_wait
from openlib_assets.openlibrary.subject_keys import subject_query
from openlib_assets.settings import Settings

_MAX_REDIRECTS = 3


@dataclass
class Traffic:
    """What was sent so far: `requests` in all, of which `retries` were not the first try."""

    requests: int = 0
    retries: int = 0


def _always() -> bool:
    return True


class Client:
    """Asks one Open Library, through a connection of its own or a shared one; safe to use from several threads.

    `traffic` counts what this client sent; `heard` is told before it waits to try again.
    """

    def __init__(self, settings: Settings, connection: Connection | None = None, *, heard: Heard | None = None) -> None:
        self.settings = settings
        self.traffic = Traffic()
        self._connection = connection or Connection(settings)
        self._lock = threading.Lock()
        self._heard = heard

    @property
    def stop(self) -> threading.Event:
        """What ends every wait and every further request with InterruptedFetchError, once it is set."""
        return self._connection.stop

    def subject_url(self, key: str, **query: str | int) -> str:
        """Return the address of a subject, of a page of it where `query` says so."""
        return WORKS.url(self.settings.api_url, key, **query)

    def work_count(self, key: str) -> int:
        """Return how many works a subject has, without fetching any."""
        return self.page(key, offset=0, limit=0).work_count

    def probe(self, key: str) -> int:
        """Return how many works a subject has, by one request without retries: whether the API can be reached."""
        return read_page(self._once(self.subject_url(key, limit=0, sort="key")), WORKS, offset=0, limit=0).work_count

    def page(
        self,
        key: str,
        *,
        offset: int,
        limit: int,
        listing: Listing = WORKS,
        not_below: int = 0,
        wanted: Callable[[], bool] = _always,
        read: PageReader = read_page,
    ) -> Page:
        """Fetch what a subject lists from `offset` to `offset + limit`, in the order of the work keys.

        A count below `not_below` is accepted only when a second answer repeats it, since an overloaded index cuts
        list and count alike. Nothing more is sent once `wanted` says no. `read` is who reads the answer. Raises
        PermanentError, TransientError (after the last try), BannedError or InterruptedFetchError.
        """
        url = listing.url(self.settings.api_url, key, limit=limit, offset=offset, sort="key")
        fallen: list[int] = []

        def page_of(body: bytes) -> Page:
            page = read(body, listing, offset=offset, limit=limit)
            if page.work_count < not_below and fallen[-1:] != [page.work_count]:
                fallen.append(page.work_count)
                raise TransientError(f"{listing.count_name} fell from {not_below} to {page.work_count}")
            return page

        return self._get(url, page_of, wanted)

    def listed_keys(self, key: str, *, after: str, limit: int) -> ListedKeys:
        """List the keys of a subject's works, those after one if it is not empty, by Open Library's search.

        There may be fewer than `limit`, since a server may have a limit of its own, but none only where none are left.
        Raises as `page` does.
        """
        query = {"q": subject_query(key, after=after), "fields": "key", "sort": "key", "limit": limit}
        url = f"{self.settings.api_url}/search.json?{urlencode(query)}"
        return self._get(url, lambda body: read_listed_keys(body, after=after, limit=limit))

    def editions(self, work_keys: Sequence[str], language: str) -> dict[str, Record]:
        """Return what the search says of some works and of one edition of each, by preference in a language.

        A work that is missing is one that the index no longer has, if a second answer lacks it as well. Raises as
        `page` does.
        """
        url = f"{self.settings.api_url}/search.json?{editions_query(work_keys, language)}"
        cut: list[list[str]] = []

        def works_of(body: bytes) -> dict[str, Record]:
            works = read_works(body, work_keys)
            if len(works) < len(work_keys) and cut[-1:] != [sorted(works)]:
                cut.append(sorted(works))
                raise TransientError(f"{len(works)} works instead of {len(work_keys)}")
            return works

        return self._get(url, works_of)

    def rest(self, seconds: float) -> None:
        """Wait, unless ordered to stop."""
        self._connection.wait(seconds)

    def search_subjects(self, text: str, *, limit: int) -> list[Record]:
        """Return the hits of Open Library's subject search, with `key`, `name`, `work_count` and `subject_type`."""
        url = f"{self.settings.api_url}/search/subjects.json?{urlencode({'q': text, 'limit': limit})}"

        def hits(body: bytes) -> list[Record]:
            answer = parsed(body)
            found = answer.get("docs") if isinstance(answer, dict) else None
            if not isinstance(found, list):
                raise TransientError("the answer has no docs")
            return [hit for hit in found if isinstance(hit, dict) and isinstance(hit.get("key"), str)]

        return self._get(url, hits)

    def _get(self, url: str, read: Callable[[bytes], Answer], wanted: Callable[[], bool] = _always) -> Answer:
        """Fetch a URL until `read` accepts the answer, up to `retries.TRIES` times."""
        return ask(
            lambda tries: read(self._once(url, wanted, again=tries > 1)),
            url,
            wait=self._wait,
            sleep=self._connection.wait,
            heard=self._heard,
        )

    def _once(self, url: str, wanted: Callable[[], bool] = _always, *, again: bool = False) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            with self._connection.turn():
                if not wanted():
                    raise InterruptedFetchError("no longer wanted")
                self._count(retries=int(again), requests=1)
                again = False
                body, moved_to = self._connection.send(url)
            if moved_to is None:
                return body
            url = self._redirected(url, moved_to)
        raise PermanentError(f"more than {_MAX_REDIRECTS} redirects")

    def _count(self, *, requests: int, retries: int) -> None:
        with self._lock:
            self.traffic.requests += requests
            self.traffic.retries += retries

    def _redirected(self, url: str, location: str) -> str:
        """Return the target of a redirect: on the same host only, with our scheme, since Open Library may say http."""
        target = urlsplit(urljoin(url, location))
        base = urlsplit(self.settings.api_url)
        if target.hostname != base.hostname or not target.path.startswith(f"{base.path}/"):
            raise PermanentError(f"redirected to {target.geturl()[:200]}, which is not followed")
        ours = target._replace(scheme=base.scheme, netloc=base.netloc).geturl()
        if ours == url and target.scheme != base.scheme:
            raise PermanentError(f"the server asks for {target.scheme}; set OPENLIB_API_URL to one that begins with it")
        return ours

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds until the next try; after a 429 everybody waits so long."""
        limited = state.outcome is not None and isinstance(state.outcome.exception(), RateLimitedError)
        wait = seconds_to_wait(state, self.settings.retry_wait, limited=limited)
        if limited:
            self._connection.pause(wait)
        return wait
