"""Copying a storage root: every file of the subjects, compared by SHA-256 after it has arrived.

Nothing is removed, neither here nor there. The catalog is made again at the target, since it contains addresses. Staged
pages and locks are not copied.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.contract import SNAPSHOT_TABLES
from openlib_assets.lake.subject_files import data_files
from openlib_assets.lake.table_files import file_digest
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

# Subjects are small and S3 is far: the time goes into waiting for answers.
_AT_ONCE = 8


class CopyError(OpenlibError):
    """A subject or a file cannot be copied; the text says why and what to do."""


@dataclass(frozen=True)
class Copied:
    """How many files were compared, how many bytes they have, and how many of them had to be written."""

    files: int
    bytes: int
    written: int


def copy_subject(source: Storage, target: Storage, subject: str) -> Copied:
    """Copy all files of a subject while nobody else fetches or makes any of them, here or there.

    Raises CopyError where the target has a newer snapshot, which the copy would mix with older tables.
    """
    reason = f"{subject} is being fetched or made by another run; copy it once that has ended"
    with ExitStack() as stack:
        for storage in (source, target):
            stack.enter_context(storage.lock(layout.lock_file(subject), error_message=f"{storage.uri()}: {reason}"))
        for table in SNAPSHOT_TABLES:
            here, there = snapshot_names(source, subject, table), snapshot_names(target, subject, table)
            if there and there[-1] > max(here, default=""):
                raise CopyError(
                    f"{target.uri(layout.snapshots_folder(subject, table.name))}: has a newer snapshot, {there[-1]}; "
                    "copy the other way, or remove the subject there first"
                )
        # Snapshots of works come last: they are what others hear of and begin to work on.
        paths = sorted(data_files(source, subject), key=lambda path: path.startswith(layout.SNAPSHOTS))
        if not paths:
            raise CopyError(f"{source.uri()}: there are no files of {subject}")
        done = [copy_file(source, target, path) for path in paths]
    return Copied(len(done), sum(size for size, _ in done), sum(written for _, written in done))


def copy_file(source: Storage, target: Storage, path: str) -> tuple[int, bool]:
    """Copy one file unless it is there already, and compare it; return its size and whether it was written.

    A file that arrived with other bytes is written once more, then removed; raises CopyError if that did not help.
    """
    with source.local_copy(path) as file:
        try:
            digest, size = file_digest(file), file.stat().st_size
        except OSError as error:
            raise CopyError(f"{source.uri(path)}: {error.strerror or error}") from error
        if target.exists(path) and _digest(target, path) == digest:
            return size, False
        for attempt in (_write_over, _write_anew):
            attempt(target, path, file)
            if _digest(target, path) == digest:
                return size, True
    target.delete(path)
    raise CopyError(f"{target.uri(path)}: arrived with different bytes twice and was removed; check that storage")


def _write_over(target: Storage, path: str, file: Path) -> None:
    with target.writing(path) as written:
        copyfile(file, written)


def _write_anew(target: Storage, path: str, file: Path) -> None:
    # What is there calls itself equal, and would be left alone.
    target.delete(path)
    _write_over(target, path, file)


def _digest(storage: Storage, path: str) -> str:
    with storage.local_copy(path) as file:
        return file_digest(file)


def copy_each(source: Storage, target: Storage, subjects: Sequence[str]) -> Iterator[tuple[str, Copied | OpenlibError]]:
    """Copy subjects, several at once, and tell in their order what became of each; one that fails stops no other."""

    def copied(subject: str) -> Copied | OpenlibError:
        try:
            return copy_subject(source, target, subject)
        except OpenlibError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        yield from zip(subjects, threads.map(copied, subjects), strict=True)
