"""Slots for all hosts that share a Postgres: the database of the Dagster instance, where every run is on its own host.

libpq's variables (`PGHOST`, `PGUSER`, ...) say which database. Times are its clock, one for everybody. An answer comes
a little after its time was read, so that requests leave late by the way from the database, never early.
"""

import select
import threading
import time
import uuid
from typing import Any

import psycopg2
import tenacity
from psycopg2 import extensions

from openlib_assets.openlibrary.errors import InterruptedFetchError, SourceError
from openlib_assets.openlibrary.pace.slots import LONGEST_WAIT_SECONDS, RATE_REMEMBERED_SECONDS, Slot, spacing

# A managed Postgres that fails over to its standby is back within one or two minutes.
_PATIENCE_SECONDS = 180.0
# A server that was there and says nothing more, as behind a broken network, is asked over a new connection.
_ANSWER_SECONDS = 20.0
_POLL_SECONDS = 0.2

# A connection that is refused has no SQLSTATE in libpq, only this text.
_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "certificate verify failed")

# Creating the same table twice at once would fail; the number of the lock is one that nobody else uses.
_PREPARE = """
BEGIN;
SELECT pg_advisory_xact_lock(7052173190221);
CREATE TABLE IF NOT EXISTS openlib_pace (
    api text PRIMARY KEY,
    next_slot timestamptz NOT NULL DEFAULT '-infinity',
    paused_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE TABLE IF NOT EXISTS openlib_pace_rates (
    api text,
    process text,
    rate double precision NOT NULL,
    seen timestamptz NOT NULL,
    PRIMARY KEY (api, process)
);
DELETE FROM openlib_pace_rates WHERE seen < clock_timestamp() - make_interval(secs => %(longest)s);
INSERT INTO openlib_pace (api) VALUES (%(api)s) ON CONFLICT DO NOTHING;
COMMIT
"""

_TELL_RATE = """
INSERT INTO openlib_pace_rates VALUES (%(api)s, %(process)s, %(rate)s, clock_timestamp())
ON CONFLICT (api, process) DO UPDATE SET rate = excluded.rate, seen = excluded.seen
"""

_LOWEST_RATE = """
SELECT min(rate) FROM openlib_pace_rates
WHERE api = %(api)s AND seen > clock_timestamp() - make_interval(secs => %(remembered)s)
"""

# One statement: who waits for its turn at the row goes on from the row as it is then, and from the time it is then.
_RESERVE = """
UPDATE openlib_pace SET next_slot = make_interval(secs => %(spacing)s) + greatest(
    clock_timestamp(),
    CASE WHEN next_slot < clock_timestamp() + make_interval(secs => %(longest)s) THEN next_slot END,
    CASE WHEN paused_until < clock_timestamp() + make_interval(secs => %(longest)s) THEN paused_until END
)
WHERE api = %(api)s
RETURNING
    extract(epoch FROM next_slot - clock_timestamp()) - %(spacing)s,
    extract(epoch FROM next_slot) - %(spacing)s
"""

_PAUSED_UNTIL = """
SELECT extract(epoch FROM paused_until) FROM openlib_pace
WHERE api = %(api)s AND paused_until < clock_timestamp() + make_interval(secs => %(longest)s)
"""

_PAUSE = """
UPDATE openlib_pace SET paused_until = greatest(paused_until, clock_timestamp() + make_interval(secs => %(seconds)s))
WHERE api = %(api)s
"""


class PostgresSlots:
    """Slots of one API, by name, asked for with one rate; safe to use from several threads.

    A database that does not answer is asked again for three minutes; then SourceError, or InterruptedFetchError as
    soon as `stop` is set.
    """

    def __init__(
        self, api: str, requests_per_second: float, stop: threading.Event, patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        self._rate = requests_per_second
        self._stop = stop
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._open: extensions.connection | None = None
        self._about = {
            "api": api,
            "process": uuid.uuid4().hex,
            "rate": requests_per_second,
            "longest": LONGEST_WAIT_SECONDS,
            "remembered": RATE_REMEMBERED_SECONDS,
        }
        self._ask(_PREPARE)

    def reserve(self) -> Slot:
        """Reserve the next free slot."""
        self._ask(_TELL_RATE)
        ((lowest,),) = self._ask(_LOWEST_RATE)
        apart = spacing(min(self._rate, lowest or self._rate))
        ((seconds, at),) = self._ask(_RESERVE, spacing=apart)
        return Slot(seconds=float(seconds), spacing=apart, at=float(at))

    def paused_beyond(self, slot: Slot) -> bool:
        """Tell whether a pause began meanwhile that a slot lies in."""
        return any(float(paused_until) > slot.at for (paused_until,) in self._ask(_PAUSED_UNTIL))

    def pause(self, seconds: float) -> None:
        """Grant no slot within so many seconds from now."""
        self._ask(_PAUSE, seconds=seconds)

    def _ask(self, sql: str, **more: float) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows; a broken connection is opened again."""
        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=10),
            stop=tenacity.stop_after_delay(self._patience) | tenacity.stop_when_event_set(self._stop),
            sleep=tenacity.sleep_using_event(self._stop),
            reraise=True,
        )
        try:
            return tries(self._ask_once, sql, {**self._about, **more})
        except psycopg2.Error as error:
            if self._stop.is_set():
                raise InterruptedFetchError("interrupted while asking Postgres for its turn") from error
            raise SourceError(
                f"the pace of requests cannot be stored in Postgres ({_line(error)}); "
                "check the database that PGHOST, PGDATABASE and PGUSER name, then run again"
            ) from error

    def _ask_once(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                if self._open is None:
                    # Asynchronous, so that a wait for the database can end before the database answers.
                    self._open = psycopg2.connect(application_name="openlib pace", async_=1)
                    self._wait(self._open)
                with self._open.cursor() as cursor:
                    cursor.execute(sql, parameters)
                    self._wait(self._open)
                    return cursor.fetchall() if cursor.description else []
            except (psycopg2.OperationalError, psycopg2.InterfaceError, InterruptedFetchError):
                self._open = None
                raise

    def _wait(self, connection: extensions.connection) -> None:
        """Wait until the database has answered, for some seconds at most."""
        deadline = time.monotonic() + min(_ANSWER_SECONDS, self._patience)
        while (state := connection.poll()) != extensions.POLL_OK:
            if self._stop.is_set():
                raise InterruptedFetchError("interrupted while asking Postgres for its turn")
            if time.monotonic() > deadline:
                raise psycopg2.OperationalError("no answer in time")
            readers, writers = ([connection], []) if state == extensions.POLL_READ else ([], [connection])
            select.select(readers, writers, [], _POLL_SECONDS)


def _may_pass(error: BaseException) -> bool:
    """Tell whether an error may be gone at the next try: a broken connection, not a refusal."""
    broken = isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
    return broken and not any(text in str(error) for text in _REFUSALS)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
