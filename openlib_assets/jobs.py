"""Jobs: the selections of assets that people run by name."""

import dagster as dg

ALL = "all_assets"
EXTRACT = "extract"
REBUILD = "rebuild_from_bronze"

_TAGS = {"team": "openlib"}

jobs = [
    dg.define_asset_job(
        ALL,
        selection=dg.AssetSelection.all(),
        description="Fetch a subject and make everything from it.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        EXTRACT,
        selection=dg.AssetSelection.assets("raw_works"),
        description="Fetch a subject into bronze, and no further.",
        tags=_TAGS,
    ),
    dg.define_asset_job(
        REBUILD,
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets("raw_works"),
        description="Make silver, gold and serving again from the bronze that is there; asks Open Library for nothing.",
        tags=_TAGS,
    ),
]
