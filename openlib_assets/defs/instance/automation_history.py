"""What Dagster keeps of its automation: evaluations of conditions, with the subjects that they were about."""

import json

import dagster as dg
from dagster._core.storage.schedules.schema import AssetDaemonAssetEvaluationsTable as Evaluations
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage


def forget_evaluations(instance: dg.DagsterInstance, subject: str) -> None:
    """Delete the evaluations that name a subject, which is no longer registered.

    While there is one, Dagster's UI cannot show the automation of its asset at all (dagster issue 33910).
    """
    storage = instance.schedule_storage
    if isinstance(storage, SqlScheduleStorage):
        names_it = Evaluations.c.asset_evaluation_body.contains(json.dumps(subject), autoescape=True)
        with storage.connect() as connection:
            connection.execute(Evaluations.delete().where(names_it))
