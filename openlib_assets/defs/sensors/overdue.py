"""The sensor that marks subjects that nobody refreshed."""

import json
import time

import dagster as dg

from openlib_assets.defs.partitions import SUBJECTS
from openlib_assets.defs.sensors.cursors import left_by_tick_before
from openlib_assets.defs.sensors.signals import signal
from openlib_assets.defs.steps.checks import SUBJECT, target_of
from openlib_assets.defs.steps.records import latest_records, verified_at
from openlib_assets.lake.contract import RAW_WORKS, REFRESH_DAYS, REFRESHED_LATELY

SUBJECTS_OVERDUE = "subjects_overdue"

_DAY_SECONDS = 86_400


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
    days = {key: (time.time() - verified_at(record)) / _DAY_SECONDS for key, record in latest.items()}
    overdue = {key: latest[key].storage_id for key, since in days.items() if since > REFRESH_DAYS}
    signal(SUBJECTS_OVERDUE, count=len(overdue))
    marked = left_by_tick_before(context, dict[str, int], {})
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
                description=f"{key}: last fetched {int(days[key])} days ago",
                severity=dg.AssetCheckSeverity.WARN,
                metadata={SUBJECT: key, "days_since_fetch": int(days[key])},
                target_materialization_data=target_of(latest[key]),
                partition=key,
            )
            for key in new
        ],
        cursor=json.dumps(overdue),
    )
