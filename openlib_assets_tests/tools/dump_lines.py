"""Dumps of a few lines, written by hand: one line for each record or activity, six files in a folder."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from openlib_assets_tests.tools.reference_dump import Row

DATE = "2026-08-31"
BEFORE = "2026-07-31"
FILES = ("works", "editions", "authors", "redirects", "ratings", "reading-log")

# By file; bytes are the whole of one.
Lines = Mapping[str, Iterable[str | bytes] | bytes]


def record(kind: str, key: str, **fields: Any) -> str:
    """A line of a record file."""
    return "\t".join((f"/type/{kind}", key, "1", "2026-01-01T00:00:00.000000", json.dumps({"key": key, **fields})))


def work(key: str, **fields: Any) -> str:
    return record("work", f"/works/{key}", **fields)


def edition(key: str, *works: str, **fields: Any) -> str:
    """An edition of works; without any it is an orphan."""
    listed = {"works": [{"key": f"/works/{one}"} for one in works]} if works else {}
    return record("edition", f"/books/{key}", **listed, **fields)


def author(key: str, name: object = None, **fields: Any) -> str:
    return record("author", f"/authors/{key}", **({} if name is None else {"name": name}), **fields)


def by(*keys: str) -> list[Row]:
    """What a work lists as its authors."""
    return [{"type": {"key": "/type/author_role"}, "author": {"key": f"/authors/{key}"}} for key in keys]


def redirect(key: str, location: str) -> str:
    return record("redirect", key, location=location)


def rating(key: str, stars: int = 5, day: str = "2026-08-01") -> str:
    return f"/works/{key}\t\\N\t{stars}\t{day}"


def write_dump(folder: Path, date: str, lines: Lines) -> Path:
    """Write the six files of a dump into a folder of its own; the same lines make the same bytes."""
    dump = folder / date
    dump.mkdir()
    for file in FILES:
        (dump / f"ol_dump_{file}_{date}.txt.gz").write_bytes(gzip.compress(_content(lines.get(file, ())), mtime=0))
    return dump


def _content(lines: Iterable[str | bytes] | bytes) -> bytes:
    if isinstance(lines, bytes):
        return lines
    return b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)


def values(rows: Iterable[Row], *names: str) -> list[list[Any]]:
    return [[row[name] for name in names or row] for row in rows]
