"""Dagster's SQLite storage, its connections kept: what the shipped `dagster.yaml` names.

Dagster prepares a database anew for each event that it records. A run of many subjects records thousands, which then
cost more than all the tables together. Files and contents are Dagster's own: an instance can change between the two.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

_RUNS_REMEMBERED = 32


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
    """Dagster's event log in SQLite; what it learns of a database holds for all events."""

    def __init__(self, base_dir: str) -> None:
        self._run_engine = lru_cache(_RUNS_REMEMBERED)(self._new_run_engine)
        self._tables_seen: set[str] = set()
        super().__init__(base_dir)

    def has_table(self, table_name: str) -> bool:
        """Tell whether there is a table; one that was seen stays."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def dispose(self) -> None:
        """Close what is open."""
        self._index_engine.dispose()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
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
        # Closed after each event: only then does SQLite touch the file that the UI watches to follow a run.
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
