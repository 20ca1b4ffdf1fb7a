"""What Dagster keeps of its automation: evaluations of conditions, with the subjects that they were about."""

import json
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.storage.schedules.schema import AssetDaemonAssetEvaluationsTable as Evaluations
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from sqlalchemy import bindparam, select


def forget_evaluations(instance: dg.DagsterInstance, subject: str) -> bool:
    """Delete the evaluations that name a subject, which is no longer registered; tell whether there were any.

    While there is one, Dagster's UI cannot show the automation of its asset at all (dagster issue 33910).
    """
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        return False
    body = Evaluations.c.asset_evaluation_body
    may_name_it = body.contains(json.dumps(subject), autoescape=True)
    with storage.connect() as connection:
        rows = connection.execute(select(Evaluations.c.id, body).where(may_name_it))
        # Assets have names, too, and records have words.
        about_it = [{"of": number} for number, text in rows if is_partition(json.loads(text), subject)]
        if about_it:
            connection.execute(Evaluations.delete().where(Evaluations.c.id == bindparam("of")), about_it)
    return bool(about_it)


def is_partition(told: Any, subject: str) -> bool:
    """Tell whether a record of Dagster's, as it is written down, has a subject among partitions."""
    if isinstance(told, list):
        return any(is_partition(one, subject) for one in told)
    if not isinstance(told, dict):
        return False
    kind = told.get("__class__")
    if kind == dg.PartitionKeyRange.__name__:
        return subject in (told["start"], told["end"])
    if kind == DefaultPartitionsSubset.__name__:
        return subject in told["subset"]["__set__"]
    return any(is_partition(one, subject) for one in told.values())
