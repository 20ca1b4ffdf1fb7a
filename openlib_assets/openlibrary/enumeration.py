"""The complete enumeration of a subject: every work exactly once, or an error that says both numbers.

Pages are read in the total order of work keys and overlap by one work: the last of a page is the first of the next,
unless something came or went in between. Whatever changes `work_count` or moves a page boundary is thus noticed, and
repaired by bisection: between two places whose offset in the catalogue is known, the works held must be as many as
the offsets apart; where they are not, a page in the middle is read again, down to the page that changed.

An end counts only when two separate answers agree on `work_count`.
"""

import queue
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

from openlib_assets.openlibrary.client import Client, Page
from openlib_assets.openlibrary.errors import IncompleteError, InterruptedFetchError, SubjectNotFoundError

_ROUNDS = 5
_STOP_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class StagedPage:
    """A page that was fetched and set aside: its records lie in the staging under `name`.

    `serial` grows with the time of the answer, also from one process to the next.
    """

    name: str
    serial: int
    offset: int
    limit: int
    work_count: int
    keys: list[str]


class Staging(Protocol):
    """Where fetched pages wait until the enumeration is complete."""

    def pages(self) -> list[StagedPage]:
        """Give what an interrupted fetch of the same subject left behind, in the order of the answers."""
        ...

    def add(self, page: Page, limit: int) -> StagedPage:
        """Set a page aside; it survives the death of this process from here on."""
        ...


@dataclass(frozen=True)
class Slice:
    """Rows `start` to `stop` of a staged page."""

    page: StagedPage
    start: int
    stop: int


@dataclass(frozen=True)
class Enumeration:
    """A whole subject: its works in key order as slices of staged pages, and the `work_count` they equal."""

    work_count: int
    slices: list[Slice]
    pages: int


@dataclass(frozen=True)
class Progress:
    """How far a fetch has come."""

    subject: str
    pages: int
    pages_due: int
    works: int
    works_due: int


Listener = Callable[[Progress], None]


def enumerate_subject(client: Client, key: str, staging: Staging, listener: Listener | None = None) -> Enumeration:
    """Fetch every work of a subject.

    Raises SubjectNotFoundError for a subject without works, IncompleteError when it does not come to rest, and what
    the client raises.
    """
    return _Reading(client, key, staging, listener or _silent).enumeration()


def page_offsets(work_count: int, page_size: int) -> list[int]:
    """Give the offsets of the pages that cover so many works, each overlapping the one before by one work."""
    step = page_size - 1
    return [0, *range(step, work_count - 1, step)]


def requests_due(work_count: int, page_size: int) -> int:
    """Give the requests that a fetch takes when nothing goes wrong: the pages, and a second answer if there is one."""
    return max(2, len(page_offsets(work_count, page_size)))


def _silent(_: Progress) -> None:
    return


class _MovedError(Exception):
    """The catalogue changed while it was being repaired."""


