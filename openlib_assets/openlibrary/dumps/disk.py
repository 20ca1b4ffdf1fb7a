"""Whether the files of a dump fit on a disk."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from openlib_assets.openlibrary.dumps.names import DumpFile
from openlib_assets.storage import StorageError

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def part_path(folder: Path, file: DumpFile) -> Path:
    """Return where the bytes of a file go until all of them are there.

    The name has the checksum, so that bytes of a file that was replaced meanwhile are never gone on with.
    """
    return folder / f"{file.file_name}.{file.md5}.part"


def needed_bytes(files: Iterable[DumpFile], folder: Path) -> int:
    """Return how many bytes of files have to be downloaded into a folder yet."""
    return sum(file.size - _held_bytes(file, folder) for file in files)


def require_free_disk(files: Iterable[DumpFile], folder: Path) -> None:
    """Raise StorageError if the disk of a folder, which need not exist yet, cannot take the files of a dump."""
    require_free_bytes(folder, needed_bytes(files, folder), "the files of the dump need")


def require_free_bytes(folder: Path, needed: int, what: str) -> None:
    """Raise StorageError if fewer bytes are free on the disk of a folder; `what` needs them, as in `the files need`."""
    try:
        free = shutil.disk_usage(_there(folder)).free
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror or error}") from error
    if needed > free:
        raise StorageError(
            f"{folder}: {what} {in_words(needed)}, and {in_words(free)} are free; make room, or name another folder"
        )


def share_disk(one: Path, other: Path) -> bool:
    """Tell whether two folders, which need not exist yet, are on one disk; raises StorageError."""
    try:
        return _there(one).stat().st_dev == _there(other).stat().st_dev
    except OSError as error:
        raise StorageError(f"{one}: {error.strerror or error}") from error


def in_words(count: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} bytes"


def _there(folder: Path) -> Path:
    """Return a folder, or of its parents the nearest one that exists."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _held_bytes(file: DumpFile, folder: Path) -> int:
    for path in (folder / file.file_name, part_path(folder, file)):
        if path.is_file() and path.stat().st_size <= file.size:
            return path.stat().st_size
    return 0
