"""The repair of an enumeration: where the works held and the catalogue differ is found by bisection, and read again.

Between two places whose offset in the catalogue is known, the works held must be as many as the offsets apart; where
they are not, a page in the middle is read again, down to the page that changed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from openlib_assets.openlibrary.staged_pages import StagedPage


class MovedError(Exception):
    """The catalogue changed while it was being repaired."""


class Gap(NamedTuple):
    """The places from offset `low` to `high`, strictly between two works that lie at either side of them."""

    low: int
    after: str | None
    high: int
    before: str | None


class Repair:
    """The keys held, made equal to the catalogue's, one gap between known places after the other.

    A tear is a key after which works may lie that were never read, because so many before them went between two
    answers that the pages no longer meet. Where there is none, as many works held as there are in the catalogue means
    that they are the same, save for a removal and an addition that cancel out.
    """

    def __init__(self, pages: Sequence[StagedPage], count: int, probe: Callable[[int], list[str]], limit: int) -> None:
        self.keys = sorted({key for page in pages for key in page.keys})
        self._tears = tears_in(pages)
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

    def settle(self, gap: Gap, *, reread: bool) -> None:
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
                gaps.append(Gap(offset + len(found), found[-1], high, before))
            if offset >= low:
                gaps.append(Gap(low, after, offset, found[0]))


def tears_in(pages: Sequence[StagedPage]) -> list[str]:
    """Return the keys after which works may lie that no page holds."""
    full = [page for page in pages if page.keys]
    tears = [before.keys[-1] for before, page in pairwise(full) if page.keys[0] > before.keys[-1]]
    tears += [page.keys[-1] for page in full[-1:] if page.offset + len(page.keys) != page.work_count]
    return tears


def shifted(pages: Sequence[StagedPage]) -> bool:
    """Tell whether any two neighbouring pages fail to meet in exactly one work."""
    return any(page.keys[:1] != before.keys[-1:] for before, page in pairwise(pages))


def read_after_last_shift(pages: Sequence[StagedPage], count: int) -> list[StagedPage]:
    """Return the pages, by offset, that were read after the last change that the pages bear witness to."""
    changes = [max(before.serial, page.serial) for before, page in pairwise(pages) if page.keys[:1] != before.keys[-1:]]
    changes += [page.serial + 1 for page in pages if page.work_count != count]
    last_change = max(changes, default=0)
    return [page for page in pages if page.serial >= last_change and page.keys]


def gaps_between(anchors: Sequence[StagedPage], count: int) -> Iterator[Gap]:
    """Return what lies between the anchors."""
    low: int = 0
    after: str | None = None
    for page in anchors:
        if page.offset >= low:
            yield Gap(low, after, page.offset, page.keys[0])
        low, after = page.offset + len(page.keys), page.keys[-1]
    yield Gap(low, after, count, None)


def _check_place(found: Sequence[str], offset: int, gap: Gap) -> None:
    """Check that a page read in a gap, or over its ends, agrees with where the gap is known to begin and end."""
    low, after, high, before = gap
    begins = after is None or (found[0] == after if offset < low else found[0] > after)
    ends = before is None or (found[high - offset] == before if high < offset + len(found) else found[-1] < before)
    if not (begins and ends):
        raise MovedError
