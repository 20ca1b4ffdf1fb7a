"""The pace: one ceiling on requests over all threads, runs and processes of a user on this host.

Each request reserves the next free slot in a small SQLite file (one per API host and port) and sleeps until then, so
that nobody starves: a thread holds one reservation at a time and slots are given in the order of asking. A 429
pauses everybody. Where processes disagree about the rate, the lowest of those lately seen holds.

Times are the system-wide monotonic clock, which a change of the wall clock does not move. It starts anew with the
machine, so what was reserved before a restart is forgotten.
"""

import os
import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from openlib_assets.openlibrary.errors import InterruptedFetchError, SourceError

# Requests leave a little late, never early; this much air keeps every ten-second window within its bound all the same.
_AIR = 1.02
_RATE_REMEMBERED_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 86_400.0
_LATE_SECONDS = 0.05
# Where slots lie this close, being late by one of them is noise and asking again would cost more than it saves.
_CLOSE_SPACING_SECONDS = 0.01


class Pace:
    """The shared pace towards one API; safe to use from several threads."""

    def __init__(self, file: Path, requests_per_second: float, stop: threading.Event) -> None:
        self._file = file
        self._rate = requests_per_second
        self._stop = stop
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise SourceError(
                f"{file}: the pace cannot be kept there ({error}); "
                "remove the file, or set XDG_CACHE_HOME to a folder that can be written"
            ) from error

    def wait_for_slot(self) -> None:
        """Return when it is this caller's turn to send one request.

        Raises InterruptedFetchError when the run is asked to stop meanwhile.
        """
        while True:
            slot, spacing = self._reserve()
            if self._stop.wait(max(0.0, slot - time.monotonic())):
                raise InterruptedFetchError("interrupted while waiting for its turn")
            # A late sleeper would crowd those behind it, and a pause may have begun meanwhile.
            late = spacing > _CLOSE_SPACING_SECONDS and time.monotonic() - slot > max(spacing, _LATE_SECONDS)
            if not late and self._paused_until() <= slot:
                return

    def pause(self, seconds: float) -> None:
        """Let nobody send a request for so many seconds from now."""
        with closing(self._connect()) as db:
            db.execute("UPDATE pace SET paused_until = max(paused_until, ?)", (time.monotonic() + seconds,))

    def _prepare(self) -> None:
        with closing(self._connect()) as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS pace"
                " (id INTEGER PRIMARY KEY, next_slot REAL, paused_until REAL, boot TEXT DEFAULT '')"
            )
            db.execute("CREATE TABLE IF NOT EXISTS rates (process INTEGER PRIMARY KEY, rate REAL, seen REAL)")
            db.execute("INSERT OR IGNORE INTO pace VALUES (0, 0, 0, ?)", (_boot(),))
            db.execute("UPDATE pace SET next_slot = 0, paused_until = 0, boot = ?1 WHERE boot <> ?1", (_boot(),))

    def _reserve(self) -> tuple[float, float]:
        with closing(self._connect()) as db:
            db.execute("BEGIN IMMEDIATE")
            now = time.monotonic()
            db.execute("INSERT OR REPLACE INTO rates VALUES (?, ?, ?)", (os.getpid(), self._rate, now))
            db.execute("DELETE FROM rates WHERE seen NOT BETWEEN ? AND ?", (now - _RATE_REMEMBERED_SECONDS, now))
            db.execute(
                "UPDATE pace SET next_slot = iif(next_slot > ?1, 0, next_slot),"
                " paused_until = iif(paused_until > ?1, 0, paused_until)",
                (now + _LONGEST_WAIT_SECONDS,),
            )
            (rate,) = db.execute("SELECT min(rate) FROM rates").fetchone()
            next_slot, paused_until = db.execute("SELECT next_slot, paused_until FROM pace").fetchone()
            slot = max(now, next_slot, paused_until)
            spacing = _AIR / rate
            db.execute("UPDATE pace SET next_slot = ?", (slot + spacing,))
            db.execute("COMMIT")
            return slot, spacing

    def _paused_until(self) -> float:
        with closing(self._connect()) as db:
            (paused_until,) = db.execute("SELECT paused_until FROM pace").fetchone()
            return float(paused_until)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._file, timeout=60, isolation_level=None)
        # The file is a meeting point, not a record: losing it in a power cut costs nothing.
        db.execute("PRAGMA synchronous = OFF")
        return db


def _boot() -> str:
    """Give what tells one start of the machine from another, nothing where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def pace_file(api_url: str) -> Path:
    """Give the file where all processes of this user meet that speak to the same API host and port."""
    parts = urlsplit(api_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    name = re.sub(r"[^a-z0-9.-]", "_", (parts.hostname or "").lower())
    return platformdirs.user_cache_path("openlib_assets") / "pace" / f"{name}_{port}.sqlite"
