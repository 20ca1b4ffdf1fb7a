"""What archive.org holds: the dump of a date is an item, and its files are those of a folder that bear this date."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from openlib_assets.sandbox.http.content import Content

_FILE_FORM = re.compile(r"(?P<dump>ol_c?dump)_(?P<kind>(?:[a-z_-]+_)?)(?P<date>\d{4}-\d{2}-\d{2})\.txt\.gz")
_EMPTY_GZIP = bytes.fromhex("1f8b08000000000002ff03000000000000000000")


@dataclass(frozen=True)
class StoredFile:
    """A file of an item: its bytes, when it was uploaded, and the bytes whose size and checksums are told of it."""

    content: Content
    modified: float
    told: Content


class Items:
    """The items in a folder as it is whenever one asks; `damaged` says which files were uploaded wrong, and how."""

    def __init__(self, folder: Path, damaged: Mapping[str, str]):
        self._folder = folder
        self._damaged = damaged

    def identifiers(self) -> list[str]:
        """The names of all items, the newest date first."""
        found = {identifier for path in self._folder.iterdir() if (identifier := item_of(path.name))}
        return sorted(found, key=lambda identifier: identifier.rpartition("_")[2], reverse=True)

    def files(self, identifier: str) -> dict[str, StoredFile]:
        """The files of an item by their names; none if there is no such item."""
        paths = sorted(path for path in self._folder.iterdir() if item_of(path.name) == identifier)
        return {path.name: self._stored(path) for path in paths}

    def listed(self, identifier: str) -> dict[str, StoredFile]:
        """Those of the files that the metadata name."""
        files = self.files(identifier)
        return {name: file for name, file in files.items() if self._damaged.get(name) != "unlisted_dump"}

    def _stored(self, path: Path) -> StoredFile:
        whole = _content(path)
        damage = self._damaged.get(path.name, "")
        given = DAMAGES[damage](path) if damage in DAMAGES else whole
        # archive.org tells the checksums of what it was given, but for a file that was cut afterwards.
        return StoredFile(given, path.stat().st_mtime, whole if damage == "cut_dump" else given)


def item_of(name: str) -> str | None:
    """The item that a file belongs to by its name."""
    parts = _FILE_FORM.fullmatch(name)
    return f"{parts['dump']}_{parts['date']}" if parts else None


def _content(path: Path) -> Content:
    about = path.stat()
    return Content(lambda: path.open("rb"), about.st_size, f"{path} {about.st_ino} {about.st_mtime_ns}")


def _empty(_: Path) -> Content:
    """As in March 2026."""
    return Content(lambda: io.BytesIO(_EMPTY_GZIP), len(_EMPTY_GZIP), "empty")


def _cut(path: Path) -> Content:
    whole = _content(path)
    return Content(whole.open, whole.size * 2 // 3, f"{whole.version} cut")


def _swapped(path: Path) -> Content:
    """Another file of the same date."""
    others = (other for other in path.parent.iterdir() if item_of(other.name) == item_of(path.name))
    return _content(min(other for other in others if other.name != path.name))


def _other_month(path: Path) -> Content:
    """The same file of another date."""
    others = ((_FILE_FORM.fullmatch(other.name), other) for other in path.parent.iterdir() if other.name != path.name)
    own = _FILE_FORM.fullmatch(path.name)
    return _content(min(other for parts, other in others if parts and own and parts["kind"] == own["kind"]))


DAMAGES: Mapping[str, Callable[[Path], Content]] = MappingProxyType(
    {"empty_dump": _empty, "cut_dump": _cut, "swapped_dump": _swapped, "other_month": _other_month}
)
