"""Runs that were interrupted or killed: what they had fetched is not fetched again, the next run goes on from there."""

import json
import time
from collections.abc import Collection
from functools import cache, partial

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from openlib_assets.defs.assets.each_subject import latest_records
from openlib_assets.defs.assets.serving import SUBJECT_CSV
from openlib_assets.lake.contract import RAW_WORKS

_DAY_SECONDS = 86_400.0
# A tag of a stopped run that the UI does not show.
_GIVEN_UP = ".dagster/openlib_given_up"


def fetched_before(instance: dg.DagsterInstance, keys: Collection[str]) -> dict[str, dg.EventLogRecord]:
    """Give the last fetch of each subject whose run was stopped after it, and that no run has finished since.

    Only those of the last day: what was staged is kept no longer either. And none from which a run went on before and
    failed by itself: it would fail again.
    """
    fetches = latest_records(instance, dg.AssetKey(RAW_WORKS.name), set(keys))
    ends = latest_records(instance, dg.AssetKey(SUBJECT_CSV), set(keys))
    day_ago = time.time() - _DAY_SECONDS
    was_stopped = cache(partial(_was_stopped, instance))
    found: dict[str, dg.EventLogRecord] = {}
    for key, fetch in fetches.items():
        if fetch.timestamp < day_ago or not was_stopped(fetch.run_id) or key in _given_up(instance, fetch.run_id):
            continue
        end = ends.get(key)
        finished = end is not None and end.storage_id > fetch.storage_id and not was_stopped(end.run_id)
        if not finished and fetch.asset_materialization:
            found[key] = fetch
    return found


def _given_up(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """Give the subjects for which nobody goes on from what a stopped run had fetched."""
    run = instance.get_run_by_id(run_id)
    return set(json.loads(run.tags.get(_GIVEN_UP, "[]"))) if run else set()


def give_up(instance: dg.DagsterInstance, run_id: str, key: str) -> None:
    """Let nobody go on any more from what a stopped run had fetched of a subject."""
    given_up = sorted(_given_up(instance, run_id) | {key})
    instance.add_run_tags(run_id, {_GIVEN_UP: json.dumps(given_up)})


def _was_stopped(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Tell whether a run was interrupted or killed: it failed, but no step of it for a reason of its own."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        return False
    failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    return all(is_interruption(entry.get_dagster_event().step_failure_data.error) for entry in failures)


def is_interruption(error: SerializableErrorInfo | None) -> bool:
    """Tell whether a step failed since somebody interrupted its run."""
    name = dg.DagsterExecutionInterruptedError.__name__
    return error is not None and name in (error.cls_name, error.cause and error.cause.cls_name)
