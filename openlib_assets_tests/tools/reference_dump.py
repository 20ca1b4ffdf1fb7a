"""The lines of a dump in plain Python, those used and those rejected: part of the reference (`reference_catalogue.py`).

Written from the specification alone, with the standard library only and nothing of the package under test.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import date as calendar_date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Row = dict[str, Any]
Record = dict[str, Any]
T = TypeVar("T")

SHELVES = ("Want to Read", "Currently Reading", "Already Read", "Stopped Reading")
WORK_KEY = "/works/OL[0-9]+W"

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Activity(NamedTuple):
    """That a work was rated, or put on a shelf: the key with its folder, what it was given, the day as text."""

    work: str
    given: str
    day: str


class Dump(NamedTuple):
    """The lines that are used, in the order of the file, and the table of the others.

    Records are pairs of the key with its folder, as in `/works/OL45804W`, and the object. A key stands on one line of
    a file.
    """

    works: list[tuple[str, Record]]
    editions: list[tuple[str, Record]]
    authors: list[tuple[str, Record]]
    redirects: list[tuple[str, Record]]
    ratings: list[Activity]
    shelved: list[Activity]
    rejects: list[Row]


def read_dump(folder: Path, date: str) -> Dump:
    """Read the six files of a dump."""
    rejects: list[Row] = []

    def used(file: str, read: Callable[[bytes], T]) -> list[T]:
        lines = []
        for number, line in _lines(folder / f"ol_dump_{file}_{date}.txt.gz"):
            try:
                lines.append(read(line))
            except _RejectedError as rejected:
                text = line.decode(errors="replace")
                rejects.append({"file": file, "line": number, "reason": str(rejected), "text": text})
        return lines

    return Dump(
        works=used("works", lambda line: _record(line, "work", ("a work", WORK_KEY))),
        editions=used("editions", lambda line: _record(line, "edition", ("an edition", "/books/OL[0-9]+M"))),
        authors=used("authors", lambda line: _record(line, "author", ("an author", "/authors/OL[0-9]+A"))),
        redirects=used("redirects", lambda line: _record(line, "redirect")),
        ratings=used("ratings", lambda line: _activity(line, "12345", "a rating from 1 to 5")),
        shelved=used("reading-log", lambda line: _activity(line, SHELVES, "a shelf")),
        rejects=sorted(rejects, key=lambda row: (row["file"], row["line"])),
    )


def text(value: object) -> str | None:
    """What a field says that should be a text."""
    if value is None:
        return None
    said = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _LONE_SURROGATE.sub("\ufffd", said)


def listed(value: object) -> list[Any]:
    """What a field says that should be a list."""
    return value if isinstance(value, list) else []


def texts(value: object) -> list[str]:
    """What a field says that should be a list of texts."""
    return [said for one in listed(value) if (said := text(one)) is not None]


def keys(value: object) -> list[str]:
    """The keys of a list of objects with keys."""
    return texts([one.get("key") for one in listed(value) if isinstance(one, dict)])


def bare(key: str) -> str:
    """`/works/OL45804W` becomes `OL45804W`."""
    return key.rpartition("/")[2]


class _RejectedError(Exception):
    """Why a line is not used."""


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file without their ends, numbered from 1."""
    with gzip.open(path) as stream:
        for number, line in enumerate(stream, start=1):
            yield number, line.removesuffix(b"\n")


def _record(line: bytes, kind: str, key: tuple[str, str] | None = None) -> tuple[str, Record]:
    """A line of a record file; `key` says of what column 2 is a key, and its pattern."""
    columns = _columns(line, 5, "five")
    if columns[0] != f"/type/{kind}":
        raise _RejectedError(f"type is not /type/{kind}")
    if key and not re.fullmatch(key[1], columns[1]):
        raise _RejectedError(f"not the key of {key[0]}")
    return columns[1], _object(columns[4])


def _activity(line: bytes, accepted: str | tuple[str, ...], kind: str) -> Activity:
    """A line of an activity file, of which column 3 is one of those accepted."""
    work, _, given, day = _columns(line, 4, "four")
    if not re.fullmatch(WORK_KEY, work):
        raise _RejectedError("not the key of a work")
    if given not in tuple(accepted):
        raise _RejectedError(f"not {kind}")
    if not _is_date(day):
        raise _RejectedError("not a date")
    return Activity(work, given, day)


def _columns(line: bytes, number: int, word: str) -> list[str]:
    try:
        columns = line.decode().split("\t")
    except UnicodeDecodeError as error:
        raise _RejectedError("not UTF-8") from error
    if len(columns) != number:
        raise _RejectedError(f"not {word} columns")
    return columns


def _object(column: str) -> Record:
    try:
        value = json.loads(column)
    except ValueError as error:
        raise _RejectedError("not a JSON object") from error
    if not isinstance(value, dict):
        raise _RejectedError("not a JSON object")
    return value


def _is_date(day: str) -> bool:
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        return False
    try:
        calendar_date.fromisoformat(day)
    except ValueError:
        return False
    return True
