"""Staged pages: what was fetched of a subject so far, set aside until all of it is there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from openlib_assets.openlibrary.client import Page


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


def slices_of(keys: Iterable[str], pages: Sequence[StagedPage]) -> list[Slice]:
    """Return where each key's record lies, in the last of the pages that holds it; neighbours make one slice."""
    place = {key: (page, row) for page in pages for row, key in enumerate(page.keys)}
    slices: list[Slice] = []
    for key in keys:
        page, row = place[key]
        if slices and slices[-1].page is page and slices[-1].stop == row:
            slices[-1] = Slice(page, slices[-1].start, row + 1)
        else:
            slices.append(Slice(page, row, row + 1))
    return slices
