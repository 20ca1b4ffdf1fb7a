"""What each step of a run asks Dagster's index of its subjects, and the log of its run, in plain SQL.

The answers are those of Dagster's own storage, which builds each of these statements anew, piece by piece: that takes
ten times as long as SQLite's answer, and all of them together a fifth of a small run.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import dagster as dg
import sqlalchemy as sa
from dagster_shared.serdes import deserialize_value

from openlib_assets.defs.instance.plain_sql import ask

# Of a run, about what its steps say; of a few kilobytes each.
_EVENTS_KEPT = 128


def has_partition(index: sa.Connection, definition: str, partition: str) -> bool:
    """Tell whether a partition is registered."""
    query = "SELECT 1 FROM dynamic_partitions WHERE partitions_def_name = ? AND partition = ?"
    return ask(index, query, (definition, partition)).fetchone() is not None


def was_wiped(index: sa.Connection, asset: dg.AssetKey) -> bool:
    """Tell whether records of an asset may have been wiped, which then count no more."""
    query = "SELECT asset_details IS NOT NULL FROM asset_keys WHERE asset_key = ?"
    found = ask(index, query, (asset.to_string(),)).fetchone()
    return bool(found and found[0])


def latest_ids(
    index: sa.Connection, asset: dg.AssetKey, event_type: dg.DagsterEventType, partitions: Iterable[str]
) -> dict[str, int]:
    """Return the storage id of the latest event of each of some partitions that has one."""
    query, parameters = _latest(asset, event_type, partitions)
    return dict(ask(index, query, parameters))


def latest_tags(
    index: sa.Connection,
    asset: dg.AssetKey,
    event_type: dg.DagsterEventType,
    partitions: Iterable[str],
    tags: Sequence[str],
) -> dict[str, dict[str, str]]:
    """Return those of the latest event of each of some partitions that has such tags."""
    latest, parameters = _latest(asset, event_type, partitions)
    query = (
        f"SELECT partition, key, value FROM ({latest}) AS latest "  # noqa: S608 - placeholders
        f"JOIN asset_event_tags ON event_id = latest.id WHERE key IN {_placeholders(tags)}"
    )
    found: dict[str, dict[str, str]] = {}
    for partition, key, value in ask(index, query, (*parameters, *tags)):
        found.setdefault(partition, {})[key] = value
    return found


def all_tags(index: sa.Connection, storage_ids: Sequence[int]) -> dict[str, Mapping[str, str]]:
    """Return all tags of materializations, by partition; the index has a table of only some of them.

    They are looked up in an event's text: to make the event of it takes nine times as long.
    """
    query = f"SELECT partition, event FROM event_logs WHERE id IN {_placeholders(storage_ids)}"  # noqa: S608 - the same
    found = ask(index, query, tuple(storage_ids))
    return {
        partition: json.loads(event)["dagster_event"]["event_specific_data"]["materialization"]["tags"] or {}
        for partition, event in found
    }


def entries_of(run: sa.Connection, run_id: str, event_type: dg.DagsterEventType) -> list[dg.EventLogEntry]:
    """Return the entries of a run's log that are of a type, in order."""
    query = "SELECT event FROM event_logs WHERE run_id = ? AND dagster_event_type = ? ORDER BY id"
    entries = [as_recorded(text) for (text,) in ask(run, query, (run_id, event_type.value))]
    return [entry for entry in entries if isinstance(entry, dg.EventLogEntry)]


@lru_cache(_EVENTS_KEPT)
def as_recorded(text: str) -> object:
    """Return what Dagster recorded as a text; of the last few, which steps ask for again and again, the same object."""
    return deserialize_value(text)


def _latest(
    asset: dg.AssetKey, event_type: dg.DagsterEventType, partitions: Iterable[str]
) -> tuple[str, tuple[str, ...]]:
    wanted = tuple(partitions)
    query = (
        "SELECT partition, max(id) AS id FROM event_logs "  # noqa: S608 - placeholders
        f"WHERE asset_key = ? AND dagster_event_type = ? AND partition IN {_placeholders(wanted)} GROUP BY partition"
    )
    return query, (asset.to_string(), event_type.value, *wanted)


def _placeholders(values: Sequence[object]) -> str:
    return f"({', '.join('?' * len(values))})"