class _Reading:
    """One enumeration under way."""

    def __init__(self, client: Client, key: str, staging: Staging, listener: Listener) -> None:
        self._client = client
        self._key = key
        self._staging = staging
        self._listener = listener
        self._limit = client.settings.page_size
        left = [page for page in staging.pages() if page.limit == self._limit]
        self._pages: dict[int, StagedPage] = {
            page.offset: page for page in left if page.offset % (self._limit - 1) == 0
        }
        self._counts = [page.work_count for page in sorted(self._pages.values(), key=lambda page: page.serial)]
        self._fresh_answers = 0
        self._moved = False

    def enumeration(self) -> Enumeration:
        for _ in range(_ROUNDS):
            self._read_missing()
            self._agree_on_count()
            if self._count == 0:
                raise SubjectNotFoundError(
                    f"{self._client.subject_url(self._key)}: Open Library has no work under the subject {self._key!r}; "
                    "check its spelling, or look it up with: openlib subjects search"
                )
            try:
                return Enumeration(self._count, self._whole(), len(self._pages))
            except _MovedError:
                self._moved = True
        raise IncompleteError(
            f"{self._client.subject_url(self._key)}: the subject kept changing while it was read: "
            f"{self._held()} works held, {self._count} reported; run again later"
        )

    @property
    def _count(self) -> int:
        return self._counts[-1] if self._counts else 0

    def _heard(self, work_count: int) -> None:
        self._counts.append(work_count)
        self._fresh_answers += 1

    def _held(self) -> int:
        return len({key for page in self._pages.values() for key in page.keys})

    def _ordered(self) -> list[StagedPage]:
        due = set(page_offsets(self._count, self._limit))
        return [self._pages[offset] for offset in sorted(self._pages) if offset in due]

    def _read_missing(self) -> None:
        """Read every page not yet held, several at once; the count may change on the way and with it what is due."""
        answers: queue.SimpleQueue[StagedPage | BaseException] = queue.SimpleQueue()
        under_way: set[int] = set()
        wanted = threading.Event()
        wanted.set()

        def read(offset: int, not_below: int) -> None:
            try:
                page = self._client.page(
                    self._key, offset=offset, limit=self._limit, not_below=not_below, wanted=wanted.is_set
                )
                answers.put(self._staging.add(page, self._limit))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                answers.put(error)

        try:
            while True:
                due = page_offsets(self._count, self._limit)
                missing = [offset for offset in due if offset not in self._pages and offset not in under_way]
                for offset in missing[: self._client.settings.max_in_flight - len(under_way)]:
                    under_way.add(offset)
                    threading.Thread(target=read, args=(offset, self._count), daemon=True).start()
                self._report(due)
                if not under_way:
                    return
                answer = self._next(answers)
                if isinstance(answer, BaseException):
                    raise answer
                under_way.discard(answer.offset)
                self._pages[answer.offset] = answer
                self._heard(answer.work_count)
        finally:
            wanted.clear()

    def _next(self, answers: "queue.SimpleQueue[StagedPage | BaseException]") -> StagedPage | BaseException:
        """Wait for an answer, but not past the order to stop: a request under way may take a minute to give up."""
        while True:
            try:
                return answers.get(timeout=_STOP_POLL_SECONDS)
            except queue.Empty:
                if self._client.stop.is_set():
                    raise InterruptedFetchError("interrupted") from None

    def _report(self, due: Sequence[int]) -> None:
        works = sum(len(page.keys) for page in self._pages.values()) - max(0, len(self._pages) - 1)
        self._listener(Progress(self._key, len(self._pages), len(due), works, self._count))

    def _agreed(self) -> bool:
        return self._fresh_answers > 0 and len(self._counts) > 1 and self._counts[-1] == self._counts[-2]

    def _agree_on_count(self) -> None:
        for _ in range(_ROUNDS):
            if self._agreed():
                return
            self._heard(self._client.work_count(self._key, not_below=self._count))
        raise IncompleteError(
            f"{self._client.subject_url(self._key)}: no two answers in a row agree on work_count "
            f"({', '.join(map(str, self._counts[-_ROUNDS:]))}); run again later"
        )

    def _whole(self) -> list[Slice]:
        """Give the works as slices, after repairs where something moved; raises _MovedError if it moves still."""
        pages = self._ordered()
        chained = not _shifted(pages) and not _tears(pages)
        if not chained or self._count != sum(len(page.keys) for page in pages) - (len(pages) - 1):
            return self._repaired(pages)
        return [Slice(page, min(1, place), len(page.keys)) for place, page in enumerate(pages)]

    def _repaired(self, pages: list[StagedPage]) -> list[Slice]:
        """Find where the works held and the catalogue differ, and read those places again."""
        read_again: list[StagedPage] = []
        count = self._count

        def probe(offset: int) -> list[str]:
            page = self._client.page(self._key, offset=offset, limit=self._limit, not_below=count)
            self._heard(page.work_count)
            if page.work_count != count:
                raise _MovedError
            read_again.append(self._staging.add(page, self._limit))
            return page.keys

        repair = _Repair(pages, count, probe, self._limit)
        before_repair = list(repair.keys)
        # Answers under way at once may be dated in the wrong order; once one proved to be, none is relied on.
        anchors = [] if self._moved else _read_after_last_shift(pages, count)
        for page in anchors:
            repair.put(page.offset, page.keys)
        for reread in (False, True):
            for gap in _gaps(anchors, count):
                repair.settle(gap, reread=reread)
            # A boundary that moved is explained by a difference found; if none was, two changes cancel out somewhere.
            if repair.keys != before_repair or not _shifted(pages):
                break
        if len(repair.keys) != count:
            raise _MovedError
        return _slices(repair.keys, [*sorted(pages, key=lambda page: page.serial), *read_again])


class _Gap(NamedTuple):
    """The places from offset `low` to `high`, strictly between two works that lie at either side of them."""

    low: int
    after: str | None
    high: int
    before: str | None


