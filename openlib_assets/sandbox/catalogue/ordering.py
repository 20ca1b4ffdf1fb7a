"""The orders that Open Library's index offers, and why only some of them are safe to page by.

Works with equal values may come in another order the next time. With the key among the fields there are none.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b
from itertools import groupby
from typing import Any, NamedTuple

_RANDOM = re.compile(r"(?P<salt>random(\.hourly|\.daily)?(_.*?)?)(?P<order> asc| desc)?")


class UnknownSortError(ValueError):
    """Open Library answers this with a 500."""


class Clause(NamedTuple):
    """A field to sort by. `salt` sets a random order apart from the others."""

    field: str
    descending: bool = False
    salt: str = ""


BY_KEY = Clause("key")
Clauses = tuple[Clause, ...]
_BY_POPULARITY = (
    "rating",
    "readinglog",
    "want_to_read",
    "currently_reading",
    "already_read",
    "scans",
    "ebook_access",
)
_BY_CLASSIFICATION = ("lcc_sort", "ddc_sort")
_SORTS = {
    "editions": Clause("edition_count", descending=True),
    "old": Clause("oldest"),
    "new": Clause("newest", descending=True),
    "title": Clause("title"),
    "key": Clause("key"),
    "key asc": Clause("key"),
    "key desc": Clause("key", descending=True),
    **{
        f"{name}{order}": Clause("popularity", order != " asc")
        for name in _BY_POPULARITY
        for order in ("", " asc", " desc")
    },
    **{
        f"{name}{order}": Clause("title", order == " desc")
        for name in _BY_CLASSIFICATION
        for order in ("", " asc", " desc")
    },
}
RELEVANCE = (Clause("popularity", descending=True),)
UNDATED = {"oldest": 9999, "newest": -1}  # works without a year come last either way


def parse(sort: str) -> Clauses:
    """The clauses of a `sort` parameter; without one, by relevance."""
    if not sort:
        return RELEVANCE
    return tuple(_clause(name.strip()) for name in sort.split(","))


def _clause(name: str) -> Clause:
    if random := _RANDOM.fullmatch(name):
        return Clause("random", random["order"] == " desc", random["salt"])
    if name not in _SORTS:
        raise UnknownSortError(name)
    return _SORTS[name]


class Order(NamedTuple):
    """Codes in some order, and where runs of equal values begin in it (none if there are no ties)."""

    codes: Sequence[int]
    runs: Sequence[int] = ()

    def page(self, offset: int, limit: int, shift: int) -> list[int]:
        """A slice of the order, in which every run of equals is turned round by `shift` places."""
        end = min(offset + limit, len(self.codes))
        if not self.runs:
            return list(self.codes[offset:end])
        page = []
        for position in range(offset, end):
            following = bisect_right(self.runs, position)
            start = self.runs[following - 1]
            stop = self.runs[following] if following < len(self.runs) else len(self.codes)
            page.append(self.codes[start + (position - start + shift) % (stop - start)])
        return page


def arrange(codes: Iterable[int], clauses: Sequence[Clause], value: Callable[[int, str], Any]) -> Order:
    """Sort codes that come in key order. `value` tells a code's value of a field."""

    def sort_value(clause: Clause, code: int) -> Any:
        return _shuffled(code, clause.salt) if clause.field == "random" else value(code, clause.field)

    ordered = list(codes)
    for clause in reversed(clauses):
        ordered.sort(key=partial(sort_value, clause), reverse=clause.descending)
    if any(clause.field in ("key", "random") for clause in clauses):
        return Order(array("Q", ordered))
    runs, start = array("Q"), 0
    for _, equals in groupby(ordered, key=lambda code: [sort_value(clause, code) for clause in clauses]):
        runs.append(start)
        start += sum(1 for _ in equals)
    return Order(array("Q", ordered), runs)


def _shuffled(code: int, salt: str) -> bytes:
    return blake2b(b"%s/%d" % (salt.encode(), code), digest_size=8).digest()
