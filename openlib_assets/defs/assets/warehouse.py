"""The warehouse: all its tables in one step, since they are published together or not at all."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.assets.common import KEEP_CURRENT, OWNERS, address, layer_tags
from openlib_assets.defs.partitions import SUBJECTS
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.checks import check_specs, results
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.steps.records import data_versions
from openlib_assets.defs.ui_metadata import (
    LEFT_OUT,
    URI_METADATA,
    column_lineage,
    column_schema,
    markdown,
    table_description,
)
from openlib_assets.lake import layout
from openlib_assets.lake.contract import RAW_WORKS, SCHEMA_VERSION, WAREHOUSE_TABLES, Table
from openlib_assets.lake.transform import CheckFailedError
from openlib_assets.lake.warehouse.reading import MAY_BE_MISSING, SOURCES
from openlib_assets.lake.warehouse.refreshing import Refreshed, refresh
from openlib_assets.lake.warehouse.writing import Made
from openlib_assets.report.digest.written import write_digest
from openlib_assets.storage import Storage

_ANY_VERSION = "YYYYMMDDTHHMMSSZ"
_NOT_MADE = "not made"
_MOST_AGAIN = 3


def _spec(table: Table) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(table),
        description=table_description(table),
        group_name=str(table.layer),
        owners=OWNERS,
        kinds={"sql", "duckdb", "parquet"},
        code_version=table.code_version,
        tags=layer_tags(table.layer),
        metadata={
            "dagster/column_schema": column_schema(table),
            "dagster/column_lineage": column_lineage(table),
            **address(layout.warehouse_file(_ANY_VERSION, table.name)),
            "key": ", ".join(table.key),
        },
        # What a fetch brings shows in what is made of it; one that found nothing new must not start a run.
        deps=[name for name in table.made_from if name != RAW_WORKS.name],
        automation_condition=KEEP_CURRENT,
    )


@dg.multi_asset(
    specs=[_spec(table) for table in WAREHOUSE_TABLES],
    check_specs=[spec for table in WAREHOUSE_TABLES for spec in check_specs(table)],
)
def warehouse(context: dg.AssetExecutionContext, storage: StorageResource) -> Iterator[Any]:
    """Publish the next version of the warehouse, of the subjects that are registered and made, and tell what is new."""
    began = time.monotonic()
    with said_in_one_line():
        place = storage.open()
        try:
            refreshed = _refreshed(place, lambda: subject_versions(context.instance))
        except CheckFailedError as error:
            yield from results(error.outcomes, asset_key(error.table))
            raise
    for line in refreshed.left_out:
        context.log.warning(line)
    yield from _told(context, place, refreshed, time.monotonic() - began)
    # Not an asset of its own: a step more would cost a run of one subject more than the files do. Also where nothing is
    # new: whoever published this version may have been killed before it was told.
    with said_in_one_line():
        left_out = write_digest(place)
    for line in left_out:
        context.log.warning(line)


def _refreshed(place: Storage, wanted: Callable[[], Mapping[str, str]]) -> Refreshed:
    """Refresh the warehouse, also by what is recorded of subjects meanwhile.

    The warehouse is recorded afterwards, and so seems newer than that: nobody would ask for it again.
    """
    refreshed = refresh(place, wanted)
    for _ in range(_MOST_AGAIN):
        if wanted() == refreshed.wanted:
            break
        again = refresh(place, wanted)
        changed = refreshed.changed + again.changed
        refreshed = replace(again, made={**refreshed.made, **again.made}, changed=changed)
    return refreshed


def subject_versions(instance: dg.DagsterInstance) -> dict[str, str]:
    """Return the version of the tables of each registered subject, of those that have all that the warehouse needs."""
    subjects = instance.get_dynamic_partitions(SUBJECTS)
    versions = {table: data_versions(instance, asset_key(table), subjects) for table in SOURCES}
    whole = [
        subject
        for subject in subjects
        if all(subject in found for table, found in versions.items() if table not in MAY_BE_MISSING)
    ]
    return {subject: _joined(found.get(subject, _NOT_MADE) for found in versions.values()) for subject in whole}


def _joined(versions: Iterator[str]) -> str:
    return hashlib.sha256(" ".join(versions).encode()).hexdigest()[:16]


def _told(context: dg.AssetExecutionContext, storage: Storage, refreshed: Refreshed, seconds: float) -> Iterator[Any]:
    version = refreshed.version
    for table in WAREHOUSE_TABLES:
        made = refreshed.made.get(table.name)
        metadata: dict[str, Any] = {
            "dagster/row_count": version.rows[table.name],
            URI_METADATA: storage.uri(version.file(table.name)),
            "version": version.name,
            "schema version": SCHEMA_VERSION,
            "subjects": len(version.subjects),
            **(_details(made, refreshed.changed, seconds) if made else {"state": "unchanged"}),
            **({LEFT_OUT: list(refreshed.left_out)} if refreshed.left_out else {}),
        }
        yield dg.MaterializeResult(
            asset_key=asset_key(table),
            metadata=metadata,
            data_version=dg.DataVersion(version.digests[table.name]),
            check_results=list(results(made.outcomes, asset_key(table))) if made else [],
        )
    if not refreshed.made:
        for spec in context.assets_def.check_specs:
            yield dg.Output(None, output_name=spec.get_python_identifier())


def _details(made: Made, changed: int, seconds: float) -> Mapping[str, Any]:
    preview = dg.MetadataValue.md(markdown(made.table.schema.names, made.preview))
    return {"state": "made", "subjects read": changed, "bytes": made.bytes, "seconds": seconds, "preview": preview}
