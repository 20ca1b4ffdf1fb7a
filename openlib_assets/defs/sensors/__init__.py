"""Sensors: what follows the storage, keeps tables fresh, marks overdue subjects, and tells of failed runs."""

import dagster as dg

from openlib_assets.defs.sensors.failures import failed_runs
from openlib_assets.defs.sensors.overdue import overdue_subjects
from openlib_assets.defs.sensors.storage import storage_events
from openlib_assets.defs.sensors.store import store_file

__all__ = ["failed_runs", "keep_fresh", "overdue_subjects", "sensors", "storage_events", "store_file"]

keep_fresh = dg.AutomationConditionSensorDefinition(
    "keep_fresh",
    target=dg.AssetSelection.all(),
    description="Makes silver, gold and serving again for each subject whose raw_works changed.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)

sensors = [storage_events, store_file, overdue_subjects, failed_runs, keep_fresh]
