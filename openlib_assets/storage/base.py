"""The interface of a storage, and its errors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeAlias

from openlib_assets.storage.errors import OpenlibError


class StorageError(OpenlibError):
    """Bytes could not be read or written; the text names the full address and the reason."""


class MissingFileError(StorageError):
    """There is no file at the path."""


def missing(address: str) -> MissingFileError:
    """Return the error of a file that is not there."""
    return MissingFileError(f"{address}: there is no such file")


class LockTakenError(StorageError):
    """The lock is held already; the text says what for.

    `may_be_dead`: its holder has not been seen alive yet, so that it may be worth asking again until that is known.
    """

    def __init__(self, text: str, *, may_be_dead: bool = False) -> None:
        super().__init__(text)
        self.may_be_dead = may_be_dead


class LockLostError(StorageError):
    """Another holder took the lock meanwhile; what it protects must not be written."""


LockCheck: TypeAlias = Callable[[], None]
"""Raises LockLostError if the lock is not held any more. Its holder asks just before each write that it protects."""


class Storage(Protocol):
    """Files below a root, addressed by relative paths with forward slashes.

    Every method raises StorageError for what the disk or S3 did.
    """

    kind: str
    """What the bytes lie on, as a Dagster kind: `local` or `s3`."""

    def uri(self, path: str = "") -> str:
        """Return the full address of a path, to show and to open elsewhere."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether there is a file at `path`."""
        ...

    def size(self, path: str) -> int:
        """Return how many bytes the file at `path` has; raises MissingFileError where there is none."""
        ...

    def stamp(self, path: str) -> str:
        """Return what differs after every change of the file at `path`, without reading it; empty without a file."""
        ...

    def digest(self, path: str) -> str:
        """Return the SHA-256 of the file at `path`, in hex; empty without a file."""
        ...

    def paths(self, prefix: str) -> Iterator[str]:
        """Yield the paths of all files below the folder `prefix`, in order; none if there is no such folder."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly below `prefix`, in order."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raises MissingFileError where there is none."""
        ...

    def read_beginning(self, path: str, most: int) -> bytes:
        """Return the first bytes of a file, so many at most, and read no more of it; raises MissingFileError."""
        ...

    def read_end(self, path: str, most: int) -> bytes:
        """Return the last bytes of a file, so many at most, and read no more of it; raises MissingFileError."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Put `data` at `path`, whole or not at all."""
        ...

    def local_copy(self, path: str) -> AbstractContextManager[Path]:
        """Lend the file as one on the local disk, which must not be changed, or used after the block.

        Raises MissingFileError where there is none.
        """
        ...

    def writing(self, path: str) -> AbstractContextManager[Path]:
        """Lend a local file to write into; it appears at `path` when the block ends well, and never otherwise.

        Where the bytes already at `path` are the same, the file there stays as it is, times included.
        """
        ...

    def delete(self, path: str) -> None:
        """Remove the file at `path`, if there is one."""
        ...

    def clear(self, folder: str) -> None:
        """Remove everything below a folder, also what a killed process left half-written there."""
        ...

    def lock(self, path: str, *, error_message: str) -> AbstractContextManager[LockCheck]:
        """Hold the lock at `path`, which is released if its holder dies, and lend its check.

        Raises LockTakenError with `error_message` at once when another process or thread holds it.
        """
        ...


def read_if_there(storage: Storage, path: str) -> bytes | None:
    """Return a file's bytes, None where there is none: on S3 with one request, where looking first takes two."""
    try:
        return storage.read(path)
    except MissingFileError:
        return None
