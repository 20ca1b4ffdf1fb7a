"""Staged pages: what was fetched of a subject so far, set aside until all of it is there."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from openlib_assets.openlibrary.answers.checked import Page


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
        """Return what an interrupted fetch of the same subject left behind, in the order of the answers."""
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


class HeldWorks:
    """What the pages read so far say of a subject: `keys`, in order. Where pages overlap, the later answer counts."""

    def __init__(self, pages: Iterable[StagedPage] = ()) -> None:
        self.keys: list[str] = []
        for page in pages:
            self.put(page)

    def put(self, page: StagedPage, *, last_key: str | None = None) -> None:
        """Take over what a page says of the keys from its first to its last.

        What lies behind goes only if the page ends with the `last_key` that the subject has by another reading, empty
        for a subject without works: a page that looks like the last one may also be cut, by an index that gave up and
        counted what it had.
        """
        if not page.keys:
            if page.work_count == 0 and last_key == "":
                self.keys = []
            return
        first = 0 if page.offset == 0 else bisect_left(self.keys, page.keys[0])
        last = len(self.keys) if page.keys[-1] == last_key else bisect_right(self.keys, page.keys[-1])
        self.keys[first:last] = page.keys


def slices_of(keys: Sequence[str], pages: Sequence[StagedPage]) -> list[Slice]:
    """Return where each key's record lies, in the last of the pages that holds it; neighbours make one slice."""
    end_to_end = sorted(pages, key=lambda page: page.offset)
    if len(keys) == sum(len(page.keys) for page in pages) and all(
        key == held for key, held in zip(keys, chain.from_iterable(page.keys for page in end_to_end), strict=True)
    ):
        return [Slice(page, 0, len(page.keys)) for page in end_to_end]
    place = {key: (page, row) for page in pages for row, key in enumerate(page.keys)}
    slices: list[Slice] = []
    for key in keys:
        page, row = place[key]
        if slices and slices[-1].page is page and slices[-1].stop == row:
            slices[-1] = Slice(page, slices[-1].start, row + 1)
        else:
            slices.append(Slice(page, row, row + 1))
    return slices
