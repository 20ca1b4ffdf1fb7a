"""Answers of Open Library, each read and checked by itself: what it says, or why it is no good one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from openlib_assets.openlibrary.errors import TransientError
from openlib_assets.openlibrary.listings import Listing
from openlib_assets.openlibrary.records import (
    MalformedRecordError,
    Record,
    canonical_line,
    parse_json,
    payloads,
    work_key,
)


@dataclass(frozen=True)
class Page:
    """One good answer: the records from `offset` on, as bronze keeps them, and how many works the subject has in all.

    `canonical_lines` are what their hash is made of.
    """

    offset: int
    work_count: int
    keys: list[str]
    payloads: list[bytes]
    canonical_lines: list[bytes]


@dataclass(frozen=True)
class ListedKeys:
    """One good answer of the search: the first of the keys asked for, in order, and how many there are in all."""

    total: int
    keys: list[str]


class PageReader(Protocol):
    """Reads an answer as `read_page` does."""

    def __call__(self, body: bytes, listing: Listing, *, offset: int, limit: int) -> Page:
        """Return the page in an answer; raises TransientError."""
        ...


def page_of(records: Sequence[Record], *, offset: int, work_count: int) -> Page:
    """Return records as a page; raises TransientError unless they are in the order of their keys, and can be kept."""
    try:
        return Page(offset, work_count, _keys(records), payloads(records), list(map(canonical_line, records)))
    except RecursionError as error:
        raise TransientError("a work is nested too deeply") from error


def read_page(body: bytes, listing: Listing, *, offset: int, limit: int) -> Page:
    """Read an answer as a page of a listing; raises TransientError."""
    count, records = _counted(parsed(body), listing.count_name, listing.items_name)
    expected = max(0, min(limit, count - offset))
    if len(records) != expected:
        raise TransientError(f"{len(records)} {listing.items_name} instead of {expected}")
    return page_of(records, offset=offset, work_count=count)


def read_listed_keys(body: bytes, *, after: str, limit: int) -> ListedKeys:
    """Read an answer of the search as the keys in it; raises TransientError."""
    total, documents = _counted(parsed(body), "numFound", "docs")
    due = min(limit, total)
    if len(documents) > due or (due and not documents):
        raise TransientError(f"{len(documents)} keys instead of {due}")
    keys = _keys(documents)
    if keys and keys[0] <= after:
        raise TransientError(f"{keys[0]} instead of keys after {after}: the query was taken for words")
    return ListedKeys(total, keys)


def read_works(body: bytes, work_keys: Sequence[str]) -> dict[str, Record]:
    """Read an answer of the search as the documents of some works, by key; raises TransientError.

    A key that was not asked for comes after a query that was taken for words.
    """
    total, documents = _counted(parsed(body), "numFound", "docs")
    if total != len(documents):
        raise TransientError(f"{len(documents)} works instead of {total}")
    works = dict(zip(_each_key(documents), documents, strict=True))
    strange = sorted(works.keys() - set(work_keys))
    if strange:
        raise TransientError(f"{strange[0]} was not asked for")
    if len(works) < len(documents):
        raise TransientError("a work comes twice")
    return works


def parsed(body: bytes) -> Any:
    """Return the JSON value of an answer; raises TransientError."""
    try:
        return parse_json(body)
    except ValueError as error:
        kind = "HTML" if body.lstrip()[:1] == b"<" else "not JSON"
        raise TransientError(f"HTTP 200 with {kind} in {len(body)} bytes") from error


def _counted(answer: Any, count_name: str, items_name: str) -> tuple[int, list[Any]]:
    """Return how many items there are in all, and those that an answer holds."""
    if not isinstance(answer, dict):
        raise TransientError("the answer is not a JSON object")
    count, items = answer.get(count_name), answer.get(items_name)
    if type(count) is not int or count < 0:
        raise TransientError(f"{count_name} is {ascii(count)[:40]}: the index did not answer")
    if not isinstance(items, list):
        raise TransientError(f"the answer has no {items_name}")
    return count, items


def _keys(records: Sequence[Any]) -> list[str]:
    keys = _each_key(records)
    if any(before >= after for before, after in pairwise(keys)):
        raise TransientError("works are not in the order of their keys, or repeated")
    return keys


def _each_key(records: Sequence[Any]) -> list[str]:
    try:
        return [work_key(record) for record in records]
    except MalformedRecordError as error:
        raise TransientError(str(error)) from error
