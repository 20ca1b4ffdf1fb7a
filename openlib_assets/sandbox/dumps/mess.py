"""Lines that a reader has to reject, of every kind, each with the first reason that holds."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from itertools import count as count_from
from typing import NamedTuple

from openlib_assets.sandbox.dumps.lines import Line

_TIME = b"2010-04-28T06:54:19.472104"
_NOT_UTF_8, _NOT_JSON = "not UTF-8", "not a JSON object"
_BAD_OBJECTS = (
    b'{"title": "cut',
    b"[]",
    b'"a text"',
    b"null",
    b"7",
    b"",
    b"{'title': 'x'}",
    b'{"title": "x"} x',
    b'{"title": "a\\qb"}',
    b'{"title": "\x01"}',
    b"{title: 1}",
    b'{"a": 01}',
)
_BAD_SHELVES = (b"want to read", b"Abandoned", b"1", b"", rb"\N", b"Already Read ")
_BAD_RATINGS = (b"0", b"6", b"4.5", b"05", b"", rb"\N", b"five", b" 4", b"-1")
_BAD_DAYS = (
    *(b"2024-02-30", b"2023-02-29", b"2024-1-5", b"", rb"\N", b"2024-01-01 00:00:00", b"0000-00-00"),
    *(b"20240101", b"2024-13-01", b"yesterday", b"01.02.2024"),
)


class _Kind(NamedTuple):
    name: str
    article: str
    prefix: str
    letter: str


_KINDS = {
    "works": _Kind("work", "a work", "/works/OL", "W"),
    "editions": _Kind("edition", "an edition", "/books/OL", "M"),
    "authors": _Kind("author", "an author", "/authors/OL", "A"),
    "redirects": _Kind("redirect", "", "/works/OL", "W"),
}


def bad_lines(file: str, count: int) -> list[Line]:
    """So many lines of a file, and at least one of each kind."""
    each = _bad_records if file in _KINDS else _bad_activity
    kinds = len(list(each(file, 0)))
    rounds = chain.from_iterable(each(file, number) for number in count_from(0))
    return list(islice(rounds, max(count, kinds)))


def _bad_records(file: str, number: int) -> Iterator[Line]:
    kind = _KINDS[file]
    name, wrong_type = kind.name.encode(), f"type is not /type/{kind.name}"
    key = f"{kind.prefix}{90_000_000 + number}{kind.letter}".encode()
    good = _json(kind, key, number)

    start = (b"/type/" + name, key, b"3", _TIME)
    yield Line(_columns(*start, good.replace(b"\\u00e9", b"\xe9")), _NOT_UTF_8)
    yield Line(_columns(*start, b"{\xff") + b"\tand more", _NOT_UTF_8)
    yield Line(_columns(*start, good[:-1] + b', "a": "\xed\xa0\x80"}'), _NOT_UTF_8)
    for columns in ((*start,), (*start, good, b""), (*start, b"{}\t"), (b"",), (key, good), (b"<!DOCTYPE html>",)):
        yield Line(_columns(*columns), "not five columns")
    for other in (b"/type/delete", b"/type/page", b"/type/" + name + b"s", name, b"", b"/type/" + name.title()):
        yield Line(_columns(other, *start[1:], good if number % 2 else b"{"), wrong_type)
    if kind.article:
        for wrong_key in _bad_keys(kind, number):
            yield Line(_columns(start[0], wrong_key.encode(), *start[2:], good if number % 2 else b"[]"), _no_key(kind))
    for wrong in _BAD_OBJECTS:
        yield Line(_columns(*start, wrong), _NOT_JSON)


def _columns(*columns: bytes) -> bytes:
    return b"\t".join(columns)


def _bad_keys(kind: _Kind, number: int) -> Sequence[str]:
    other = "/books/OL" if kind.prefix == "/works/OL" else "/works/OL"
    prefix, letter = kind.prefix, kind.letter
    return (
        f"{other}{number}{'M' if other == '/books/OL' else 'W'}",
        f"{prefix}{number}M" if letter != "M" else f"{prefix}{number}W",
        f"{prefix}{letter}",
        f"{prefix}{number}{letter} ",
        f" {prefix}{number}{letter}",
        f"{prefix}１{letter}",
        f"{prefix}{number}{letter.lower()}",
        f"OL{number}{letter}",
        f"{prefix}{number}{letter}/x",
        "",
    )


def _no_key(kind: _Kind) -> str:
    return f"not the key of {kind.article}"


def _json(kind: _Kind, key: bytes, number: int) -> bytes:
    record = {"key": key.decode(), "type": {"key": f"/type/{kind.name}"}, "title": f"Caf\u00e9 {number}"}
    return json.dumps(record).encode()


def _bad_activity(file: str, number: int) -> Iterator[Line]:
    kind = _KINDS["works"]
    key, null = f"/works/OL{90_000_000 + number}W".encode(), rb"\N"
    is_rating = file == "ratings"
    good, day = b"4" if is_rating else b"Already Read", b"2024-02-29"

    yield Line(_columns(key, null, good, day + b"\xff"), _NOT_UTF_8)
    yield Line(_columns(key, b"\xc3", good), _NOT_UTF_8)
    for columns in ((key, null, good), (key, null, good, day, b""), (b"",), (b" ".join((key, null, good, day)),)):
        yield Line(_columns(*columns), "not four columns")
    for wrong_key in _bad_keys(kind, number):
        yield Line(_columns(wrong_key.encode(), null, good, day), _no_key(kind))
    yield Line(_columns(good, null, key, day), _no_key(kind))
    for wrong_value in _BAD_RATINGS if is_rating else _BAD_SHELVES:
        reason = "not a rating from 1 to 5" if is_rating else "not a shelf"
        yield Line(_columns(key, null, wrong_value, day if number % 2 else b"never"), reason)
    for wrong_day in _BAD_DAYS:
        yield Line(_columns(key, null, good, wrong_day), "not a date")
