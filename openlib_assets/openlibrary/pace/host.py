"""Slots for all processes of a user on this host: a small SQLite file, one per API host and port.

Times are the system-wide monotonic clock, which a change of the wall clock does not move. It starts anew with the
machine, so what was reserved before a restart is forgotten.
"""

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from openlib_assets.openlibrary.errors import SourceError
from openlib_assets.openlibrary.pace.slots import LONGEST_WAIT_SECONDS, RATE_REMEMBERED_SECONDS, Slot, spacing


class HostSlots:
    """Slots in a file, asked for with one rate; safe to use from several threads."""

    def __init__(self, file: Path, requests_per_second: float) -> None:
        self._file = file
        self._rate = requests_per_second
        self._is_prepared = False
        with self._opened():
            pass

    def reserve(self) -> Slot:
        """Reserve the next free slot."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            now = time.monotonic()
            db.execute("INSERT OR REPLACE INTO rates VALUES (?, ?, ?)", (os.getpid(), self._rate, now))
            db.execute("DELETE FROM rates WHERE seen NOT BETWEEN ? AND ?", (now - RATE_REMEMBERED_SECONDS, now))
            db.execute(
                "UPDATE pace SET next_slot = iif(next_slot > :latest, 0, next_slot),"
                " paused_until = iif(paused_until > :latest, 0, paused_until)",
                {"latest": now + LONGEST_WAIT_SECONDS},
            )
            (rate,) = db.execute("SELECT min(rate) FROM rates").fetchone()
            next_slot, paused_until = db.execute("SELECT next_slot, paused_until FROM pace").fetchone()
            slot = max(now, next_slot, paused_until)
            db.execute("UPDATE pace SET next_slot = ?", (slot + spacing(rate),))
            db.execute("COMMIT")
        return Slot(seconds=slot - time.monotonic(), spacing=spacing(rate), at=slot)

    def paused_beyond(self, slot: Slot) -> bool:
        """Tell whether a pause began meanwhile that a slot lies in."""
        with self._opened() as db:
            (paused_until,) = db.execute("SELECT paused_until FROM pace").fetchone()
            return float(paused_until) > slot.at

    def pause(self, seconds: float) -> None:
        """Grant no slot within so many seconds from now."""
        with self._opened() as db:
            db.execute("UPDATE pace SET paused_until = max(paused_until, ?)", (time.monotonic() + seconds,))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Lend the file's database, made where it is not there, as after somebody has emptied the cache."""
        try:
            is_empty = not (self._file.exists() and self._file.stat().st_size)
            if is_empty:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as db:
                # The file holds nothing but the next free slot: losing it in a power cut costs nothing.
                db.execute("PRAGMA synchronous = OFF")
                if is_empty or not self._is_prepared:
                    _prepare(db)
                    self._is_prepared = True
                yield db
        except (OSError, sqlite3.Error) as error:
            raise SourceError(
                f"{self._file}: the pace of requests cannot be stored there ({error}); "
                "remove the file, or set XDG_CACHE_HOME to a writable folder"
            ) from error


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.execute(
        "CREATE TABLE IF NOT EXISTS pace"
        " (id INTEGER PRIMARY KEY, next_slot REAL, paused_until REAL, boot TEXT DEFAULT '')"
    )
    db.execute("CREATE TABLE IF NOT EXISTS rates (process INTEGER PRIMARY KEY, rate REAL, seen REAL)")
    db.execute("INSERT OR IGNORE INTO pace VALUES (0, 0, 0, ?)", (_boot(),))
    db.execute("UPDATE pace SET next_slot = 0, paused_until = 0, boot = :boot WHERE boot <> :boot", {"boot": _boot()})
    db.execute("COMMIT")


def _boot() -> str:
    """Return what tells one start of the machine from another, nothing where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def pace_file(api_url: str) -> Path:
    """Return the file that all processes of this user share for the same API host and port."""
    try:
        cache = platformdirs.user_cache_path("openlib_assets")
    except RuntimeError as error:
        raise SourceError(
            "there is no home folder to store the pace of requests in: set HOME, or set XDG_CACHE_HOME to a writable "
            "folder"
        ) from error
    return cache / "pace" / f"{pace_name(api_url)}.sqlite"


def pace_name(api_url: str) -> str:
    """Return the name that all clients of the same API host and port share."""
    parts = urlsplit(api_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    name = re.sub(r"[^a-z0-9.-]", "_", (parts.hostname or "").lower())
    return f"{name}_{port}"
