"""The lines of a dump's files, and how they are written: in no order, as one gzip stream."""

import json
import random
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

FILES = ("works", "editions", "authors", "redirects", "ratings", "reading-log")

_FIRST_DAY = date(2008, 4, 1)  # of what was imported when Open Library began
_CREATION_TOLD = 500  # so many days later records began to tell when they were made
_SETTLED_DAY = date(2025, 8, 31)
_MICROSECONDS = 24 * 3600 * 10**6
_GZIP = 16 + zlib.MAX_WBITS
_CHUNK = 2000
# The two halves of characters, of which one alone is none. In a line stand only firsts or only seconds.
_HALVES = (r"\ud800", r"\udc9f", r"\ud83d", r"\udfff")


class Line(NamedTuple):
    """A line without its end, and why a reader has to reject it, if so."""

    data: bytes
    reason: str | None = None


class BadLine(NamedTuple):
    """A line that a reader has to reject: in which file it is, which one from 1, why, and its text."""

    file: str
    line: int
    reason: str
    text: str


def settled_day(day: date) -> date:
    """The day after which nothing happened, so that dumps of later months tell what did not change alike."""
    return min(day, _SETTLED_DAY)


def path(folder: Path, file: str, day: date) -> Path:
    """Where a file of the dump of a day is."""
    return folder / f"ol_dump_{file}_{day}.txt.gz"


def record_line(kind: str, key: str, fields: Mapping[str, Any], chance: random.Random, day: date) -> Line:
    """A record as the dump of a day holds it, with what every record says. U+FFFD becomes half a character."""
    days = (settled_day(day) - _FIRST_DAY).days
    created = int(max(1, days - 30) * chance.random() ** 2)
    modified = created + int((days - created) * chance.random() ** 2)
    revision = 1 if modified == created else chance.randrange(2, 12)
    written = _moment(modified, chance)
    record = {
        **fields,
        "key": key,
        "type": {"key": f"/type/{kind}"},
        "revision": revision,
        "last_modified": {"type": "/type/datetime", "value": written},
    }
    if created >= _CREATION_TOLD:
        record |= {
            "created": {"type": "/type/datetime", "value": _moment(created, chance)},
            "latest_revision": revision,
        }
    names = list(record)
    chance.shuffle(names)
    text = json.dumps({name: record[name] for name in names})
    if r"\ufffd" in text:
        text = text.replace(r"\ufffd", chance.choice(_HALVES))
    return Line(f"/type/{kind}\t{key}\t{revision}\t{written}\t{text}".encode("ascii"))


def _moment(day: int, chance: random.Random) -> str:
    at = datetime.combine(_FIRST_DAY + timedelta(day), datetime.min.time())
    return (at + timedelta(microseconds=chance.randrange(1, _MICROSECONDS))).isoformat(timespec="microseconds")


def strewn(file: str, lines: Iterable[Line], day: date) -> list[Line]:
    """Lines in an order that means nothing: another one in each file and each month."""
    shuffled = list(lines)
    random.Random(f"{file}/{day}").shuffle(shuffled)
    return shuffled


def write(target: Path, lines: Sequence[Line], *, ends: bool = True) -> None:
    """Write lines as one gzip stream, the last one without its end unless it `ends`."""
    packing = zlib.compressobj(wbits=_GZIP)
    with target.open("wb") as out:
        for start in range(0, len(lines), _CHUNK):
            chunk = b"".join(line.data + b"\n" for line in lines[start : start + _CHUNK])
            is_last = start + _CHUNK >= len(lines)
            out.write(packing.compress(chunk[:-1] if is_last and not ends and lines[-1].data else chunk))
        out.write(packing.flush())


def rejected(file: str, lines: Sequence[Line]) -> list[BadLine]:
    """The bad ones of a file's lines."""
    return [
        BadLine(file, number, line.reason, line.data.decode("utf-8", "replace"))
        for number, line in enumerate(lines, 1)
        if line.reason is not None
    ]
