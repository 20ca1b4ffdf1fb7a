"""How a file of a dump begins: what tells an empty, a foreign or a swapped file before all of it was read."""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from openlib_assets.openlibrary.dumps.names import DumpFile
from openlib_assets.openlibrary.errors import DamagedDumpError

# Of the file, and of what it unpacks to; a line has up to 8 MB, but what is looked at stands at its beginning.
BEGINNING_BYTES = 1 << 16
_UNPACKED_BYTES = 1 << 20
_MAGIC = b"\x1f\x8b"
_GZIP = 31
# Ratings may be a day younger than the dump.
_YOUNGEST = timedelta(days=7)

_WORK_KEY = re.compile(rb"/works/OL[0-9]+W")
_RATING = re.compile(rb"[0-9]")
_SHELF = re.compile(rb"[A-Za-z ]{4,}")
_DAY = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_COLUMN = 3
_REMEDY = "take the dump of another date"


def _records(kind: bytes) -> Callable[[Sequence[bytes]], bool]:
    return lambda columns: columns[0] == kind


def _activity(form: re.Pattern[bytes]) -> Callable[[Sequence[bytes]], bool]:
    return lambda columns: len(columns) == 4 and bool(_WORK_KEY.fullmatch(columns[0]) and form.fullmatch(columns[2]))


# Whether the columns of a line are those of a line of the file of this name.
_LINES: Mapping[str, Callable[[Sequence[bytes]], bool]] = {
    "works": _records(b"/type/work"),
    "editions": _records(b"/type/edition"),
    "authors": _records(b"/type/author"),
    "redirects": _records(b"/type/redirect"),
    "ratings": _activity(_RATING),
    "reading-log": _activity(_SHELF),
}


def check_beginning(beginning: bytes, file: DumpFile) -> None:
    """Check the first BEGINNING_BYTES of a file; raises DamagedDumpError that says what is wrong, but not where.

    One line of the right kind is enough, since there may be others that are damaged.
    """
    if not beginning.startswith(_MAGIC):
        raise DamagedDumpError(f"is {_foreign(beginning)}, not a gzip file; download it again")
    try:
        text = zlib.decompressobj(_GZIP).decompress(beginning, _UNPACKED_BYTES)
    except zlib.error as error:
        raise DamagedDumpError(f"is damaged from the beginning ({error}); download it again") from error
    if not text:
        raise DamagedDumpError(f"is empty, though a gzip file; {_REMEDY}")
    lines = [line.split(b"\t") for line in text.split(b"\n")]
    if not any(map(_LINES[file.name], lines)):
        kind = next((name for name, fits in _LINES.items() if any(map(fits, lines))), None)
        raise DamagedDumpError(f"has {f'lines of {kind}' if kind else 'other lines'}, not of {file.name}; {_REMEDY}")
    latest = (file.day + _YOUNGEST).isoformat().encode()
    days = (columns[_DAY_COLUMN][:10] for columns in lines if len(columns) > _DAY_COLUMN)
    if later := next((day.decode() for day in days if _DAY.fullmatch(day) and day > latest), None):
        raise DamagedDumpError(f"has a line of {later}, so it is not of {file.day}; {_REMEDY}")


def _foreign(beginning: bytes) -> str:
    if not beginning:
        return "empty"
    start = beginning.lstrip()[:15].lower()
    return "an HTML page" if start.startswith((b"<!doctype html", b"<html")) else "something else"
