"""Dagster's SQLite event log, made quick for many events: what the shipped `dagster.yaml` names.

Dagster opens a run's database and the index anew for each event, several times. Here connections stay open. As with
Dagster, an event is committed before `store_event` returns, and files and contents are Dagster's own: an instance can
change between the two.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetEventTagsTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from openlib_assets.defs.instance import index_queries, index_stores, run_database

# Of these the index, too, gets what concerns it.
_IN_THE_INDEX = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}
# A run's process records that run, the daemon several; each connection holds three files open.
_RUNS_KEPT = 8


class InstanceStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, with an event log that is quick."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = EventLogStorage(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "InstanceStorage":
        """Return the storage as `dagster.yaml` configures it."""
        return cls.from_local(inst_data=inst_data, **config_value)


class EventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in SQLite, which keeps its connections and what it learned of the databases.

    It keeps one connection to the index, and one to each run that this process records, until the run ends. A run that
    another process records is read through a connection of its own each time, as with Dagster.

    `last_materialization` is the one that this process stored last: to ask for it would cost more than to store it.
    """

    last_materialization: dg.EventLogRecord | None = None

    def __init__(self, base_dir: str) -> None:
        self._lock = threading.RLock()
        self._kept_index: sa.Connection | None = None
        self._recorded: OrderedDict[str, sa.Connection] = OrderedDict()
        self._tables_seen: set[str] = set()
        self._asset_key_cols_seen: set[str] = set()
        self._migrations_seen: set[str] = set()
        super().__init__(base_dir)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Commit an event to its run's database and to the index; one that either refuses is in neither."""
        self._store(event.run_id, [event])

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Commit events, of each run all at once: those that tell what it plans to make."""
        for run_id, some in groupby(events, key=lambda event: event.run_id):
            self._store(run_id, list(some))

    def has_table(self, table_name: str) -> bool:
        """Tell whether there is a table; one that was seen stays."""
        if table_name not in self._tables_seen and super().has_table(table_name):
            self._tables_seen.add(table_name)
        return table_name in self._tables_seen

    def has_secondary_index(self, name: str) -> bool:
        """Tell whether a migration of data is done; one that was seen to be done stays so."""
        if name not in self._migrations_seen and super().has_secondary_index(name):
            self._migrations_seen.add(name)
        return name in self._migrations_seen

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Tell whether a partition is registered."""
        self._check_partitions_table()
        with self.index_connection() as index:
            return index_queries.has_partition(index, partitions_def_name, partition_key)

    def get_latest_storage_id_by_partition(
        self,
        asset_key: dg.AssetKey,
        event_type: dg.DagsterEventType,
        partitions: set[str] | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, int]:
        """Return the storage id of the latest event of each partition, or of some of them."""
        if partitions and after_cursor is None:
            with self.index_connection() as index:
                if not index_queries.was_wiped(index, asset_key):
                    return index_queries.latest_ids(index, asset_key, event_type, partitions)
        return super().get_latest_storage_id_by_partition(asset_key, event_type, partitions, after_cursor)

    def get_latest_tags_by_partition(  # noqa: PLR0917 - Dagster's signature
        self,
        asset_key: dg.AssetKey,
        event_type: dg.DagsterEventType,
        tag_keys: Sequence[str],
        asset_partitions: Sequence[str] | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, Mapping[str, str]]:
        """Return such tags of the latest event of each partition, or of some of them, that has one."""
        is_indexed = set(tag_keys) == self.get_asset_tags_to_index(set(tag_keys))
        if is_indexed and asset_partitions and before_cursor is None and after_cursor is None:
            with self.index_connection() as index:
                if not index_queries.was_wiped(index, asset_key):
                    return index_queries.latest_tags(index, asset_key, event_type, asset_partitions, tag_keys)
        return super().get_latest_tags_by_partition(
            asset_key, event_type, tag_keys, asset_partitions, before_cursor, after_cursor
        )

    def get_logs_for_run(
        self,
        run_id: str,
        cursor: str | int | None = None,
        of_type: dg.DagsterEventType | set[dg.DagsterEventType] | None = None,
        limit: int | None = None,
        ascending: bool = True,
    ) -> Sequence[dg.EventLogEntry]:
        """Return the entries of a run's log: of one type, as each step asks for them, or as Dagster gives them."""
        if isinstance(of_type, dg.DagsterEventType) and cursor is None and not limit and ascending:
            with self.run_connection(run_id) as run:
                return index_queries.entries_of(run, run_id, of_type)
        return super().get_logs_for_run(run_id, cursor, of_type, limit, ascending)

    def all_tags(self, storage_ids: Sequence[int]) -> Mapping[str, Mapping[str, str]]:
        """Return all tags of materializations, by partition."""
        with self.index_connection() as index:
            return index_queries.all_tags(index, storage_ids)

    def wipe(self) -> None:
        """Delete all events, and the runs' databases."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        self._close()

    def _store(self, run_id: str, events: Sequence[dg.EventLogEntry]) -> None:
        concerns_the_index = any(event.dagster_event_type in _IN_THE_INDEX for event in events)
        with self._lock:
            # The run's database is committed first: what the index tells of is in the run's log.
            with (
                self._connect(INDEX_SHARD_NAME) if concerns_the_index else nullcontext(),
                _transaction(self._connection_to_record(run_id)) as run,
            ):
                for event in events:
                    row = self._event_to_row(event)
                    row["timestamp"] = row["timestamp"].isoformat(" ", "microseconds")
                    index_stores.insert_event(run, row)
                    if event.dagster_event_type in _IN_THE_INDEX:
                        self._store_in_index(event, row)
            # The UI follows a run by changes of this file, and SQLite writes beside it while a connection stays open.
            os.utime(self.path_for_shard(run_id))
            if any(event.dagster_event_type and _ends_a_run(event.dagster_event_type) for event in events):
                self._recorded.pop(run_id).close()

    def _store_in_index(self, entry: dg.EventLogEntry, row: index_stores.Row) -> None:
        """Store an event in the index, under way in a transaction; kinds that are rare are left to Dagster."""
        index, event_type = self._index(), entry.dagster_event_type
        event_id = index_stores.insert_event(index, row)
        details = entry.dagster_event and entry.dagster_event.event_specific_data
        is_migrated = self._has_asset_key_index_cols_on_connection(index) and self.has_table(AssetEventTagsTable.name)
        if event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and is_migrated:
            index_stores.insert_tags(index, row, event_id, self._tags_for_asset_event(entry))
            index_stores.store_made(index, row, event_id)
        elif event_type == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED and is_migrated:
            index_stores.store_planned(index, row)
        elif isinstance(details, dg.AssetCheckEvaluation) and details.partition and entry.run_id:
            index_stores.store_evaluation(index, row, event_id, details)
        elif isinstance(details, AssetCheckEvaluationPlanned):
            index_stores.insert_planned_checks(index, row, event_id, details)
        elif event_type in ASSET_EVENTS:
            self._store_asset_event_tags(index, [entry], [event_id])
            self._store_asset_event(index, entry, event_id)
        elif event_type in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(entry, event_id)
        if event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            self.last_materialization = dg.EventLogRecord(event_id, entry)

    def _get_latest_materialization_records(
        self, raw_asset_rows: Iterable[Mapping[str, Any]]
    ) -> Mapping[dg.AssetKey, dg.EventLogRecord | None]:
        """Return the latest materialization of each asset of some rows, of which each step asks for those it reads."""
        found: dict[dg.AssetKey, dg.EventLogRecord | None] = {}
        others = []
        for row in raw_asset_rows:
            key, text = dg.AssetKey.from_db_string(row["asset_key"]), row["last_materialization"]
            last = index_queries.as_recorded(text) if text and not row["asset_details"] else None
            if key and isinstance(last, dg.EventLogRecord):
                found[key] = last
            else:
                others.append(row)
        return {**super()._get_latest_materialization_records(others), **found} if others else found

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        if column_name not in self._asset_key_cols_seen and super()._has_asset_key_col_on_connection(conn, column_name):
            self._asset_key_cols_seen.add(column_name)
        return column_name in self._asset_key_cols_seen

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._lock:
            if shard == INDEX_SHARD_NAME:
                with _transaction(self._index()) as connection:
                    yield connection
            elif shard in self._recorded:
                with _transaction(self._recorded[shard]) as connection:
                    yield connection
            else:
                with self._open(shard) as connection, connection.begin():
                    yield connection

    def _index(self) -> sa.Connection:
        if self._kept_index is None:
            self._kept_index = self._open(INDEX_SHARD_NAME)
        return self._kept_index

    def _connection_to_record(self, run_id: str) -> sa.Connection:
        if run_id not in self._recorded:
            self._recorded[run_id] = self._open(run_id)
        self._recorded.move_to_end(run_id)
        if len(self._recorded) > _RUNS_KEPT:
            self._recorded.popitem(last=False)[1].close()
        return self._recorded[run_id]

    def _open(self, shard: str) -> sa.Connection:
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=sa.NullPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        if shard not in self._initialized_dbs:
            self._prepare(shard, engine)
            self._initialized_dbs.add(shard)
        connection = engine.connect()
        # With a write-ahead log, as Dagster has it, a power cut may take the last events, but never the database.
        connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
        connection.commit()
        return connection

    def _prepare(self, shard: str, engine: sa.Engine) -> None:
        with engine.connect() as connection:
            if run_database.is_prepared(connection):
                return
            if shard != INDEX_SHARD_NAME:
                with self._connect(INDEX_SHARD_NAME) as index:
                    if run_database.make_like(index, connection):
                        return
        self._initdb(engine)

    def _close(self) -> None:
        with self._lock:
            while self._recorded:
                self._recorded.popitem()[1].close()
            if self._kept_index is not None:
                self._kept_index.close()
                self._kept_index = None


@contextmanager
def _transaction(connection: sa.Connection) -> Iterator[sa.Connection]:
    """Yield a connection in a transaction: the one under way, or a new one."""
    if connection.in_transaction():
        yield connection
    else:
        with connection.begin():
            yield connection


def _ends_a_run(event_type: dg.DagsterEventType) -> bool:
    return EVENT_TYPE_TO_PIPELINE_RUN_STATUS.get(event_type) in FINISHED_STATUSES
