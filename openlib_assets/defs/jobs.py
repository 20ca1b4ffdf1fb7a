"""Jobs: the selections of assets that people run by name."""

import dagster as dg

from openlib_assets.defs.assets import (
    catalog,
    comparison,
    database,
    order_list,
    raw_details,
    raw_works,
    store_catalogue,
    store_matches,
    warehouse,
)
from openlib_assets.defs.assets.dumps import GROUP

ALL = "all_assets"
EXTRACT = "extract"
REBUILD = "rebuild_from_bronze"
ACROSS = "across_subjects"
STORE = "read_store_catalogue"
BUILD_DUMP = "build_dump"

_TAGS = {"team": "openlib"}
# On AWS, where other runs have less of all: what the build of a whole dump takes (docs/dumps.md), with room to spare.
_TASK_OF_A_DUMP = {"ecs/cpu": "2048", "ecs/memory": "8192", "ecs/ephemeral_storage": "100"}

# Once for all subjects, not once for each.
_ACROSS = dg.AssetSelection.assets(store_matches, warehouse, catalog, comparison, database)
_STORE = dg.AssetSelection.assets(store_catalogue)
_DUMPS = dg.AssetSelection.groups(GROUP)
_ASKED = dg.AssetSelection.assets(raw_works, raw_details)

jobs = [
    dg.define_asset_job(
        ALL,
        selection=dg.AssetSelection.all() - _DUMPS - _ACROSS - _STORE,
        description="Fetch a subject and make everything from it.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        EXTRACT,
        selection=_ASKED,
        description="Fetch a subject into bronze, and make nothing from it.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        REBUILD,
        selection=dg.AssetSelection.all() - _DUMPS - _ACROSS - _STORE - _ASKED - dg.AssetSelection.assets(order_list),
        description="Make silver, gold and serving again from the current snapshots, without requests to Open Library.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        ACROSS,
        selection=_ACROSS,
        description="Match the store's books, and make warehouse, catalog, comparison and database again.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        STORE,
        selection=_STORE,
        description="Read the file of what the store sells.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        BUILD_DUMP,
        selection=_DUMPS,
        description="Fetch a monthly dump and make the tables of the whole catalogue from it.",
        tags=_TAGS | _TASK_OF_A_DUMP,
    ),
]
