"""What processes of their own do that record events, in the home of an instance."""

import os
import signal
from multiprocessing.connection import Connection
from typing import Any

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets_tests.tools.events import an_event, materialization

EVENTS = 50


def record_and_be_killed(home: str, partition: str) -> None:
    """Record that a partition of the asset `a` was made, and be gone."""
    with _opened(home) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("a", partition=partition))
        os.kill(os.getpid(), signal.SIGKILL)


def record_what_is_said(home: str, run: dg.DagsterRun, orders: "Connection[Any, Any]") -> None:
    """Record what one is told to, until one is told nothing."""
    with _opened(home) as instance:
        while text := orders.recv():
            instance.report_engine_event(text, run)
            orders.send("recorded")


def record_many(home: str, name: str, *, with_dagsters_own: bool) -> None:
    """Record so many events of a run."""
    base = f"{home}/history/runs"
    log = SqliteEventLogStorage(base) if with_dagsters_own else EventLogStorage(base)
    for place in range(EVENTS):
        log.store_event(an_event(materialization(f"{name}-{place}")))


def _opened(home: str) -> dg.DagsterInstance:
    os.environ["DAGSTER_HOME"] = home
    return dg.DagsterInstance.get()
