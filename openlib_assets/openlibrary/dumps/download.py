"""Downloading the files of a dump: gone on with after whatever ended it before, and checked byte by byte.

Each file grows beside its place, and gets there once all of it is known to be right.
"""

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import requests
import urllib3

from openlib_assets.openlibrary.connection import failure
from openlib_assets.openlibrary.dumps.archive import Archive
from openlib_assets.openlibrary.dumps.beginnings import BEGINNING_BYTES, check_beginning
from openlib_assets.openlibrary.dumps.disk import part_path, require_free_disk
from openlib_assets.openlibrary.dumps.names import Dump, DumpFile
from openlib_assets.openlibrary.errors import DamagedDumpError, InterruptedFetchError, TransientError
from openlib_assets.storage import LocalStorage, StorageError

_CHUNK_BYTES = 1 << 16
# A connection that brought less than this is not worth another one without a wait; nor is one that takes longer for it
# than so many time-outs worth keeping.
_WORTHWHILE_BYTES = 1 << 20
_LONGEST_WINDOW_FACTOR = 10
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Progress:
    """How far a download is: `bytes_done` of `bytes_due`, of all files together, and the name of the current one.

    What an earlier download left counts as done from the beginning.
    """

    file_name: str
    bytes_done: int
    bytes_due: int


Listener = Callable[[Progress], None]


def download_dump(
    archive: Archive, dump: Dump, names: Sequence[str], folder: Path, listener: Listener | None = None
) -> dict[str, Path]:
    """Download files of a dump into a folder, the smallest first, and return their paths by their names.

    What is there already is not downloaded again. Raises SourceError, DamagedDumpError among them, for the archive and
    StorageError for the disk; whatever ended a download, the next one goes on after the last byte.
    """
    files = sorted((dump.files[name] for name in names), key=lambda file: file.size)
    with _disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    require_free_disk(files, folder)
    due = sum(file.size for file in files)
    paths, done = {}, 0
    for file in files:

        def report(held: int, file: DumpFile = file, before: int = done) -> None:
            if listener:
                listener(Progress(file.file_name, before + held, due))

        taken = f"{folder / file.file_name}: another process is downloading it"
        with LocalStorage(folder).lock(f"{file.file_name}.lock", error_message=taken):
            paths[file.name] = _fetched(archive, file, folder, report)
        done += file.size
    return paths


def _fetched(archive: Archive, file: DumpFile, folder: Path, report: Callable[[int], None]) -> Path:
    """Return the place of a file once it is there."""
    if not file.size:
        # Nothing would arrive whose beginning could be looked at.
        raise DamagedDumpError(f"{archive.url(file)}: is empty; take the dump of another date")
    target = folder / file.file_name
    with _disk_errors(target):
        if target.is_file() and _Part(target, archive.stop).holds(file):
            report(file.size)
            return target
        for other in folder.glob(f"{file.file_name}.*.part"):
            if other != part_path(folder, file):
                other.unlink()
    while True:
        part = _Part(part_path(folder, file), archive.stop)
        left_by_another = part.size > 0
        try:
            _complete(archive, part, file, report)
        except DamagedDumpError:
            part.path.unlink()
            if left_by_another:
                continue
            raise
        if part.holds(file):
            part.move_to(target)
            return target
        part.path.unlink()
        if not left_by_another:
            raise DamagedDumpError(
                f"{archive.url(file)}: has the MD5 {part.md5}, while {file.md5} was told; "
                "try again, and if it stays so, take the dump of another date"
            )


def _complete(archive: Archive, part: "_Part", file: DumpFile, report: Callable[[int], None]) -> None:
    """Download what a part lacks."""
    url = archive.url(file)
    report(part.size)
    while part.size < file.size:
        archive.ask(lambda _: _continue(archive, url, part, file, report), url)


def _continue(archive: Archive, url: str, part: "_Part", file: DumpFile, report: Callable[[int], None]) -> None:
    """Add what one connection brings; raises TransientError where that is too little."""
    start = part.size
    with archive.opened(url, start) as response, part.appending() as append:
        skipped = _bytes_before(response, start, file)
        try:
            for chunk in _chunks(response, archive):
                known, skipped = skipped, max(0, skipped - len(chunk))
                before = part.size
                append(chunk[known : known + file.size - before])
                if before < min(BEGINNING_BYTES, file.size) <= part.size:
                    check_beginning(part.beginning(), file)
                report(part.size)
                if part.size == file.size:
                    return
            reason = "the answer was cut short"
        except (urllib3.exceptions.HTTPError, OSError) as error:
            reason = failure(error)
    if part.size - start < _WORTHWHILE_BYTES:
        raise TransientError(f"{reason} after {part.size:,} of {file.size:,} bytes")


def _bytes_before(response: requests.Response, start: int, file: DumpFile) -> int:
    """Return how many bytes of the answer are held already; raises TransientError if it is not of this file."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise TransientError(f"HTTP {response.status_code} with an HTML page instead of the file")
    if response.status_code == 206:
        parts = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if not parts or int(parts[1]) != start:
            raise TransientError(f"HTTP 206 with {response.headers.get('Content-Range')} instead of byte {start:,}")
        size, known = parts[2], 0
    else:
        size, known = response.headers.get("Content-Length", "*"), start
    if size not in ("*", str(file.size)):
        raise TransientError(f"the file there has {int(size):,} bytes, while {file.size:,} were told")
    return known


def _chunks(response: requests.Response, archive: Archive) -> Iterator[bytes]:
    """Yield the bytes of an answer as they arrive."""
    began, arrived = time.monotonic(), 0
    while chunk := response.raw.read1(_CHUNK_BYTES):
        if archive.stop.is_set():
            raise InterruptedFetchError("interrupted while downloading; what is there stays for the next time")
        yield chunk
        arrived += len(chunk)
        if time.monotonic() - began > archive.timeout * _LONGEST_WINDOW_FACTOR:
            if arrived < _WORTHWHILE_BYTES:
                raise urllib3.exceptions.HTTPError("timed out")
            began, arrived = time.monotonic(), 0


class _Part:
    """The first bytes of a file, on the local disk."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.md5(usedforsecurity=False)
        with _disk_errors(path), suppress(FileNotFoundError), path.open("rb") as held:
            while chunk := held.read(_WORTHWHILE_BYTES):
                if stop.is_set():
                    raise InterruptedFetchError("interrupted while checking what is there")
                self._count(chunk)

    @property
    def md5(self) -> str:
        """The checksum of the bytes, in hex."""
        return self._digest.hexdigest()

    def holds(self, file: DumpFile) -> bool:
        """Tell whether the bytes are those of a file."""
        return self.size == file.size and self.md5 == file.md5

    def beginning(self) -> bytes:
        """Return the bytes that are looked at first."""
        with _disk_errors(self.path), self.path.open("rb") as held:
            return held.read(BEGINNING_BYTES)

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        """Lend what adds bytes, at once and in their order, so that whatever ends it leaves a beginning of the file."""
        with _disk_errors(self.path):
            opened = FileIO(self.path, "ab")

        def append(chunk: bytes) -> None:
            rest = memoryview(chunk)
            with _disk_errors(self.path):
                while rest:
                    rest = rest[opened.write(rest) :]
            self._count(chunk)

        with opened:
            yield append

    def move_to(self, target: Path) -> None:
        """Put the file in its place."""
        with _disk_errors(target):
            with self.path.open("r+b") as held:
                os.fsync(held.fileno())
            self.path.replace(target)

    def _count(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.size += len(chunk)


@contextmanager
def _disk_errors(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{where}: {error.strerror or error}; what is there stays for the next time") from error
