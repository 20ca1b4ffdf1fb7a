"""Schedules: the monthly refresh."""

from collections.abc import Iterator

import dagster as dg

from openlib_assets.defs.jobs import ALL
from openlib_assets.defs.partitions import SUBJECTS, SUBJECTS_A_RUN, run_tags, stretches
from openlib_assets.settings import REFRESH_ON, Settings

MONTHLY_REFRESH = "monthly_refresh"


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Return the schedules, on or off as the settings say."""
    is_on = settings.monthly_refresh == REFRESH_ON

    @dg.schedule(
        name=MONTHLY_REFRESH,
        job_name=ALL,
        cron_schedule="0 3 1 * *",
        execution_timezone="UTC",
        description=(
            "Fetches every registered subject again on the first of the month. What did not change stays as it is."
        ),
        default_status=dg.DefaultScheduleStatus.RUNNING if is_on else dg.DefaultScheduleStatus.STOPPED,
    )
    def monthly_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        """Request runs of all registered subjects, many subjects in each."""
        keys = context.instance.get_dynamic_partitions(SUBJECTS)
        if not keys:
            yield dg.SkipReason("no subject is registered; add one with: openlib subjects add SUBJECT")
        month = context.scheduled_execution_time.strftime("%Y-%m")
        for stretch in stretches(keys, keys, SUBJECTS_A_RUN):
            yield dg.RunRequest(run_key=f"{month} {stretch[0]}", tags=dict(run_tags(stretch)))

    return [monthly_refresh]
