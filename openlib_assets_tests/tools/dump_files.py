"""Small files of dumps: a few hundred lines of each kind, and folders of them."""

import gzip
import json
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from openlib_assets.openlibrary.dumps import DUMP_FILES, file_name

AUGUST, SEPTEMBER = date(2026, 8, 31), date(2026, 9, 30)
_SHELVES = ("Want to Read", "Currently Reading", "Already Read", "Stopped Reading")


def _record(kind: str, key: str, day: str, dice: random.Random) -> str:
    # What cannot be packed makes files large enough to be sent in several pieces.
    record = {"key": key, "type": {"key": kind}, "title": dice.randbytes(80).hex()}
    return f"{kind}\t{key}\t{dice.randint(1, 9)}\t{day}T12:00:00.000000\t{json.dumps(record)}"


_LINES: Mapping[str, Callable[[int, str, random.Random], str]] = {
    "works": lambda n, day, dice: _record("/type/work", f"/works/OL{n}W", day, dice),
    "editions": lambda n, day, dice: _record("/type/edition", f"/books/OL{n}M", day, dice),
    "authors": lambda n, day, dice: _record("/type/author", f"/authors/OL{n}A", day, dice),
    "redirects": lambda n, day, dice: _record("/type/redirect", f"/works/OL{n}W", day, dice),
    "ratings": lambda n, day, dice: f"/works/OL{n}W\t\\N\t{dice.randint(1, 5)}\t{day}",
    "reading-log": lambda n, day, dice: f"/works/OL{n}W\t/books/OL{n}M\t{dice.choice(_SHELVES)}\t{day}",
}


def dump_bytes(name: str, day: date, lines: int = 500) -> bytes:
    """Return a file of a dump; each day has other lines."""
    dice = random.Random(f"{name} {day}")
    texts = (
        _LINES[name](number, (day - timedelta(dice.randint(1, 900))).isoformat(), dice) for number in range(1, lines)
    )
    return gzip.compress("".join(f"{text}\n" for text in texts).encode(), mtime=0)


def write_dumps(folder: Path, days: Iterable[date] = (AUGUST, SEPTEMBER), names: Iterable[str] = DUMP_FILES) -> Path:
    """Write dumps of some days into a folder and return it."""
    folder.mkdir(exist_ok=True)
    for day in days:
        for name in names:
            (folder / file_name(name, day)).write_bytes(dump_bytes(name, day))
    return folder
