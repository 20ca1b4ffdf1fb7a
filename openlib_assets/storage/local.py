"""A storage in a folder: writes go to a temporary file beside the target and are moved into place."""

import contextlib
import fcntl
import filecmp
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openlib_assets.storage.base import LockTakenError, StorageError

# Globs such as silver/**/*.parquet pass over names that begin with a dot.
_TEMPORARY_PREFIX = ".writing-"
_DAY_SECONDS = 86_400

# What a plain open() would give; mkstemp's files are for their owner only. Read once, since reading sets it.
_UMASK = os.umask(0o022)
os.umask(_UMASK)
_FILE_MODE = 0o666 & ~_UMASK


class LocalStorage:
    """Files below a folder, which need not exist yet."""

    kind = "local"

    def __init__(self, root: str | Path) -> None:
        self._root = Path(root).expanduser().absolute()

    def uri(self, path: str = "") -> str:
        return str(self._at(path))

    def exists(self, path: str) -> bool:
        with _errors(self.uri(path)):
            return self._at(path).is_file()

    def paths(self, prefix: str) -> Iterator[str]:
        with _errors(self.uri(prefix)):
            found = sorted(
                (Path(folder) / name).relative_to(self._root).as_posix()
                for folder, _, names in os.walk(self._at(prefix), onerror=_raise_unless_missing)
                for name in names
                if not name.startswith(_TEMPORARY_PREFIX)
            )
        yield from found

    def folders(self, prefix: str) -> list[str]:
        with _errors(self.uri(prefix)):
            try:
                return sorted(entry.name for entry in os.scandir(self._at(prefix)) if entry.is_dir())
            except FileNotFoundError:
                return []

    def read(self, path: str) -> bytes:
        with _errors(self.uri(path)):
            return self._at(path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        with self.writing(path) as file:
            file.write_bytes(data)

    @contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        if not self.exists(path):
            raise StorageError(f"{self.uri(path)}: there is no such file")
        yield self._at(path)

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        target = self._at(path)
        with _errors(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(target.parent)
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=target.parent)
            os.fchmod(handle, _FILE_MODE)
            os.close(handle)
        temporary = Path(name)
        try:
            with _errors(str(target)):
                yield temporary
                if target.is_file() and filecmp.cmp(temporary, target, shallow=False):
                    return
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
                temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        target = self._at(path)
        with _errors(str(target)):
            target.unlink(missing_ok=True)
            for folder in target.parents:
                if folder == self._root:
                    break
                with contextlib.suppress(OSError):  # a folder still in use stays
                    folder.rmdir()

    def clear(self, folder: str) -> None:
        with _errors(self.uri(folder)), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._at(folder))

    @contextmanager
    def lock(self, path: str, *, taken: str) -> Iterator[None]:
        target = self._at(path)
        with _errors(str(target)):
            handle = _locked(target)
        if handle is None:
            raise LockTakenError(taken)
        try:
            yield
        finally:
            target.unlink(missing_ok=True)
            os.close(handle)

    def _at(self, path: str) -> Path:
        return self._root / path


def _raise_unless_missing(error: OSError) -> None:
    """Pass an error of os.walk on, which by itself takes a folder that it cannot read for an empty one."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed process was writing here a day ago or earlier."""
    for leftover in folder.glob(f"{_TEMPORARY_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.stat().st_mtime < time.time() - _DAY_SECONDS:
                leftover.unlink()


def _locked(file: Path) -> int | None:
    """Open and lock a file, None if somebody else has; the lock goes with the process."""
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        # The holder before us removed the file when it let go: a lock on a removed file keeps nobody out.
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


@contextmanager
def _errors(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{where}: {error.strerror or error}") from error