class _Repair:
    """The keys held, made equal to the catalogue's, one gap between known places after the other.

    A tear is a key after which works may lie that were never read, because so many before them went between two
    answers that the pages no longer meet. Where there is none, as many works held as there are in the catalogue means
    that they are the same, save for a removal and an addition that cancel out.
    """

    def __init__(self, pages: Sequence[StagedPage], count: int, probe: Callable[[int], list[str]], limit: int) -> None:
        self.keys = sorted({key for page in pages for key in page.keys})
        self._tears = _tears(pages)
        self._count = count
        self._probe = probe
        self._limit = limit

    def put(self, offset: int, found: Sequence[str]) -> None:
        """Take over a page of the catalogue as it is."""
        first, last = offset == 0, offset + len(found) == self._count
        start = 0 if first else bisect_left(self.keys, found[0])
        stop = len(self.keys) if last else bisect_right(self.keys, found[-1])
        self.keys[start:stop] = found
        self._tears = [
            tear for tear in self._tears if (tear < found[0] and not first) or (tear >= found[-1] and not last)
        ]

    def settle(self, gap: _Gap, *, reread: bool) -> None:
        """Make the keys held in a gap equal the catalogue's, reading no more of it than needed, or all of it."""
        gaps = [gap]
        while gaps:
            low, after, high, before = gap = gaps.pop()
            start = 0 if after is None else bisect_right(self.keys, after)
            stop = len(self.keys) if before is None else bisect_left(self.keys, before)
            tears = [tear for tear in self._tears if (after or "") <= tear and (before is None or tear < before)]
            if stop - start == high - low and not tears and (low == high or not reread):
                continue
            if reread or high - low < self._limit:
                offset = max(low - 1, 0)
            elif tears:
                next_after_tear = high - (stop - bisect_right(self.keys, tears[-1]))
                offset = min(max(next_after_tear - self._limit + 1, low), high - self._limit + (before is not None))
            else:
                offset = (low + high - self._limit) // 2
            found = self._probe(offset)
            _check_place(found, offset, gap)
            self.put(offset, found)
            if offset + len(found) <= high:
                gaps.append(_Gap(offset + len(found), found[-1], high, before))
            if offset >= low:
                gaps.append(_Gap(low, after, offset, found[0]))


def _tears(pages: Sequence[StagedPage]) -> list[str]:
    """Give the keys after which works may lie that no page holds."""
    full = [page for page in pages if page.keys]
    tears = [before.keys[-1] for before, page in pairwise(full) if page.keys[0] > before.keys[-1]]
    tears += [page.keys[-1] for page in full[-1:] if page.offset + len(page.keys) != page.work_count]
    return tears


def _shifted(pages: Sequence[StagedPage]) -> bool:
    """Tell whether any two neighbouring pages fail to meet in exactly one work."""
    return any(page.keys[:1] != before.keys[-1:] for before, page in pairwise(pages))


def _read_after_last_shift(pages: Sequence[StagedPage], count: int) -> list[StagedPage]:
    """Give the pages, by offset, that were read after the last change that the pages bear witness to."""
    changes = [max(before.serial, page.serial) for before, page in pairwise(pages) if page.keys[:1] != before.keys[-1:]]
    changes += [page.serial + 1 for page in pages if page.work_count != count]
    last_change = max(changes, default=0)
    return [page for page in pages if page.serial >= last_change and page.keys]


def _gaps(anchors: Sequence[StagedPage], count: int) -> Iterator[_Gap]:
    """Give what lies between the anchors."""
    low: int = 0
    after: str | None = None
    for page in anchors:
        if page.offset >= low:
            yield _Gap(low, after, page.offset, page.keys[0])
        low, after = page.offset + len(page.keys), page.keys[-1]
    yield _Gap(low, after, count, None)


def _check_place(found: Sequence[str], offset: int, gap: _Gap) -> None:
    """Check that a page read in a gap, or over its ends, agrees with where the gap is known to begin and end."""
    low, after, high, before = gap
    begins = after is None or (found[0] == after if offset < low else found[0] > after)
    ends = before is None or (found[high - offset] == before if high < offset + len(found) else found[-1] < before)
    if not (begins and ends):
        raise _MovedError


def _slices(keys: Iterable[str], pages: Sequence[StagedPage]) -> list[Slice]:
    """Say where each key's record lies, in the last of the pages that holds it; neighbours make one slice."""
    place = {key: (page, row) for page in pages for row, key in enumerate(page.keys)}
    slices: list[Slice] = []
    for key in keys:
        page, row = place[key]
        if slices and slices[-1].page is page and slices[-1].stop == row:
            slices[-1] = Slice(page, slices[-1].start, row + 1)
        else:
            slices.append(Slice(page, row, row + 1))
    return slices
