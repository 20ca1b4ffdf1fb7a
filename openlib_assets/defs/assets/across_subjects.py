"""Serving, across all subjects: the catalog database and the page that compares them."""

import hashlib
from collections.abc import Callable
from typing import Any

import dagster as dg

from openlib_assets.defs.asset_keys import asset_key
from openlib_assets.defs.assets.common import KEEP_CURRENT, OWNERS, address, layer_tags
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.ui_metadata import DEFINED, LEFT_OUT, URI_METADATA
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import ask, by_name, write_catalog
from openlib_assets.lake.catalog.views import PUBLISHED
from openlib_assets.lake.contract import DERIVED_TABLES, STORE_TABLES, WAREHOUSE_TABLES, Layer, Table
from openlib_assets.lake.warehouse.versions import of_current
from openlib_assets.report.comparison import TABLES, comparison_html, comparison_numbers
from openlib_assets.storage import Storage


def _across(
    tables: tuple[Table, ...], kind: str, path: str, description: str, *, code_version: str
) -> Callable[[Callable[..., dg.MaterializeResult[None]]], dg.AssetsDefinition]:
    """Return the decorator of an asset across all subjects, which is made of some tables."""
    return dg.asset(
        description=f"{description} {DEFINED}",
        group_name=str(Layer.SERVING),
        owners=OWNERS,
        kinds={kind},
        code_version=code_version,
        metadata=address(path),
        tags=layer_tags(Layer.SERVING),
        deps=[asset_key(table) for table in tables],
        automation_condition=KEEP_CURRENT,
    )


# Not of the catalogue's tables: where no dump is built, Dagster would ask whoever launches a run whether they are sure.
@_across(
    (*DERIVED_TABLES, *STORE_TABLES, *WAREHOUSE_TABLES),
    "duckdb",
    layout.CATALOG,
    "One DuckDB database with a view of each table of the warehouse and, in the schema `by_subject`, of each table of "
    "the subjects, for tools that speak SQL; also of those of the whole catalogue, where a dump is built.",
    code_version="5",
)
def catalog(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Make the database of views."""
    with said_in_one_line():
        place = storage.open()
        version, left_out = write_catalog(place)
    metadata: dict[str, Any] = {URI_METADATA: place.uri(layout.CATALOG), "views": list(PUBLISHED)}
    return dg.MaterializeResult(metadata=metadata | _told(context, left_out), data_version=dg.DataVersion(version))


@_across(
    TABLES,
    "report",
    layout.COMPARISON,
    "One HTML page with all subjects side by side: size, growth, what they share, what to fetch next.",
    code_version="4",
)
def comparison(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Make the page that compares all subjects."""
    with said_in_one_line():
        place = storage.open()
        version, subjects, left_out = of_current(place, lambda: _write_comparison(place))
    metadata: dict[str, Any] = {URI_METADATA: place.uri(layout.COMPARISON), "subjects": subjects}
    return dg.MaterializeResult(metadata=metadata | _told(context, left_out), data_version=dg.DataVersion(version))


def _write_comparison(place: Storage) -> tuple[str, int, list[str]]:
    """Write the page; return its SHA-256, how many subjects it has, and what is left out."""
    numbers, left_out = ask(place, by_name(TABLES), comparison_numbers)
    page = comparison_html(numbers).encode()
    with place.writing(layout.COMPARISON) as file:
        file.write_bytes(page)
    return hashlib.sha256(page).hexdigest(), len(numbers["subjects"]), left_out


def _told(context: dg.AssetExecutionContext, left_out: list[str]) -> dict[str, list[str]]:
    """Warn of the files that had to be left out, a line for each, and return these as metadata."""
    for line in left_out:
        context.log.warning(line)
    return {LEFT_OUT: left_out} if left_out else {}
