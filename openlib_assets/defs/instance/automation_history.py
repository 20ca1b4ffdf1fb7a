"""What Dagster keeps of its automation: evaluations of conditions, with the subjects that they were about."""

import json

import dagster as dg
from dagster._core.storage.schedules.schema import AssetDaemonAssetEvaluationsTable as Evaluations
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage


def forget_evaluations(instance: dg.DagsterInstance, subject: str) -> bool:
    """Delete the evaluations that name a subject, which is no longer registered; tell whether there were any.

    While there is one, Dagster's UI cannot show the automation of its asset at all (dagster issue 33910).
    """
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        return False
    names_it = Evaluations.c.asset_evaluation_body.contains(json.dumps(subject), autoescape=True)
    with storage.connect() as connection:
        return connection.execute(Evaluations.delete().where(names_it)).rowcount > 0
