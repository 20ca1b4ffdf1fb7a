"""Serving: the warehouse in a database, a file of DuckDB's and, where one is named, PostgreSQL."""

import time
from typing import Any

import dagster as dg

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.assets.common import KEEP_CURRENT, OWNERS, address, layer_tags
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.ui_metadata import DEFINED, URI_METADATA
from openlib_assets.lake import layout
from openlib_assets.lake.contract import WAREHOUSE_TABLES, Layer
from openlib_assets.lake.database.connecting import Target
from openlib_assets.lake.database.duckdb_file import write_file
from openlib_assets.lake.database.loading import load
from openlib_assets.lake.warehouse import versions
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage


@dg.asset(
    description="The warehouse in a database, with keys, indexes and comments: always in the file `warehouse.duckdb`, "
    f"which needs no server, and in PostgreSQL where `OPENLIB_DATABASE` names one. {DEFINED}",
    group_name=str(Layer.SERVING),
    owners=OWNERS,
    kinds={"duckdb", "postgres"},
    code_version="1",
    metadata=address(layout.WAREHOUSE_DATABASE),
    tags=layer_tags(Layer.SERVING),
    deps=[asset_key(table) for table in WAREHOUSE_TABLES],
    automation_condition=KEEP_CURRENT,
)
def database(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Bring the file to the current version of the warehouse, then PostgreSQL."""
    began = time.monotonic()
    with said_in_one_line():
        place, settings = storage.open(), Settings.from_env()
        target = Target.of(settings)
        if target:
            storage.require_own_root(settings, "OPENLIB_DATABASE", context.asset_key)
        written = write_file(place)
        loaded = _loaded(context, place, target) if target else {}
        if target is None:
            versions.set_loaded(place, None)
    return dg.MaterializeResult(
        metadata={
            URI_METADATA: place.uri(layout.WAREHOUSE_DATABASE),
            "version": written.version.name,
            "tables": len(WAREHOUSE_TABLES),
            "dagster/row_count": sum(written.version.rows.values()),
            "state": "made" if written.is_new else "unchanged",
            **loaded,
            "seconds": time.monotonic() - began,
        },
        data_version=dg.DataVersion(written.version.name),
    )


def _loaded(context: dg.AssetExecutionContext, storage: Storage, target: Target) -> dict[str, Any]:
    """Load the warehouse into PostgreSQL, and tell of it."""
    began = time.monotonic()
    loaded = load(storage, target)
    for note in loaded.notes:
        context.log.warning(note)
    return {
        "PostgreSQL": target.address,
        "PostgreSQL: state": loaded.state,
        "PostgreSQL: rows sent": sum(loaded.sent.values()),
        "PostgreSQL: rows removed": sum(loaded.removed.values()),
        "PostgreSQL: tables changed": sorted({*loaded.sent, *loaded.removed}),
        "PostgreSQL: seconds": time.monotonic() - began,
    }
