"""What most events leave in Dagster's event log, in plain SQL.

The rows are those of Dagster's own storage, which builds each of these statements anew and serializes an event again
for each of its rows: that takes several times as long as SQLite does.
"""

from collections.abc import Mapping
from typing import Any, cast

import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

from openlib_assets.defs.instance.plain_sql import ask

# A row of `event_logs`, by column.
Row = Mapping[str, Any]


def insert_event(database: sa.Connection, row: Row) -> int:
    """Insert an event into a run's log or into the index; return its id there."""
    return _put(database, "event_logs", row)


def insert_tags(index: sa.Connection, row: Row, event_id: int, tags: Mapping[str, str]) -> None:
    """Insert by which tags an event can be found."""
    for key, value in tags.items():
        tag = {"event_id": event_id, "asset_key": row["asset_key"], "key": key, "value": value}
        _put(index, "asset_event_tags", tag | {"event_timestamp": row["timestamp"]})


def store_planned(index: sa.Connection, row: Row) -> None:
    """Store of an asset that it is to be made."""
    _put(index, "asset_keys", _asset(row), key=("asset_key",))


def store_made(index: sa.Connection, row: Row, event_id: int) -> None:
    """Store of an asset that it was made, with the text of the event's record as Dagster serializes it."""
    record = f'{{"__class__": "EventLogRecord", "event_log_entry": {row["event"]}, "storage_id": {event_id}}}'
    _put(index, "asset_keys", _asset(row) | {"last_materialization": record}, key=("asset_key",))


def insert_planned_checks(index: sa.Connection, row: Row, event_id: int, planned: AssetCheckEvaluationPlanned) -> None:
    """Insert for each partition of an asset that a check is to be evaluated."""
    execution = {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "run_id": row["run_id"],
        "execution_status": Status.PLANNED.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
    }
    for partition in planned.partitions_subset.get_partition_keys() if planned.partitions_subset else [None]:
        _put(index, "asset_check_executions", execution | {"partition": partition})


def store_evaluation(index: sa.Connection, row: Row, event_id: int, evaluation: dg.AssetCheckEvaluation) -> None:
    """Store what a check of a partition said in a run: once, however often it was evaluated there."""
    made = evaluation.target_materialization_data
    execution = {
        "asset_key": evaluation.asset_key.to_string(),
        "check_name": evaluation.check_name,
        "run_id": row["run_id"],
        "partition": evaluation.partition,
        "execution_status": (Status.SUCCEEDED if evaluation.passed else Status.FAILED).value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": event_id,
        "materialization_event_storage_id": made.storage_id if made else None,
    }
    _put(index, "asset_check_executions", execution, key=("asset_key", "check_name", "run_id", "partition"))


def _asset(row: Row) -> dict[str, Any]:
    return {
        "asset_key": row["asset_key"],
        "last_run_id": row["run_id"],
        "last_materialization_timestamp": row["timestamp"],
    }


def _put(database: sa.Connection, table: str, row: Row, *, key: tuple[str, ...] = ()) -> int:
    """Insert a row, or change the one that has the same `key`; return the id of an inserted one."""
    changed = ", ".join(f"{column} = excluded.{column}" for column in row if column not in key)
    instead = f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}" if key else ""
    places = ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}){instead}"  # noqa: S608 - placeholders
    return cast("int", ask(database, statement, tuple(row.values())).lastrowid)
