"""The sensor that tells of failed runs, of whatever job and for whatever reason, a lost machine included.

Dagster asks it of runs that it launched; who runs a job in a terminal learns of a failure there.
"""

import dagster as dg

from openlib_assets.defs.sensors.signals import signal

RUN_FAILED = "run_failed"


@dg.run_failure_sensor(
    name="failed_runs",
    description='Prints a line that begins with {"openlib_signal": "run_failed" for each launched run that failed.',
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Print the signal."""
    run = context.dagster_run
    signal(RUN_FAILED, run_id=run.run_id, job=run.job_name, reason=context.failure_event.message or "")
