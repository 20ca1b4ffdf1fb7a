"""Schedules: the monthly refresh."""

from collections.abc import Iterator

import dagster as dg

from openlib_assets.defs.jobs import ALL
from openlib_assets.defs.partitions import SUBJECTS, SUBJECTS_A_RUN, run_tags, stretches


@dg.schedule(
    name="monthly_refresh",
    job_name=ALL,
    cron_schedule="0 3 1 * *",
    execution_timezone="UTC",
    description="Fetches every registered subject again on the first of the month; what did not change stays as it is.",
)
def monthly_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for a run for each stretch of subjects."""
    keys = context.instance.get_dynamic_partitions(SUBJECTS)
    if not keys:
        yield dg.SkipReason("no subject is registered; add one with: openlib subjects add SUBJECT")
    month = context.scheduled_execution_time.strftime("%Y-%m")
    for stretch in stretches(keys, keys, SUBJECTS_A_RUN):
        yield dg.RunRequest(run_key=f"{month} {stretch[0]}", tags=dict(run_tags(stretch)))


schedules = [monthly_refresh]
