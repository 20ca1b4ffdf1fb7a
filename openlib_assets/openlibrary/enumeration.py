"""The complete enumeration of a subject: the works of the catalogue at one moment, or an error that says both numbers.

What is read is the works themselves, or what the search says of them (`listings.py`).

Pages are read in the order of work keys, several at once. Then Open Library's search lists the subject's keys. Where
pages and list differ, the pages there are read again, until they say what the list says: two separate readings that
agree. What the list lacks is dropped only when the next one lacks it as well: an index that gives up cuts list and
count alike, and does not say so. A list of one answer is one instant of the index, and so are the works. For a longer
one the moment is that of its first answer: every work held was there when its page was read, before it, and when it was
listed, after it; and that answer counted as many works as are held. So no other was there, unless a work left and came
back in between.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.editions import WORKS_A_REQUEST, WORKS_TO_ORDER
from openlib_assets.openlibrary.errors import IncompleteError, SearchRefusedError, SubjectNotFoundError
from openlib_assets.openlibrary.listings import WORKS, Listing
from openlib_assets.openlibrary.reading.key_list import answers_due, read_key_list
from openlib_assets.openlibrary.reading.page_reading import read_pages
from openlib_assets.openlibrary.reading.staged_pages import HeldWorks, Slice, StagedPage, Staging, slices_of
from openlib_assets.settings import DETAILS_ON, Settings

BY_KEY_LIST = "list of keys"
BY_SECOND_READING = "second reading of the pages"

_ROUNDS = 8
# Of retry_wait; then it doubles, up to ten times as long.
_FIRST_WAIT = 1 / 20
_LONGEST_WAIT = 1 / 2
_EXAMPLES = 3


@dataclass(frozen=True)
class Proof:
    """How an enumeration was proven: `by` what, the moment `at` which it holds, and how many requests that took.

    `window` is 0 for a moment. Otherwise each work was there at some time in so many seconds from `at` on.
    """

    by: str
    at: datetime
    window: float
    requests: int


@dataclass(frozen=True)
class Enumeration:
    """A whole subject: its works in key order as slices of staged pages, how many they are, and the proof."""

    work_count: int
    slices: list[Slice]
    pages: int
    proof: Proof


@dataclass(frozen=True)
class Progress:
    """How far a fetch of `noun`, works or details, has come."""

    subject: str
    noun: str
    pages: int
    pages_due: int
    works: int
    works_due: int


Listener = Callable[[Progress], None]


def enumerate_subject(
    client: Client, key: str, staging: Staging, listener: Listener | None = None, listing: Listing = WORKS
) -> Enumeration:
    """Fetch all that a subject lists.

    Raises SubjectNotFoundError for a subject without works, IncompleteError when it does not come to rest, and what
    the client raises.
    """
    return _Reading(client, key, staging, listener or _silent, listing).enumeration()


def page_offsets(work_count: int, page_size: int) -> list[int]:
    """Return the offsets of the pages that cover so many works; there is always one."""
    return list(range(0, max(1, work_count), page_size))


def requests_due(work_count: int, page_size: int) -> int:
    """Return how many requests a fetch takes when nothing goes wrong: one a page, and the list of keys."""
    return len(page_offsets(work_count, page_size)) + answers_due(work_count)


def requests_of_run(work_count: int, settings: Settings) -> int:
    """Return how many requests a run takes: for works, for what the search says of them, for editions to order."""
    works = requests_due(work_count, settings.page_size)
    if settings.details != DETAILS_ON:
        return works
    return 2 * works + -(-min(work_count, WORKS_TO_ORDER) // WORKS_A_REQUEST)


def _silent(_: Progress) -> None:
    return


class _Reading:
    """One enumeration under way."""

    def __init__(self, client: Client, key: str, staging: Staging, listener: Listener, listing: Listing) -> None:
        self._client = client
        self._listing = listing
        self._key = key
        self._staging = staging
        self._listener = listener
        self._limit = client.settings.page_size
        self._pages = staging.pages()
        self._held = HeldWorks(self._pages)

    def enumeration(self) -> Enumeration:
        left = {page.offset for page in self._pages if page.limit == self._limit}
        self._read_pages(left)
        try:
            keys, proof = self._proven_by_list()
        except SearchRefusedError:
            keys, proof = self._proven_by_second_reading()
        if not keys:
            raise SubjectNotFoundError(
                f"{self._url}: Open Library has no work under the subject {self._key!r}; "
                "check its spelling, or look it up with: openlib subjects search"
            )
        pages = sorted(self._pages, key=lambda page: page.serial)
        return Enumeration(len(keys), slices_of(keys, pages), len(page_offsets(len(keys), self._limit)), proof)

    @property
    def _url(self) -> str:
        return self._listing.url(self._client.settings.api_url, self._key)

    def _proven_by_list(self) -> tuple[list[str], Proof]:
        """Read lists until the pages say what one of them says."""
        requests = 0
        disputed: list[set[str]] = []
        for number in range(_ROUNDS):
            self._wait_before_round(number)
            at, started = datetime.now(UTC), time.monotonic()
            listed = read_key_list(self._client, self._key)
            requests += listed.answers
            came, went = self._look_up(listed.keys)
            seconds = time.monotonic() - started
            instant = not went and (listed.answers == 1 or (not came and listed.first_total == len(listed.keys)))
            if self._held.keys == listed.keys and (instant or seconds <= self._client.settings.proof_window):
                return listed.keys, Proof(BY_KEY_LIST, at, 0.0 if instant else seconds, requests)
            disputed.append(set(listed.keys).symmetric_difference(self._held.keys))
        raise IncompleteError(
            f"{self._url}: {_complaint(set.intersection(*disputed))}: {len(self._held.keys)} works held, "
            f"{len(listed.keys)} in the list of its keys; run again later"
        )

    def _proven_by_second_reading(self) -> tuple[list[str], Proof]:
        """Read all pages again until a reading says what the one before said."""
        sent = self._client.traffic.requests
        for number in range(_ROUNDS):
            self._wait_before_round(number)
            before, self._held = self._held.keys, HeldWorks()
            at = datetime.now(UTC)
            first_count = self._read_pages()
            if self._held.keys == before and len(before) == first_count:
                return before, Proof(BY_SECOND_READING, at, 0.0, self._client.traffic.requests - sent)
        raise IncompleteError(
            f"{self._url}: {_complaint(set())}: {len(before)} works in one reading of its pages, "
            f"{len(self._held.keys)} in the next; run again later"
        )

    def _read_pages(self, left: Collection[int] = ()) -> int:
        """Read all pages but those `left` from before; return how many works the first answer counted.

        Only after the first page it is known how many there are, so it is read before all others.
        """
        counts = [page.work_count for page in self._pages[-1:] if left]

        def work_count() -> int:
            return counts[-1] if counts else 0

        def due() -> list[int]:
            return [offset for offset in page_offsets(work_count(), self._limit) if offset not in left]

        self._report(counts)
        for page in self._pages_at(due, work_count):
            self._take(page)
            counts.append(page.work_count)
            self._report(counts)
        return counts[0] if counts else 0

    def _look_up(self, listed: Sequence[str]) -> tuple[bool, bool]:
        """Read the pages again where they and the list differ; return whether works came and whether works went."""
        if self._held.keys == listed:
            return False, False
        came = set(listed).difference(self._held.keys)
        went = set(self._held.keys).difference(listed)
        places = sorted({bisect_left(listed, key) for key in came | went})
        offsets = _offsets_around(places, self._limit)
        for page in self._pages_at(lambda: offsets, lambda: len(listed)):
            self._take(page, last_key=listed[-1] if listed else "")
        return bool(came), bool(went)

    def _pages_at(self, due: Callable[[], Sequence[int]], work_count: Callable[[], int]) -> Iterator[StagedPage]:
        return read_pages(self._client, self._key, self._staging, due, work_count, listing=self._listing)

    def _take(self, page: StagedPage, *, last_key: str | None = None) -> None:
        self._pages.append(page)
        self._held.put(page, last_key=last_key)

    def _report(self, counts: Sequence[int]) -> None:
        if counts:
            due = len(page_offsets(counts[-1], self._limit))
            pages = min(len(self._pages), due)
            self._listener(Progress(self._key, self._listing.noun, pages, due, len(self._held.keys), counts[-1]))

    def _wait_before_round(self, number: int) -> None:
        """Let the catalogue come to rest, and its replicas to one state."""
        if number:
            self._client.rest(self._client.settings.retry_wait * min(_FIRST_WAIT * 2 ** (number - 1), _LONGEST_WAIT))


def _offsets_around(places: Sequence[int], limit: int) -> list[int]:
    """Return the offsets of pages that show all places with a neighbour on either side.

    Most places are well within a page, so that they are met also after works before them came or went.
    """
    margin = max(1, limit // 4)
    offsets: list[int] = []
    for place in places:
        if not offsets or place - offsets[-1] >= max(limit - margin, margin + 1):
            offsets.append(max(0, place - margin))
    return offsets


def _complaint(disputed: Collection[str]) -> str:
    if not disputed:
        return "the subject kept changing while it was read (OPENLIB_PROOF_WINDOW accepts that for some seconds)"
    examples = ", ".join(sorted(disputed)[:_EXAMPLES])
    return f"its pages and its search disagree on {len(disputed)} works, such as {examples}"
