"""What is known of each subject: watched, registered, fetched, failed, verified; and which files are its own."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from openlib_assets import layout
from openlib_assets.partitions import SUBJECTS, subjects
from openlib_assets.storage import Storage
from openlib_assets.tables import RAW_WORKS, REFRESH_DAYS, Layer

_FAILED = "FAILED"
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class SubjectState:
    """A subject's state; `verified` is when a fetch last found the snapshot current (ISO 8601, UTC)."""

    subject: str
    watched: bool
    registered: bool
    state: str
    works: int | None = None
    snapshot: str | None = None
    verified: str | None = None


def subject_states(instance: dg.DagsterInstance, watched: Sequence[str]) -> list[SubjectState]:
    """Give the states of all subjects that are watched or registered, by key."""
    registered = instance.get_dynamic_partitions(SUBJECTS)
    return [
        _state(instance, key, watched=key in watched, registered=key in registered)
        for key in sorted({*watched, *registered})
    ]


def _state(instance: dg.DagsterInstance, key: str, *, watched: bool, registered: bool) -> SubjectState:
    failed = registered and _status(instance, key) == _FAILED
    records = dg.AssetRecordsFilter(asset_key=dg.AssetKey(RAW_WORKS.name), asset_partitions=[key])
    found = instance.fetch_materializations(records, limit=1).records
    materialization = found[0].asset_materialization if found else None
    if materialization is None:
        return SubjectState(key, watched, registered, "failed" if failed else "never fetched")
    numbers = {name: value.value for name, value in materialization.metadata.items()}
    verified = datetime.fromtimestamp(found[0].timestamp, UTC).isoformat(timespec="seconds")
    works, snapshot = numbers.get("works_reported"), numbers.get("snapshot")
    return SubjectState(
        key,
        watched,
        registered,
        _word(failed=failed, days=(time.time() - found[0].timestamp) / _DAY_SECONDS),
        works if isinstance(works, int) else None,
        snapshot if isinstance(snapshot, str) else None,
        verified,
    )


def _word(*, failed: bool, days: float) -> str:
    if failed:
        return "failed since"
    return "overdue" if days > REFRESH_DAYS else "fetched"


def _status(instance: dg.DagsterInstance, key: str) -> str | None:
    """Give what Dagster's UI shows for a subject's partition of `raw_works`."""
    statuses = instance.get_status_by_partition(dg.AssetKey(RAW_WORKS.name), [key], subjects)
    status = (statuses or {}).get(key)
    return status.value if status else None


def subject_files(storage: Storage, key: str) -> Iterator[str]:
    """Give the paths of all files of a subject, whatever layer or table they belong to."""
    yield from storage.paths(layout.snapshots_folder(key))
    for layer in (Layer.SILVER, Layer.GOLD):
        for table in storage.folders(layer):
            yield from storage.paths(layout.table_folder(layer, table, key))
    for folder in (layout.exports_folder(key), layout.reports_folder(key), layout.staging_folder(key)):
        yield from storage.paths(folder)
