"""Serving: warehouse and dumps as Iceberg tables. There are such assets only where a catalogue is named for them."""

import time

import dagster as dg

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.assets.common import KEEP_CURRENT, OWNERS, address, layer_tags
from openlib_assets.defs.assets.dumps import dump_asset_arguments
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.ui_metadata import DEFINED
from openlib_assets.lake import layout
from openlib_assets.lake.contract import CATALOGUE_TABLES, WAREHOUSE_TABLES, Layer
from openlib_assets.lake.iceberg.catalogue import IcebergError, Place
from openlib_assets.settings import Settings

KIND = "iceberg"


@dg.asset(
    description="The warehouse as Iceberg tables, in the catalogue that `OPENLIB_ICEBERG` names: a snapshot for each "
    f"version, over the files that are there anyway. {DEFINED}",
    group_name=str(Layer.SERVING),
    owners=OWNERS,
    kinds={KIND},
    code_version="1",
    metadata=address(layout.ICEBERG),
    tags=layer_tags(Layer.SERVING),
    deps=[asset_key(table) for table in WAREHOUSE_TABLES],
    automation_condition=KEEP_CURRENT,
)
def iceberg_warehouse(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Register the current version of the warehouse."""
    # Slow to import, and few need it.
    from openlib_assets.lake.iceberg.registering import register_warehouse  # noqa: PLC0415

    began = time.monotonic()
    with said_in_one_line():
        place = _place(storage, context.asset_key)
        outcome = register_warehouse(storage.open(), place)
    return dg.MaterializeResult(
        metadata={
            "catalogue": place.address,
            "version": outcome.name,
            "tables": len(WAREHOUSE_TABLES),
            "state": "registered" if outcome.is_new else "unchanged",
            "withdrawn": list(outcome.withdrawn),
            "seconds": time.monotonic() - began,
        },
        data_version=dg.DataVersion(outcome.name),
    )


@dg.asset(
    description="The tables of the whole catalogue as Iceberg tables, in the catalogue that `OPENLIB_ICEBERG` names: a "
    f"snapshot for each dump, over the files that are there anyway. {DEFINED}",
    kinds={KIND},
    code_version="1",
    deps=[table.name for table in CATALOGUE_TABLES],
    **dump_asset_arguments(Layer.SERVING, layout.ICEBERG),
)
def iceberg_catalogue(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Register the tables of a dump."""
    from openlib_assets.lake.iceberg.registering import register_dump  # noqa: PLC0415 - as above

    began = time.monotonic()
    with said_in_one_line():
        place = _place(storage, context.asset_key)
        outcome = register_dump(storage.open(), place, context.partition_key)
    return dg.MaterializeResult(
        metadata={
            "catalogue": place.address,
            "tables": len(CATALOGUE_TABLES),
            "state": "registered" if outcome.is_new else "unchanged",
            "seconds": time.monotonic() - began,
        }
    )


def _place(storage: StorageResource, asset: dg.AssetKey) -> Place:
    """Return the catalogue that is named for tables of this storage."""
    settings = Settings.from_env()
    place = Place.of(settings)
    if place is None:
        raise IcebergError("OPENLIB_ICEBERG is not set in the process of this run, but was where the run was started")
    storage.require_own_root(settings, "OPENLIB_ICEBERG", asset)
    return place
