"""Sensors: what follows the watch list, keeps tables fresh, and marks subjects that nobody refreshed."""

import json
import time

import dagster as dg

from openlib_assets.assets.each_subject import latest_records
from openlib_assets.errors import OpenlibError
from openlib_assets.jobs import ALL
from openlib_assets.partitions import SUBJECTS, subjects
from openlib_assets.settings import Settings
from openlib_assets.tables import RAW_WORKS, REFRESH_DAYS, REFRESHED_LATELY
from openlib_assets.watch_list import NoWatchListError, read_watch_list

# A tick has 60 seconds; what is left over comes with the next one.
_MOST_NEW_SUBJECTS = 500

_DAY_SECONDS = 86_400


@dg.sensor(
    name="new_subjects",
    job_name=ALL,
    minimum_interval_seconds=60,
    description=(
        "Follows the watch list: a subject that is new there becomes a partition and is run. Never removes one. "
        "An unusable entry is reported and skipped; a list that cannot be read is an error, not an empty list."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def new_subjects(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Add partitions for new subjects and start their runs."""
    try:
        address = Settings.from_env().subjects
        watch_list = read_watch_list(address)
    except NoWatchListError as error:
        return dg.SkipReason(str(error))
    except OpenlibError as error:
        raise dg.Failure(str(error)) from None
    _report_once(context, watch_list.problems)
    known = set(context.instance.get_dynamic_partitions(SUBJECTS))
    new = [key for key in watch_list.keys if key not in known][:_MOST_NEW_SUBJECTS]
    cursor = json.dumps(watch_list.problems)
    if not new:
        context.update_cursor(cursor)
        return dg.SkipReason(f"all {len(watch_list.keys)} subjects of {address} are known")
    context.log.info(f"{len(new)} new in {address}: {', '.join(new)}")
    return dg.SensorResult(
        dynamic_partitions_requests=[subjects.build_add_request(sorted(new))],
        run_requests=[dg.RunRequest(partition_key=key) for key in new],
        cursor=cursor,
    )


def _report_once(context: dg.SensorEvaluationContext, problems: list[str]) -> None:
    """Log each unusable entry when it first shows up, not at every tick."""
    reported = set(json.loads(context.cursor)) if context.cursor else set()
    for problem in problems:
        if problem not in reported:
            context.log.warning(f"skipped: {problem}")


@dg.sensor(
    name="overdue_subjects",
    minimum_interval_seconds=_DAY_SECONDS,
    description=(
        f"Once a day, fails the check {REFRESHED_LATELY} of each subject that was last fetched more than "
        f"{REFRESH_DAYS} days ago. It starts nothing."
    ),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def overdue_subjects(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Mark each overdue subject once; the next fetch takes the mark away."""
    raw_works = dg.AssetKey(RAW_WORKS.name)
    latest = latest_records(context.instance, raw_works, set(context.instance.get_dynamic_partitions(SUBJECTS)))
    days = {key: (time.time() - record.timestamp) / _DAY_SECONDS for key, record in latest.items()}
    overdue = {key: latest[key].storage_id for key, since in days.items() if since > REFRESH_DAYS}
    marked = json.loads(context.cursor) if context.cursor else {}
    new = sorted(key for key, fetch in overdue.items() if marked.get(key) != fetch)
    if not new:
        context.update_cursor(json.dumps(overdue))
        return dg.SkipReason(f"{len(overdue)} of {len(latest)} subjects are overdue, none of them newly")
    return dg.SensorResult(
        asset_events=[
            dg.AssetCheckEvaluation(
                asset_key=raw_works,
                check_name=REFRESHED_LATELY,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"days_since_fetch": int(days[key])},
                partition=key,
            )
            for key in new
        ],
        cursor=json.dumps(overdue),
    )


keep_fresh = dg.AutomationConditionSensorDefinition(
    "keep_fresh",
    target=dg.AssetSelection.all(),
    description="Makes silver, gold and serving again for each subject whose raw_works changed.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)

sensors = [new_subjects, overdue_subjects, keep_fresh]
