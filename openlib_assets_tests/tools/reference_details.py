"""What the search says of works, and their ISBNs, in plain Python: part of the reference (`reference.py`)."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

Row = dict[str, Any]

_TEN = range(10, 0, -1)
_HYPHENS = "\u2212\u00ad"  # a minus, and the hyphen that shows only where a line ends


def isbn13(text: object) -> str | None:
    """The ISBN-13 that an entry is; none for anything else."""
    return None if fault_of(text) else _thirteen(_bare(str(text)))


def fault_of(text: object) -> str | None:
    """Why an entry is no book number: the first reason that there is."""
    return _fault_of(text) if isinstance(text, str) else "not a text"


@cache
def _fault_of(text: str) -> str | None:
    bare = _bare(text)
    digits = bare[:-1] if len(bare) == 10 and bare.endswith("X") else bare
    one_digit = {len(set(bare)), len(set(bare[3:12])) if len(bare) == 13 and bare.startswith("978") else 0}
    reasons = (
        (not bare, "blank"),
        (not (digits.isascii() and digits.isdecimal()), "not a book number"),
        (1 in one_digit, "placeholder"),
        (len(bare) not in (10, 13), "wrong length"),
        (len(bare) == 13 and not bare.startswith(("978", "979")), "not a book number"),
    )
    first = next((reason for is_so, reason in reasons if is_so), None)
    return first or (None if _adds_up(bare) else "wrong check digit")


def entries(document: Mapping[str, Any]) -> list[object]:
    """What a document lists as ISBNs."""
    listed = document.get("isbn")
    return [entry for entry in listed if entry is not None] if isinstance(listed, list) else []


def fields_left_out(document: Mapping[str, Any]) -> int:
    """How many fields of a document say something of which nothing can be made."""
    isbn = document.get("isbn")
    return isinstance(isbn, int | float | str | dict) + sum(
        document.get(field) is not None and read(document[field]) is None for field, read in _FIELDS.items()
    )


def work_isbns(documents: Iterable[Mapping[str, Any]], works: Iterable[str]) -> list[Row]:
    """A row for each work of `works` and ISBN-13."""
    known = set(works)
    pairs = {
        (key, isbn)
        for document in documents
        if (key := _key(document)) in known
        for entry in entries(document)
        if (isbn := isbn13(entry))
    }
    return [{"work_key": key, "isbn13": isbn} for key, isbn in sorted(pairs)]


def work_details(
    documents: Iterable[Mapping[str, Any]], works: Iterable[str], isbns: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """A row for each work of `works`, sorted by key."""
    by_key = {_key(document): document for document in documents}
    counts = Counter(row["work_key"] for row in isbns)
    return [_details(key, by_key.get(key), counts[key]) for key in sorted(works)]


def _details(key: str, document: Mapping[str, Any] | None, isbn_count: int) -> Row:
    said = document or {}
    ratings = _count(said.get("ratings_count"))
    return {
        "work_key": key,
        "subtitle": _text(said.get("subtitle")),
        "languages": None if document is None else _texts(said.get("language")),
        "publishers": None if document is None else _texts(said.get("publisher")),
        "formats": None if document is None else _texts(said.get("format")),
        "pages_median": _count(said.get("number_of_pages_median")),
        "ratings_average": _number(said.get("ratings_average")) if ratings and ratings > 0 else None,
        "ratings_count": ratings,
        "want_to_read": _count(said.get("want_to_read_count")),
        "currently_reading": _count(said.get("currently_reading_count")),
        "already_read": _count(said.get("already_read_count")),
        "ebook_access": _text(said.get("ebook_access")),
        "isbn_count": None if document is None else isbn_count,
    }


def _key(document: Mapping[str, Any]) -> str:
    return str(document["key"]).removeprefix("/works/")


def _text(value: object) -> str | None:
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(value, str) else None


def _texts(value: object) -> list[str] | None:
    """The texts of a list, nothing where there is none; None for anything but texts in a list."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(one is None or isinstance(one, str) for one in value):
        return None
    return [text for one in value if (text := _text(one)) is not None]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    """A whole number of 64 bits, also as a real below 10^15 with nothing behind its point."""
    if isinstance(value, float) and abs(value) < 1e15 and value == int(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None


def _bare(text: str) -> str:
    if not (text.isascii() and text.isalnum()):
        text = "".join(one for one in text if not _is_between(one))
    return text.upper()


def _is_between(one: str) -> bool:
    """Whether a character is a blank or a hyphen of any kind."""
    return one.isspace() or one in _HYPHENS or unicodedata.category(one) in ("Pd", "Zs")


def _adds_up(bare: str) -> bool:
    if len(bare) == 10:
        return sum(weight * (10 if one == "X" else int(one)) for weight, one in zip(_TEN, bare, strict=True)) % 11 == 0
    return sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(bare)) % 10 == 0


@cache
def _thirteen(bare: str) -> str:
    return bare if len(bare) == 13 else next(made for last in "0123456789" if _adds_up(made := f"978{bare[:9]}{last}"))


_FIELDS: Mapping[str, Callable[[object], object]] = {
    "subtitle": _text,
    "language": _texts,
    "publisher": _texts,
    "format": _texts,
    "number_of_pages_median": _count,
    "ratings_average": _number,
    "ratings_count": _count,
    "want_to_read_count": _count,
    "currently_reading_count": _count,
    "already_read_count": _count,
    "ebook_access": _text,
}
