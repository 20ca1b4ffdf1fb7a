"""What a dump is: files of one date, by their names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from openlib_assets.openlibrary.errors import MissingDumpError
from openlib_assets.storage.errors import WrongUseError

DUMP_FILES = ("works", "editions", "authors", "redirects", "ratings", "reading-log")

_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FILE_FORM = re.compile(rf"ol_dump_({'|'.join(DUMP_FILES)})_({_DAY_FORM.pattern})\.txt\.gz")
_ITEM_FORM = re.compile(rf"ol_dump_({_DAY_FORM.pattern})")


class DumpNameError(WrongUseError):
    """What somebody gave is no date of a dump, or no name of a file of one."""


@dataclass(frozen=True)
class DumpFile:
    """A file of a dump: `path` leads there from where the dump is, `size` is in bytes.

    `md5` is what archive.org says of it, in hex; None where nobody said anything.
    """

    name: str
    day: date
    path: str
    size: int
    md5: str | None = None

    @property
    def file_name(self) -> str:
        """The name that Open Library gives the file."""
        return file_name(self.name, self.day)


@dataclass(frozen=True)
class Dump:
    """The files of one date, by their names in DUMP_FILES; `address` is where they are, for people."""

    day: date
    address: str
    files: Mapping[str, DumpFile]

    def require(self, names: Iterable[str], remedy: str) -> list[DumpFile]:
        """Return the files of these names; raises MissingDumpError, which ends with the remedy, if one is missing."""
        chosen = []
        for name in names:
            if name not in self.files:
                raise MissingDumpError(f"{self.address}: there is no {file_name(name, self.day)}; {remedy}")
            chosen.append(self.files[name])
        return chosen


def file_name(name: str, day: date) -> str:
    """Return the name that Open Library gives a file of a dump."""
    return f"ol_dump_{name}_{day.isoformat()}.txt.gz"


def item_name(day: date) -> str:
    """Return the name that archive.org has for a dump."""
    return f"ol_dump_{day.isoformat()}"


def parse_day(text: str) -> date:
    """Return the date of a dump, written as 2026-08-31; raises DumpNameError."""
    if day := _day(text.strip()):
        return day
    raise DumpNameError(f"{text[:40]!r} is not the date of a dump: give one as 2026-08-31")


def parse_file_names(texts: Sequence[str]) -> list[str]:
    """Return names of files, each once, in the order of DUMP_FILES; raises DumpNameError."""
    for text in texts:
        if text not in DUMP_FILES:
            raise DumpNameError(f"{text[:40]!r} is not a file of a dump: give {', '.join(DUMP_FILES)}")
    return [name for name in DUMP_FILES if name in texts]


def day_of_item(item: str) -> date | None:
    """Return the date of the dump that has this name on archive.org, None if it is not one."""
    parts = _ITEM_FORM.fullmatch(item)
    return _day(parts[1]) if parts else None


def parts_of_file_name(text: str) -> tuple[str, date] | None:
    """Return name and date of the file of a dump that is called so, None if it is not one."""
    parts = _FILE_FORM.fullmatch(text)
    day = _day(parts[2]) if parts else None
    return (parts[1], day) if parts and day else None


def _day(text: str) -> date | None:
    if not _DAY_FORM.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
