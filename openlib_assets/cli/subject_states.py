"""The state of each subject: watched, registered, fetched, failed, verified, and whether it has files."""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from openlib_assets.defs import assets
from openlib_assets.defs.partitions import SUBJECTS, subjects
from openlib_assets.defs.steps.records import code_versions, latest_records, made_from_another, verified_at
from openlib_assets.defs.steps.run_state import StepSubjects, said_in_run
from openlib_assets.lake.contract import (
    ORDER_LIST,
    RAW_DETAILS,
    RAW_WORKS,
    REFRESH_DAYS,
    STOCKING_LIST,
    STORE_CATALOGUE,
)
from openlib_assets.storage import LockTakenError

NOT_REGISTERED = "in the storage, not registered"
FILES_MISSING = "files missing"
TABLES_FAILED = "tables failed since"

_ENDED_BADLY = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_DAY_SECONDS = 86_400
_RUNS_AT_A_TIME = 500


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


def subject_states(
    instance: dg.DagsterInstance, watched: Sequence[str], stored: Collection[str], *, details: bool = True
) -> list[SubjectState]:
    """Return the states of all subjects that are watched, registered or have files in the storage, by key.

    Without `details`, these are not asked for, and do not fail.
    """
    registered = set(instance.get_dynamic_partitions(SUBJECTS))
    keys = sorted({*watched, *registered, *stored})
    latest = latest_records(instance, dg.AssetKey(RAW_WORKS.name), set(keys))
    works, of_details, tables = dg.AssetKey(RAW_WORKS.name), dg.AssetKey(RAW_DETAILS.name), _made_last()
    failed = _failed_last(instance, {works, *tables, *({of_details} if details else ())})
    without_tables = set[str]().union(*(failed[asset] for asset in tables))
    without_details = failed.get(of_details, set[str]())
    return [
        _state(
            key,
            latest.get(key),
            watched=key in watched,
            registered=key in registered,
            failed=_fault(works=key in failed[works], tables=key in without_tables, details=key in without_details),
            stored=key in stored,
        )
        for key in keys
    ]


def _failed_last(instance: dg.DagsterInstance, made: Collection[dg.AssetKey]) -> dict[dg.AssetKey, set[str]]:
    """Return, for some assets, the subjects of which the last run that was to make the asset failed, and did not.

    What another run made since then, or was at work on and had made before, as where two were to fetch a subject at
    once, is no failure. Dagster's UI goes on to show one, and so it does for a table that a later run leaves as it is,
    since nothing changed.
    """
    storage = instance.event_log_storage
    tried = {
        asset: storage.get_latest_asset_partition_materialization_attempts_without_materializations(asset)
        for asset in made
    }
    runs = sorted({run_id for attempts in tried.values() for run_id, _ in attempts.values()})
    filters = (
        dg.RunsFilter(run_ids=runs[start : start + _RUNS_AT_A_TIME], statuses=_ENDED_BADLY)
        for start in range(0, len(runs), _RUNS_AT_A_TIME)
    )
    said = {run.run_id: said_in_run(instance, run.run_id) for some in filters for run in instance.get_runs(some)}
    return {
        asset: {
            subject
            for subject, (run_id, _) in attempts.items()
            if run_id in said
            and not _stayed(said[run_id].get(asset.to_user_string()), subject)
            and not (_was_refused(said[run_id], subject) and _is_by_who_had_it(instance, asset, subject, run_id))
        }
        for asset, attempts in tried.items()
    }


def _was_refused(said: Mapping[str, StepSubjects], subject: str) -> bool:
    """Tell whether a run left a subject to another one that was at work on it."""
    found = (step.failed.get(subject) for step in said.values())
    return any(failed is not None and failed.kind == LockTakenError.__name__ for failed in found)


def _is_by_who_had_it(instance: dg.DagsterInstance, asset: dg.AssetKey, subject: str, refused: str) -> bool:
    """Tell whether an asset was made last by a run that was at work when another one was refused."""
    made = latest_records(instance, asset, [subject]).get(subject)
    holder = instance.get_run_record_by_id(made.run_id) if made else None
    late = instance.get_run_record_by_id(refused)
    if holder is None or late is None:
        return False
    return holder.end_time is None or holder.end_time > (late.start_time or 0.0)


def _stayed(said: StepSubjects | None, subject: str) -> bool:
    return said is not None and subject in said.unchanged


def _made_last() -> set[dg.AssetKey]:
    """Return the assets that tell whether all of a subject was made: those of which nothing else of it is made.

    Where another one fails, these are not made either; only a failed order list keeps nothing from being made.
    """
    specs = [spec for asset in assets.ASSETS for spec in asset.specs if spec.partitions_def == subjects]
    used = {dep.asset_key for spec in specs for dep in spec.deps}
    return {spec.key for spec in specs if spec.key not in used} | {dg.AssetKey(ORDER_LIST.name)}


def _fault(*, works: bool, tables: bool, details: bool) -> str:
    if works:
        return "failed since"
    if tables:
        return TABLES_FAILED
    return "details failed since" if details else ""


def outdated(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    """Return the assets that code of another version made, by registered subject; its next run makes them again."""
    registered = instance.get_dynamic_partitions(SUBJECTS)
    specs = [spec for asset in assets.ASSETS for spec in asset.specs if spec.partitions_def]
    found: dict[str, list[str]] = defaultdict(list)
    for spec in specs:
        for subject, version in code_versions(instance, spec.key, registered).items():
            if version != spec.code_version:
                found[subject].append(spec.key.to_user_string())
    return dict(sorted(found.items()))


def before_store(instance: dg.DagsterInstance) -> list[str]:
    """Return the registered subjects whose stocking lists know another store's catalogue than the one read last."""
    registered = instance.get_dynamic_partitions(SUBJECTS)
    lists, store = dg.AssetKey(STOCKING_LIST.name), dg.AssetKey(STORE_CATALOGUE.name)
    return sorted(made_from_another(instance, lists, store, registered))


def _state(
    key: str, fetch: dg.EventLogRecord | None, *, watched: bool, registered: bool, failed: str, stored: bool
) -> SubjectState:
    if stored and not registered:
        return SubjectState(key, watched, registered, NOT_REGISTERED)
    if fetch is None or fetch.asset_materialization is None:
        return SubjectState(key, watched, registered, "failed" if failed else "never fetched")
    if not stored:
        return SubjectState(key, watched, registered, FILES_MISSING)
    numbers = {name: value.value for name, value in fetch.asset_materialization.metadata.items()}
    verified = verified_at(fetch)
    works, snapshot = numbers.get("works_reported"), numbers.get("snapshot")
    return SubjectState(
        key,
        watched,
        registered,
        failed or _freshness((time.time() - verified) / _DAY_SECONDS),
        works if isinstance(works, int) else None,
        snapshot if isinstance(snapshot, str) else None,
        datetime.fromtimestamp(verified, UTC).isoformat(timespec="seconds"),
    )


def _freshness(days: float) -> str:
    return "overdue" if days > REFRESH_DAYS else "fetched"
