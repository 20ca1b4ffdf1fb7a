"""Events of Dagster's as its instance records them, and a look into the databases that they are recorded in."""

import logging
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import DagsterEvent, StepMaterializationData

RUN = "8d1c0b5e-5f0e-4c4e-9d57-2f3a0c6b7a11"
COUNTS = {
    "event_logs": "SELECT count(*) FROM event_logs",
    "asset_keys": "SELECT count(*) FROM asset_keys",
    "asset_check_executions": "SELECT count(*) FROM asset_check_executions",
}


def an_event(event: DagsterEvent | None = None, run_id: str = RUN, text: str = "") -> dg.EventLogEntry:
    """Return an entry of a run's log; without an event of Dagster's it is a line of text."""
    made: dg.EventLogEntry = dg.EventLogEntry(  # type: ignore[no-untyped-call]  # its __new__ is untyped
        None, logging.INFO, text, run_id, 1.0, dagster_event=event, step_key="s", job_name="j"
    )
    return made


def of_type(event_type: dg.DagsterEventType, data: Any = None) -> DagsterEvent:
    """Return an event of Dagster's as a step makes it."""
    return DagsterEvent(event_type.value, "j", step_key="s", event_specific_data=data)


def materialization(partition: str) -> DagsterEvent:
    """Return the event that says that a partition of the asset `a` was made."""
    return of_type(
        dg.DagsterEventType.ASSET_MATERIALIZATION,
        StepMaterializationData(dg.AssetMaterialization("a", partition=partition)),
    )


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Read a database as somebody else does."""
    with closing(sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool).connect()) as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def change(file: Path, statement: str) -> None:
    """Change a database as somebody else does."""
    with sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text(statement))
