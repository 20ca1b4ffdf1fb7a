"""Serving, across all subjects: the catalog database and the page that compares them."""

import hashlib
from collections.abc import Callable
from typing import Any

import dagster as dg

from openlib_assets.defs.assets.common import KEEP_CURRENT, OWNERS, address, layer_tags
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.outputs import said_in_one_line
from openlib_assets.defs.ui_metadata import DEFINED, URI_METADATA
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import ask, write_catalog
from openlib_assets.lake.contract import ALL_TABLES, DERIVED_TABLES, STORE_TABLES, Layer, Table
from openlib_assets.report.comparison import TABLES, comparison_html, comparison_numbers


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
        deps=[table.name for table in tables],
        automation_condition=KEEP_CURRENT,
    )


@_across(
    (*DERIVED_TABLES, *STORE_TABLES),
    "duckdb",
    layout.CATALOG,
    "One DuckDB database with a view of each table over all subjects, `subject` first, for tools that speak SQL.",
    code_version="1",
)
def catalog(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Make the database of views."""
    with said_in_one_line():
        place = storage.open()
        version, left_out = write_catalog(place)
    _warn(context, left_out)
    metadata: dict[str, Any] = {URI_METADATA: place.uri(layout.CATALOG), "views": [table.name for table in ALL_TABLES]}
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(version))


@_across(
    TABLES,
    "report",
    layout.COMPARISON,
    "One HTML page with all subjects side by side: size, growth, what they share, who bridges them.",
    code_version="2",
)
def comparison(context: dg.AssetExecutionContext, storage: StorageResource) -> dg.MaterializeResult[None]:
    """Make the page that compares all subjects."""
    with said_in_one_line():
        place = storage.open()
        numbers, left_out = ask(place, TABLES, comparison_numbers)
        page = comparison_html(numbers).encode()
        with place.writing(layout.COMPARISON) as file:
            file.write_bytes(page)
    _warn(context, left_out)
    return dg.MaterializeResult(
        metadata={URI_METADATA: place.uri(layout.COMPARISON), "subjects": len(numbers["subjects"])},
        data_version=dg.DataVersion(hashlib.sha256(page).hexdigest()),
    )


def _warn(context: dg.AssetExecutionContext, left_out: list[str]) -> None:
    for line in left_out:
        context.log.warning(line)
