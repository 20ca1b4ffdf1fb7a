"""The Dagster code location: assembles everything. Tests and the command line build it with a resource of their own."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from openlib_assets.defs.assets.across_subjects import catalog_asset, comparison_asset
from openlib_assets.defs.assets.bronze import raw_works_asset
from openlib_assets.defs.assets.derived import derived_asset
from openlib_assets.defs.assets.serving import subject_csv_asset, subject_report_asset
from openlib_assets.defs.io_manager import ParquetIOManager
from openlib_assets.defs.jobs import jobs
from openlib_assets.defs.resources import OpenLibrary, StorageResource
from openlib_assets.defs.schedules import schedules
from openlib_assets.defs.sensors import sensors
from openlib_assets.lake.contract import DERIVED_TABLES
from openlib_assets.settings import Settings
from openlib_assets.storage import storage_kind


def build_defs(settings: Settings | None = None, *, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assemble the code location by `settings` (default: the environment's), `resources` replacing its own by name."""
    settings = settings or Settings.from_env()
    place = storage_kind(settings.storage)
    storage = StorageResource(root=settings.storage)
    return dg.Definitions(
        assets=_assets(place),
        resources={
            "openlibrary": OpenLibrary().as_resource(),
            "storage": storage,
            "io_manager": ParquetIOManager(storage=storage),
            **(resources or {}),
        },
        jobs=jobs,
        sensors=sensors,
        schedules=schedules,
        # One subject costs seconds: a process for each step would cost more than the steps.
        executor=dg.in_process_executor,
    )


def _assets(place: str) -> list[dg.AssetsDefinition]:
    with warnings.catch_warnings():
        # Backfill policies are beta, partitioned checks a preview; the Dagster version is pinned for that reason too.
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            raw_works_asset(place),
            *(derived_asset(table, place) for table in DERIVED_TABLES),
            subject_csv_asset(place),
            subject_report_asset(place),
            catalog_asset(place),
            comparison_asset(place),
        ]


defs = build_defs()
