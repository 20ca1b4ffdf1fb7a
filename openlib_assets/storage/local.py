"""A storage in a folder: writes go to a temporary file beside the target and are moved into place."""

import contextlib
import filecmp
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openlib_assets.storage.base import LockCheck, LockTakenError, StorageError, missing

# Globs such as silver/**/*.parquet pass over names that begin with a dot.
_TEMPORARY_PREFIX = ".writing-"
_DAY_SECONDS = 86_400
_NO_FILE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

# What a plain open() would give; mkstemp's files are for their owner only. Read once, since reading sets it.
_UMASK = os.umask(0o022)
os.umask(_UMASK)
_FILE_MODE = 0o666 & ~_UMASK


class LocalStorage:
    """Files below a folder, which need not exist yet."""

    kind = "local"

    def __init__(self, root: str | Path) -> None:
        self._root = absolute_path(root)

    def uri(self, path: str = "") -> str:
        return str(self._at(path))

    def exists(self, path: str) -> bool:
        with _errors(self.uri(path)):
            return self._at(path).is_file()

    def size(self, path: str) -> int:
        if not self.exists(path):
            raise missing(self.uri(path))
        with _errors(self.uri(path)):
            return self._at(path).stat().st_size

    def stamp(self, path: str) -> str:
        with _errors(self.uri(path)):
            try:
                state = self._at(path).stat()
            except FileNotFoundError:
                return ""
        # Whoever moves a file here may keep the time of its modification, but not its inode and the time of that.
        return f"{state.st_size} {state.st_ino} {state.st_mtime_ns} {state.st_ctime_ns}"

    def digest(self, path: str) -> str:
        with _errors(self.uri(path)):
            try:
                with self._at(path).open("rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
            except _NO_FILE:
                return ""

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
        with _reading(self.uri(path)):
            return self._at(path).read_bytes()

    def read_beginning(self, path: str, most: int) -> bytes:
        with _reading(self.uri(path)), self._at(path).open("rb") as file:
            return file.read(most)

    def read_end(self, path: str, most: int) -> bytes:
        with _reading(self.uri(path)), self._at(path).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
            return file.read(most)

    def write(self, path: str, data: bytes) -> None:
        with self.writing(path) as file:
            file.write_bytes(data)

    @contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        if not self.exists(path):
            raise missing(self.uri(path))
        yield self._at(path)

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        target = self._at(path)
        if target.is_symlink():
            target = target.resolve()  # so that the link stays
        with _errors(str(target)):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(target.parent)
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY_PREFIX, dir=target.parent)
            os.close(handle)
            temporary = Path(name)
            temporary.chmod(stat.S_IMODE(target.stat().st_mode) if target.is_file() else _FILE_MODE)
        try:
            with _errors(str(target)):
                yield temporary
                if target.is_file() and filecmp.cmp(temporary, target, shallow=False):
                    return
                with temporary.open("r+b") as written:
                    os.fsync(written.fileno())
                temporary.replace(target)
        finally:
            self._remove(temporary)

    def delete(self, path: str) -> None:
        with _errors(self.uri(path)):
            self._remove(self._at(path))

    def clear(self, folder: str) -> None:
        with _errors(self.uri(folder)), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._at(folder))

    @contextmanager
    def lock(self, path: str, *, error_message: str) -> Iterator[LockCheck]:
        # Not every command takes a lock.
        from filelock import FileLock, Timeout  # noqa: PLC0415

        target = self._at(path)
        # A file that stands for a lock, where the file system has none, would outlive its holder.
        lock = FileLock(target, thread_local=False, fallback_to_soft=False)
        with _errors(str(target)):
            try:
                held = lock.acquire(blocking=False)
            except Timeout as error:
                raise LockTakenError(error_message) from error
        with held:
            try:
                yield lambda: None  # the system takes no lock from a process that lives
            finally:
                # Before it is let go, so that nobody else's file is removed: filelock takes no lock on a removed one.
                with contextlib.suppress(PermissionError):  # on Windows, where filelock removes it
                    target.unlink(missing_ok=True)

    def _remove(self, file: Path) -> None:
        """Remove a file, if it is there, and folders that have nothing any more, as there are none on S3."""
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == self._root:
                break
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:  # it is still in use
                break

    def _at(self, path: str) -> Path:
        return self._root / path


def absolute_path(path: str | Path) -> Path:
    """Return the absolute form of a path, `~` being the user's home; raises StorageError if there is none."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise StorageError(f"{path}: there is no such home folder; set HOME, or give the path without ~") from error


def _raise_unless_missing(error: OSError) -> None:
    """Pass an error of os.walk on, which by itself takes a folder that it cannot read for an empty one."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed process was writing here a day ago or earlier."""
    for leftover in folder.glob(f"{_TEMPORARY_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.is_file() and leftover.stat().st_mtime < time.time() - _DAY_SECONDS:
                leftover.unlink()


@contextmanager
def _reading(where: str) -> Iterator[None]:
    with _errors(where):
        try:
            yield
        except _NO_FILE as error:
            raise missing(where) from error


@contextmanager
def _errors(where: str) -> Iterator[None]:
    try:
        yield
    except (NotADirectoryError, FileExistsError) as error:
        raise StorageError(
            f"{where}: {error.strerror}; a file is in the way: move it, or name another place"
        ) from error
    except OSError as error:
        raise StorageError(f"{where}: {error.strerror or error}") from error
