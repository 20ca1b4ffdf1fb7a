"""Dagster's SQLite storage, made quick for many events: what the shipped `dagster.yaml` names.

Dagster prepares a database anew for each event, several times, and commits each by itself. A run of many subjects
records thousands of events, which then cost more than all the tables together. Files and contents are Dagster's own:
an instance can change between the two.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, lru_cache
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

_RUNS_REMEMBERED = 32

# Events that come in great numbers, and a log line, which has no type; any other ends the wait of those before it.
_NUMEROUS = {
    None,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}
_MOST_WAITING = 200
_LONGEST_WAIT_SECONDS = 0.5


class InstanceStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, with an event log that is quick."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLogStorage(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "InstanceStorage":
        """Give the storage as `dagster.yaml` configures it."""
        return cls.from_local(inst_data=inst_data, **config_value)


class EventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in SQLite; keeps what it learned of a database, and records events in groups.

    An event waits for half a second at most, and never past a read or the end of a step: a process that is killed
    loses no more than what it did in its last half second.
    """

    def __init__(self, base_dir: str) -> None:
        self._lock = threading.RLock()
        self._held: dict[str, sa.Connection] = {}
        self._waiting: list[dg.EventLogEntry] = []
        self._failure: Exception | None = None
        self._run_engine = lru_cache(_RUNS_REMEMBERED)(self._new_run_engine)
        self._tables_seen: set[str] = set()
        self._asset_key_index_cols_seen = False
        super().__init__(base_dir)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Record an event, those that come in numbers together with others."""
        with self._lock:
            if self._failure:
                failure, self._failure = self._failure, None
                raise failure
            self._waiting.append(event)
            if event.dagster_event_type not in _NUMEROUS or len(self._waiting) >= _MOST_WAITING:
                self._store_waiting()
            elif len(self._waiting) == 1:
                timer = threading.Timer(_LONGEST_WAIT_SECONDS, self._store_late)
                timer.daemon = True
                timer.start()

    def has_table(self, table_name: str) -> bool:
        """Tell whether there is a table; one that was seen stays."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def _has_asset_key_index_cols_on_connection(self, conn: sa.Connection) -> bool:
        if not self._asset_key_index_cols_seen:
            self._asset_key_index_cols_seen = super()._has_asset_key_index_cols_on_connection(conn)
        return self._asset_key_index_cols_seen

    def dispose(self) -> None:
        """Record what waits, and close what is open."""
        with self._lock:
            self._store_waiting()
            self._index_engine.dispose()
        super().dispose()

    def _store_late(self) -> None:
        with self._lock:
            try:
                self._store_waiting()
            except Exception as error:  # noqa: BLE001 - the next caller gets it
                self._failure = error

    def _store_waiting(self) -> None:
        """Record all that waits: one transaction for each run, one for the index."""
        events, self._waiting = self._waiting, []
        with ExitStack() as stack:
            for shard in (*{event.run_id for event in events}, *([INDEX_SHARD_NAME] if events else [])):
                self._held[shard] = stack.enter_context(self._connect(shard))
                stack.callback(self._held.pop, shard)
            for event in events:
                super().store_event(event)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._lock:
            if shard in self._held:
                yield self._held[shard]
                return
            if self._waiting:
                self._store_waiting()
            engine = self._index_engine if shard == INDEX_SHARD_NAME else self._run_engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    @cached_property
    def _index_engine(self) -> sa.Engine:
        return self._new_engine(INDEX_SHARD_NAME, sa.QueuePool)

    def _new_run_engine(self, run_id: str) -> sa.Engine:
        # Closed each time: only then does SQLite touch the file that the UI watches to follow a run.
        return self._new_engine(run_id, sa.NullPool)

    def _new_engine(self, shard: str, pool: type[sa.Pool]) -> sa.Engine:
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=pool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        # With a write-ahead log, as Dagster has it, a power cut may take the last events, but never the database.
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
        return engine
