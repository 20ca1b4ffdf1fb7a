"""Runs that were interrupted or killed, which the next run of their subjects continues."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping

import dagster as dg
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG
from dagster_shared.error import SerializableErrorInfo

from openlib_assets.defs.assets import subject_csv

_DAY_SECONDS = 86_400.0


def stopped_runs(instance: dg.DagsterInstance, keys: Collection[str]) -> dict[str, str]:
    """Return the last run of each subject, of those whose last run was stopped in the last day.

    Staged pages are not kept longer, either. A run that failed by itself is not continued, since it would fail again.
    """
    day_ago = time.time() - _DAY_SECONDS
    planned = {key: instance.get_latest_planned_materialization_info(subject_csv.key, key) for key in keys}
    last = {key: info.run_id for key, info in planned.items() if info}
    stopped = {run_id for run_id in set(last.values()) if _was_stopped(instance, run_id, day_ago)}
    return {subject: run_id for subject, run_id in last.items() if run_id in stopped}


def _was_stopped(instance: dg.DagsterInstance, run_id: str, since: float) -> bool:
    record = instance.get_run_record_by_id(run_id)
    if record is None or (record.start_time or 0.0) < since:
        return False
    run = record.dagster_run
    if run.status not in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        return False
    if RUN_FAILURE_REASON_TAG not in run.tags:  # another process marked it as ended
        return True
    return _by_a_signal(entry.get_dagster_event() for entry in instance.all_logs(run_id, of_type=set(_FAILURES)))


def interrupted(result: dg.JobExecutionResult) -> bool:
    """Tell whether a run ended by a signal, which Dagster takes for a failure of a step or, between two, of the run."""
    return _by_a_signal(result.all_events)


def _by_a_signal(events: Iterable[dg.DagsterEvent]) -> bool:
    errors = (_FAILURES[event.event_type](event) for event in events if event.event_type in _FAILURES)
    return any(map(_is_interruption, errors))


_FAILURES: Mapping[dg.DagsterEventType, Callable[[dg.DagsterEvent], SerializableErrorInfo | None]] = {
    dg.DagsterEventType.STEP_FAILURE: lambda event: event.step_failure_data.error,
    dg.DagsterEventType.RUN_FAILURE: lambda event: event.job_failure_data.error,
}


def _is_interruption(error: SerializableErrorInfo | None) -> bool:
    name = dg.DagsterExecutionInterruptedError.__name__
    return error is not None and name in (error.cls_name, error.cause and error.cause.cls_name)
