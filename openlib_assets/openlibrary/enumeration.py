"""The complete enumeration of a subject: every work exactly once, or an error that says both numbers.

Pages are read in the total order of work keys and overlap by one work: the last of a page is the first of the next,
unless something came or went in between. Whatever changes `work_count` or moves a page boundary is thus noticed, and
repaired by bisection: between two places whose offset in the catalogue is known, the works held must be as many as
the offsets apart; where they are not, a page in the middle is read again, down to the page that changed.

An end counts only when two separate answers agree on `work_count`.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openlib_assets.openlibrary.client import Client
from openlib_assets.openlibrary.errors import IncompleteError, InterruptedFetchError, SubjectNotFoundError
from openlib_assets.openlibrary.repair import (
    MovedError,
    Repair,
    gaps_between,
    read_after_last_shift,
    shifted,
    tears_in,
)
from openlib_assets.openlibrary.staged_pages import Slice, StagedPage, Staging, slices_of

_ROUNDS = 5
_STOP_POLL_SECONDS = 0.5


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
    """Return the offsets of the pages that cover so many works, each overlapping the one before by one work."""
    step = page_size - 1
    return [0, *range(step, work_count - 1, step)]


def requests_due(work_count: int, page_size: int) -> int:
    """Return how many requests a fetch takes when nothing goes wrong: one a page, and two where there is one page."""
    return max(2, len(page_offsets(work_count, page_size)))


def _silent(_: Progress) -> None:
    return


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
            except MovedError:
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
        """Return the works as slices, after repairs where something moved; raises MovedError if it moves still."""
        pages = self._ordered()
        chained = not shifted(pages) and not tears_in(pages)
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
                raise MovedError
            read_again.append(self._staging.add(page, self._limit))
            return page.keys

        repair = Repair(pages, count, probe, self._limit)
        before_repair = list(repair.keys)
        # Answers under way at once may be dated in the wrong order; once one proved to be, none is relied on.
        anchors = [] if self._moved else read_after_last_shift(pages, count)
        for page in anchors:
            repair.put(page.offset, page.keys)
        for reread in (False, True):
            for gap in gaps_between(anchors, count):
                repair.settle(gap, reread=reread)
            # A boundary that moved is explained by a difference found; if none was, two changes cancel out somewhere.
            if repair.keys != before_repair or not shifted(pages):
                break
        if len(repair.keys) != count:
            raise MovedError
        return slices_of(repair.keys, [*sorted(pages, key=lambda page: page.serial), *read_again])
