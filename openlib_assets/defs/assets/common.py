"""What all assets share: who owns them, what they are called in the UI, what they tell of their columns."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, TypedDict

import dagster as dg

from openlib_assets.defs.assets.each_subject import GOES_SUBJECT_BY_SUBJECT, check_specs
from openlib_assets.defs.partitions import subjects
from openlib_assets.defs.ui_metadata import column_schema
from openlib_assets.lake import layout
from openlib_assets.lake.contract import REFRESH_DAYS, Layer, Table
from openlib_assets.storage import LockTakenError, Storage

OWNERS = ["team:openlib"]

# How long a table waits for whoever fetches its subject or makes another table of it, and how often it looks.
_LOCK_SECONDS = 600.0
_LOCK_POLL_SECONDS = 0.2

# All assets of a subject share one policy: where they differ, Dagster splits a backfill into a run for each.
# A run costs a process and its imports, so it takes many subjects; still several runs share the cores.
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(25)

# Dagster keeps one state an asset: that of whatever subject came last. Single subjects have the check refreshed_lately.
FRESHNESS_POLICY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=REFRESH_DAYS))


def _keep_fresh() -> dg.AutomationCondition[Any]:
    changed = dg.AutomationCondition.any_deps_match(
        dg.AutomationCondition.data_version_changed() | dg.AutomationCondition.will_be_requested()
    )
    return (
        (changed | dg.AutomationCondition.newly_missing()).since_last_handled()
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("keep_fresh")


# After a change of what an asset is made from. Unlike Dagster's eager(), it lets a fetch that found nothing new go by.
KEEP_FRESH = _keep_fresh()


class CommonArguments(TypedDict):
    """Arguments of dg.asset that follow from a table of the contract."""

    name: str
    description: str
    group_name: str
    owners: list[str]
    kinds: set[str]
    code_version: str
    partitions_def: dg.PartitionsDefinition[str]
    check_specs: list[dg.AssetCheckSpec]
    metadata: Mapping[str, Any]
    tags: Mapping[str, str]
    output_required: bool
    backfill_policy: dg.BackfillPolicy
    freshness_policy: dg.FreshnessPolicy


def common_arguments(table: Table, kinds: set[str]) -> CommonArguments:
    """Give what dg.asset is told of a table; `kinds` is what it is made with and where it lies."""
    return CommonArguments(
        name=table.name,
        description=f"One row is {table.grain}.",
        group_name=str(table.layer),
        owners=OWNERS,
        kinds=kinds,
        code_version=table.code_version,
        partitions_def=subjects,
        check_specs=check_specs(table),
        metadata={
            "dagster/column_schema": column_schema(table),
            "key": ", ".join(table.key),
            **layer_metadata(table.layer),
        },
        tags=layer_tags(table.layer),
        # Nothing is put out for a subject that failed; a run of several records each of the others on its own.
        output_required=False,
        backfill_policy=BACKFILL_POLICY,
        freshness_policy=FRESHNESS_POLICY,
    )


@contextmanager
def locked(storage: Storage, subject: str) -> Iterator[None]:
    """Hold the lock of a subject while a table of it is made, so that no two runs leave a mix of two fetches.

    Waits for others, since the tables of one run may be made side by side, in processes of their own.
    """
    taken = f"{subject!r} is being fetched or made by another run; wait for it to end, then try again"
    deadline = time.monotonic() + _LOCK_SECONDS
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(storage.lock(layout.lock_file(subject), taken=taken))
                break
            except LockTakenError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_LOCK_POLL_SECONDS)
        yield


def layer_metadata(layer: Layer) -> dict[str, Any]:
    """Give what the IO manager and the other assets of a run need to know of an asset that goes subject by subject."""
    return {"layer": str(layer), GOES_SUBJECT_BY_SUBJECT: True}


def layer_tags(layer: Layer) -> dict[str, str]:
    """Give the tags to search by in the UI."""
    return {"layer": str(layer), "source": "openlibrary"}
