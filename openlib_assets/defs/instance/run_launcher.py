"""Runs whose process is gone: killed, or ended with the machine, before it could say how its run went.

Such a run would seem to go on for ever and keep its place among those that may go on at once. Dagster's own launcher
on one machine does not look; the shipped `dagster.yaml` names this one, and the daemon asks it now and then.
"""

import os
import time
from contextlib import suppress

import dagster as dg
import psutil
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClassData

# A run's tag that tells the process that made it to carry it out, and when: that may end before the run begins.
_PROCESS = "openlib/process"
# A process starts a little before the run in it, and clocks are read twice.
_SLACK_SECONDS = 5.0


class RunLauncher(DefaultRunLauncher):
    """Dagster's launcher on one machine, that can tell whether the process of a run is still there."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        # When a process began, the system tells by its clock as that is now; one that was seen is known by itself.
        self._seen: dict[str, psutil.Process] = {}

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Tell Dagster that it can ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Look for the process that started a run."""
        started = self._instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
        pid = started[-1].get_dagster_event().pid if started else None
        if pid is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        process = self._seen.get(run.run_id) or _started_before(started[-1].timestamp, pid)
        if process and _is_alive(process):
            self._seen = {run_id: seen for run_id, seen in self._seen.items() if seen.is_running()}
            self._seen[run.run_id] = process
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"process {pid} is gone")


def fail_dead_runs(instance: dg.DagsterInstance) -> None:
    """Fail the runs whose process is gone, where the daemon has not done so yet."""
    if not isinstance(instance.run_launcher, RunLauncher):
        return
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        health = instance.run_launcher.check_run_worker_health(run)
        if health.status == WorkerStatus.FAILED:
            _fail(instance, run, f"{health.msg}")
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED])):
        pid, _, made = record.dagster_run.tags.get(_PROCESS, "").partition("@")
        # Who runs it again in the UI takes its tags over.
        if not made or abs(record.create_timestamp.timestamp() - float(made)) > _SLACK_SECONDS:
            continue
        process = _started_before(float(made), int(pid))
        if not (process and _is_alive(process)):
            _fail(instance, record.dagster_run, f"process {pid} is gone")


def made_by_this_process() -> dict[str, str]:
    """Return the tag of a run that this process makes now, and carries out."""
    return {_PROCESS: f"{os.getpid()}@{time.time():.0f}"}


def _fail(instance: dg.DagsterInstance, run: dg.DagsterRun, reason: str) -> None:
    # It may have gone on since it was read, and its process ended with it.
    now = instance.get_run_by_id(run.run_id)
    if now and now.status == run.status:
        instance.report_run_failed(run, f"The run ended unexpectedly: {reason}.")


def _started_before(time: float, pid: int) -> psutil.Process | None:
    """Return the process of a number that was there at a time, in seconds since 1970; numbers are given out again."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return process if process.create_time() <= time + _SLACK_SECONDS else None
    return None


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
