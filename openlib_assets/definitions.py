"""The Dagster code location: assembles everything. Tests and the command line build it with a resource of their own."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from openlib_assets.defs.addresses import located
from openlib_assets.defs.assets import ASSETS, ICEBERG_ASSETS
from openlib_assets.defs.io_manager import ParquetIOManager
from openlib_assets.defs.jobs import jobs
from openlib_assets.defs.resources import DumpsResource, OpenLibraryResource, storage_resource
from openlib_assets.defs.schedules import schedules
from openlib_assets.defs.sensors import sensors
from openlib_assets.settings import Settings

# What a subject fails in keeps only what is made from it from going on; the others' tables are made all the same.
GO_ON = {"step_dependency_config": {"require_upstream_step_success": False}}


def build_defs(settings: Settings | None = None, *, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assemble the code location by `settings` (default: the environment's), `resources` replacing its own by name."""
    settings = settings or Settings.from_env()
    storage = storage_resource(settings.storage)
    return dg.Definitions(
        assets=located([*ASSETS, *(ICEBERG_ASSETS if settings.iceberg else [])], settings),
        resources={
            "openlibrary": OpenLibraryResource.from_env(),
            "dumps": DumpsResource(),
            "storage": storage,
            "io_manager": ParquetIOManager(storage=storage),
            **(resources or {}),
        },
        jobs=jobs,
        sensors=sensors,
        schedules=schedules(settings),
        # One subject costs seconds: a process for each step would cost more than the steps.
        executor=dg.in_process_executor.configured(GO_ON),
    )


defs = build_defs()
