"""Copies of objects on S3 that this process downloaded or wrote, so that none is downloaded twice.

A copy is good for the tag that S3 gives the object; whoever asks looks that up first. The oldest copies go when all of
them together are too large.
"""

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

_MOST_BYTES = 512 << 20


class Copies:
    """Copies by path and tag, in a folder that goes with this object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._kept: dict[str, tuple[str, Path, int]] = {}
        self._number = 0

    def keep(self, path: str, etag: str, content: Path | bytes) -> None:
        """Keep the content of an object; a file stays where it is too, and is not to be changed any more.

        Where the disk has no room for it, it is not kept: the object itself is where it should be.
        """
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        with self._lock:
            self._forget(path)
            if size > _MOST_BYTES:
                return
            try:
                copy = self._place()
            except OSError:
                return
            try:
                if isinstance(content, bytes):
                    copy.write_bytes(content)
                else:
                    _link(content, copy)
            except OSError:
                copy.unlink(missing_ok=True)
                return
            self._kept[path] = (etag, copy, size)
            while sum(size for _, _, size in self._kept.values()) > _MOST_BYTES:
                self._forget(next(iter(self._kept)))

    def have(self, path: str) -> bool:
        """Tell whether an object is kept, of whatever tag."""
        with self._lock:
            return path in self._kept

    def lend(self, path: str, etag: str, file: Path) -> bool:
        """Put the copy of an object of that tag at `file`, if there is one; tell whether there was."""
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or kept[0] != etag:
                return False
            _link(kept[1], file)
            return True

    def read(self, path: str, etag: str) -> bytes | None:
        """Return the content of an object of that tag, None if it is not kept."""
        with self._lock:
            kept = self._kept.get(path)
            return kept[1].read_bytes() if kept and kept[0] == etag else None

    def _forget(self, path: str) -> None:
        if path in self._kept:
            self._kept.pop(path)[1].unlink(missing_ok=True)

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="openlib-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._number += 1
        return self._folder / str(self._number)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another disk, or where there are no links
        shutil.copyfile(source, target)
