"""Snapshots that arrived in bronze from elsewhere: which they are, and the records that tell of them."""

import time
from collections.abc import Set
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_IS_USER_PROVIDED_TAG, DATA_VERSION_TAG

from openlib_assets.defs.steps.records import latest_records
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, read_snapshot, snapshot_names
from openlib_assets.lake.contract import RAW_WORKS
from openlib_assets.lake.subject_files import subject_of
from openlib_assets.openlibrary.subject_keys import InvalidSubjectError, subject_key
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

# A fetch of our own records its snapshot within seconds after it has written it; writing a large one takes longer, and
# the subject's lock is held meanwhile.
_OURS_SECONDS = 30
_LOCKED_SECONDS = 120

# Snapshots are judged for so long; the others wait for the next tick.
_JUDGING_SECONDS = 30


@dataclass
class Arrivals:
    """What became of folders that may hold a new snapshot: events to record, and those that could not be judged.

    `unsettled` were not come to, or are so new that a run of our own may be about to record them, which takes so many
    seconds (`settles_in`); `unreadable` stay a problem.
    """

    events: list[dg.AssetMaterialization] = field(default_factory=list)
    unsettled: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    settles_in: int = field(default_factory=lambda: _OURS_SECONDS)


def arrivals_of(context: dg.SensorEvaluationContext, storage: Storage, folders: Set[str]) -> Arrivals:
    """Find the subjects, of those whose bronze changed, of whose current snapshot the instance has not heard."""
    raw_works = dg.AssetKey(RAW_WORKS.name)
    arrivals = Arrivals()
    deadline = time.monotonic() + _JUDGING_SECONDS
    subjects_of = _subjects_of(context, storage, folders, arrivals)
    recorded = latest_records(context.instance, raw_works, set(subjects_of.values()))
    for folder, key in subjects_of.items():
        if time.monotonic() > deadline:
            arrivals.unsettled.add(folder)
            continue
        try:
            names = snapshot_names(storage, key)
            if not names or names[-1] <= _snapshot_of(recorded.get(key)):
                continue
            snapshot = read_snapshot(storage, key, names[-1])
        except OpenlibError as error:
            context.log.warning(f"ignored: {error}")
            arrivals.unreadable.add(folder)
            continue
        if _may_be_ours(storage, key, snapshot):
            arrivals.unsettled.add(folder)
            continue
        context.log.info(f"{key}: snapshot {snapshot.name} arrived from elsewhere")
        arrivals.events.append(
            _arrival(raw_works, key, snapshot, storage.uri(layout.snapshot_file(key, snapshot.name)))
        )
    return arrivals


def _subjects_of(
    context: dg.SensorEvaluationContext, storage: Storage, folders: Set[str], arrivals: Arrivals
) -> dict[str, str]:
    """Return the subjects whose folders these are, by folder; those that do not tell are unreadable."""
    found: dict[str, str] = {}
    for folder in sorted(folders):
        try:
            key = subject_of(storage, folder)
            if key is not None and subject_key(key) != key:
                raise InvalidSubjectError(f"{key!r} is not a subject key")
        except OpenlibError as error:
            context.log.warning(f"ignored: {error}")
            arrivals.unreadable.add(folder)
        else:
            if key:
                found[folder] = key
    return found


def _may_be_ours(storage: Storage, subject: str, snapshot: Snapshot) -> bool:
    """Tell whether a run of our own may be about to record a snapshot; one of another clock may lie in the future."""
    age = abs(time.time() - snapshot.fetched_at.timestamp())
    return age < _OURS_SECONDS or (age < _LOCKED_SECONDS and storage.exists(layout.lock_file(subject)))


def _snapshot_of(record: dg.EventLogRecord | None) -> str:
    """Return the name of the snapshot that a record of `raw_works` is of, nothing without one."""
    materialization = record.asset_materialization if record else None
    name = materialization.metadata.get("snapshot") if materialization else None
    return str(name.value) if name else ""  # without one, somebody reported it by hand


def _arrival(asset: dg.AssetKey, subject: str, snapshot: Snapshot, uri: str) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset,
        partition=subject,
        description="A snapshot that arrived from elsewhere.",
        metadata={
            "path": dg.MetadataValue.path(uri),
            "state": "arrived",
            "snapshot": snapshot.name,
            "verified_at": dg.MetadataValue.timestamp(snapshot.fetched_at),
            "works_reported": snapshot.work_count,
            "content_hash": snapshot.content_hash,
            "source": dg.MetadataValue.url(snapshot.url),
        },
        tags={DATA_VERSION_TAG: snapshot.content_hash, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"},
    )
