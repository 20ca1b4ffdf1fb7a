"""What all assets share: who owns them, their partitions and policies, what they tell of their columns."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, TypedDict

import dagster as dg

from openlib_assets.defs.partitions import SUBJECTS_A_RUN, subjects
from openlib_assets.defs.steps.checks import check_specs
from openlib_assets.defs.steps.outputs import SubjectOutputs
from openlib_assets.defs.ui_metadata import URI_METADATA, column_lineage, column_schema, table_description
from openlib_assets.lake import layout
from openlib_assets.lake.contract import REFRESH_DAYS, SNAPSHOT_TABLES, Layer, Table

OWNERS = ["team:openlib"]

# Stands for the key of a subject in the addresses that the definitions tell.
ANY_SUBJECT = "SUBJECT"

# All assets of a subject share one policy: where they differ, Dagster splits a backfill into a run for each.
# A run costs a process and its imports, so it takes many subjects; still several runs share the cores.
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(SUBJECTS_A_RUN)

# While the files of one subject are written and recorded, DuckDB is at work on others; of large ones, on one at a time
# (lake/transform.py).
SUBJECTS_AT_ONCE = 2

# Dagster keeps one state an asset: that of whatever subject came last. Single subjects have the check refreshed_lately.
FRESHNESS_POLICY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=REFRESH_DAYS))


def handled() -> dg.AutomationCondition[Any]:
    """Return the condition that an asset was asked for, or made after all that it is made from.

    One that was made before, also within the same tick, may be of the data before. Where a dep was only confirmed
    afterwards, a run is asked for that finds nothing to make.
    """
    updated = dg.AutomationCondition.newly_updated()
    older_than_a_dep = dg.AutomationCondition.any_deps_match(updated).since(updated)
    return dg.AutomationCondition.newly_requested() | (updated & ~older_than_a_dep)


def keep_fresh(optional: Collection[str] = ()) -> dg.AutomationCondition[Any]:
    """Return the condition under which an asset is made again; `optional` ones, of its inputs, may be missing."""
    condition = dg.AutomationCondition
    dep_is_requested = condition.any_deps_match(condition.will_be_requested())
    changed = condition.any_deps_match(condition.data_version_changed()) | dep_is_requested | condition.newly_missing()
    missing = condition.any_deps_missing()
    if optional:
        missing = missing.ignore(dg.AssetSelection.assets(*optional))
    return (
        (changed.since(handled()) | dep_is_requested)
        & ~missing
        & ~condition.any_deps_in_progress()
        & ~condition.in_progress()
    ).with_label("keep_fresh")


# After a change of what an asset is made from. Unlike Dagster's eager(), it lets a fetch that found nothing new go by.
KEEP_FRESH = keep_fresh()


def _keep_current() -> dg.AutomationCondition[Any]:
    condition = dg.AutomationCondition
    updated = condition.any_deps_match(condition.newly_updated())
    # In the same run as the warehouse; what subjects' tables it is made of, is made in others.
    of_the_warehouse = dg.AssetSelection.groups(str(Layer.WAREHOUSE))
    warehouse_is_requested = condition.any_deps_match(condition.will_be_requested()).allow(of_the_warehouse)
    return (
        (updated.since(handled()) | warehouse_is_requested)
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("keep_current")


# After anything that an asset over all subjects is made from was made.
KEEP_CURRENT = _keep_current()


class SubjectArguments(TypedDict):
    """Arguments of dg.asset that all assets of a subject have."""

    group_name: str
    owners: list[str]
    partitions_def: dg.PartitionsDefinition[str]
    tags: Mapping[str, str]
    dagster_type: dg.DagsterType
    backfill_policy: dg.BackfillPolicy
    freshness_policy: dg.FreshnessPolicy


def subject_arguments(layer: Layer) -> SubjectArguments:
    """Return what dg.asset is told of an asset that goes subject by subject."""
    return SubjectArguments(
        group_name=str(layer),
        owners=OWNERS,
        partitions_def=subjects,
        tags=layer_tags(layer),
        dagster_type=_OUTPUTS,
        backfill_policy=BACKFILL_POLICY,
        freshness_policy=FRESHNESS_POLICY,
    )


_OUTPUTS = dg.PythonObjectDagsterType(SubjectOutputs)


class _OfTheTable(TypedDict):
    """Arguments of dg.asset that follow from a table of the contract."""

    name: str
    description: str
    code_version: str
    check_specs: list[dg.AssetCheckSpec]
    metadata: Mapping[str, Any]


class TableArguments(SubjectArguments, _OfTheTable):
    """Arguments of dg.asset for a table of each subject."""


class SharedTableArguments(_OfTheTable):
    """Arguments of dg.asset for a table that there is once for all subjects."""

    group_name: str
    owners: list[str]
    tags: Mapping[str, str]


def table_arguments(table: Table) -> TableArguments:
    """Return what dg.asset is told of a table of each subject."""
    return TableArguments(**subject_arguments(table.layer), **_of_the_table(table))


def shared_table_arguments(table: Table) -> SharedTableArguments:
    """Return what dg.asset is told of a table that there is once for all subjects."""
    return SharedTableArguments(
        group_name=str(table.layer), owners=OWNERS, tags=layer_tags(table.layer), **_of_the_table(table)
    )


def _of_the_table(table: Table) -> _OfTheTable:
    return _OfTheTable(
        name=table.name,
        description=table_description(table),
        code_version=table.code_version,
        check_specs=check_specs(table),
        metadata={
            "dagster/column_schema": column_schema(table),
            **({"dagster/column_lineage": column_lineage(table)} if table.lineage else {}),
            **address(_path(table)),
            "key": ", ".join(table.key),
        },
    )


def address(path: str) -> dict[str, str]:
    """Return the metadata that tells where an asset's files lie; `definitions.py` puts the storage root before it."""
    return {URI_METADATA: path}


def _path(table: Table) -> str:
    if not table.by_subject:
        return layout.shared_table_file(table.layer, table.name)
    if table in SNAPSHOT_TABLES:
        return layout.snapshot_file(ANY_SUBJECT, "YYYYMMDDTHHMMSSZ", table.name)
    return layout.table_file(table.layer, table.name, ANY_SUBJECT)


def layer_tags(layer: Layer) -> dict[str, str]:
    """Return the tags to search by in the UI."""
    return {"layer": str(layer), "source": "openlibrary"}
