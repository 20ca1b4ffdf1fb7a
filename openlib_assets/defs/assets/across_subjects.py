"""Serving, across all subjects: the catalog database and the page that compares them."""

import hashlib
from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb

from openlib_assets.defs.assets.common import OWNERS, layer_tags
from openlib_assets.defs.assets.each_subject import said_in_one_line
from openlib_assets.defs.resources import StorageResource
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import catalog, unreadable, write_catalog
from openlib_assets.lake.contract import ALL_TABLES, DERIVED_TABLES, Layer, Table
from openlib_assets.report.comparison import TABLES, comparison_html, comparison_numbers
from openlib_assets.storage import Storage

CATALOG = "catalog"
COMPARISON = "comparison"


def _keep_current() -> dg.AutomationCondition[Any]:
    updated = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated())
    return (
        updated.since_last_handled()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("keep_current")


def catalog_asset(place: str) -> dg.AssetsDefinition:
    """Give the asset `catalog`; `place` is the kind of storage."""

    def make(storage: Storage) -> tuple[str, str, dict[str, Any]]:
        version = write_catalog(storage)
        return layout.CATALOG, version, {"views": [table.name for table in ALL_TABLES]}

    description = "One DuckDB database with a view of each table over all subjects, `subject` first."
    return _asset(CATALOG, description, {"duckdb", place}, DERIVED_TABLES, make)


def comparison_asset(place: str) -> dg.AssetsDefinition:
    """Give the asset `comparison`; `place` is the kind of storage."""

    def make(storage: Storage) -> tuple[str, str, dict[str, Any]]:
        with catalog(storage, TABLES) as connection:
            try:
                numbers = comparison_numbers(connection)
            except duckdb.Error as error:  # a file that cannot be read, or is gone since
                raise unreadable(error) from error
        page = comparison_html(numbers).encode()
        with storage.writing(layout.COMPARISON) as file:
            file.write_bytes(page)
        return layout.COMPARISON, hashlib.sha256(page).hexdigest(), {"subjects": len(numbers["subjects"])}

    description = "One HTML page with all subjects side by side: size, growth, what they share, who bridges them."
    return _asset(COMPARISON, description, {"html", place}, TABLES, make)


def _asset(
    name: str,
    description: str,
    kinds: set[str],
    tables: tuple[Table, ...],
    make: Callable[[Storage], tuple[str, str, dict[str, Any]]],
) -> dg.AssetsDefinition:
    """Give an asset made by `make`, which gives its path, the version of its data, and more to show."""

    @dg.asset(
        name=name,
        description=description,
        group_name=str(Layer.SERVING),
        owners=OWNERS,
        kinds=kinds,
        code_version="1",
        tags=layer_tags(Layer.SERVING),
        deps=[table.name for table in tables],
        automation_condition=_keep_current(),
    )
    def across(storage: StorageResource) -> dg.MaterializeResult[None]:
        with said_in_one_line():
            bytes_ = storage.open()
            path, version, metadata = make(bytes_)
        return dg.MaterializeResult(
            metadata={"dagster/uri": bytes_.uri(path), **metadata}, data_version=dg.DataVersion(version)
        )

    return across
