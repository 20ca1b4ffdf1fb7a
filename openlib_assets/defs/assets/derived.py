"""Silver and gold: every table that SQL makes from others, by one rule."""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from typing import Any

import dagster as dg

from openlib_assets.defs.assets.common import KEEP_FRESH, common_arguments, locked
from openlib_assets.defs.assets.each_subject import Done, materialize_each, said_in_one_line
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.ui_metadata import table_metadata
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, open_previous
from openlib_assets.lake.contract import RAW_WORKS, Table
from openlib_assets.lake.table_files import file_digest, write_table
from openlib_assets.lake.transform import Relation, built
from openlib_assets.storage import Storage


def derived_asset(table: Table, place: str) -> dg.AssetsDefinition:
    """Give the asset of a table that SQL makes; `place` is the kind of storage."""

    @dg.asset(
        **common_arguments(table, {"sql", "duckdb", "parquet", place}),
        automation_condition=KEEP_FRESH,
        ins={name: dg.AssetIn(dagster_type=SubjectTables) for name in table.made_from},
    )
    def derived(context: dg.AssetExecutionContext, storage: StorageResource, **inputs: SubjectTables) -> Iterator[Any]:
        with said_in_one_line():
            bytes_ = storage.open()
        yield from materialize_each(context, lambda subject: nullcontext(make_table(bytes_, table, subject, inputs)))

    return derived


def make_table(storage: Storage, table: Table, subject: str, inputs: dict[str, SubjectTables]) -> Done:
    """Make a table of a subject from its inputs and put it in its place, unless a blocking check fails.

    Nobody else fetches the subject or makes a table of it meanwhile: what it is made from stays as it is.
    """
    with ExitStack() as stack:
        stack.enter_context(locked(storage, subject))
        datasets = {name: stack.enter_context(tables.open(subject)) for name, tables in inputs.items()}
        relations: dict[str, Relation] = dict(datasets)
        if RAW_WORKS.name in datasets:
            relations["snapshot"] = Snapshot.of(datasets[RAW_WORKS.name]).relation()
        previous = stack.enter_context(open_previous(storage, subject)) if table.looks_back else None
        before = {RAW_WORKS.name: previous, "snapshot": Snapshot.of(previous).relation()} if previous else None
        result = stack.enter_context(built(table, relations, before))
        path = layout.table_file(table.layer, table.name, subject)
        with storage.writing(path) as file:
            rows = write_table(file, result.batches(), table.schema)
            version = file_digest(file)
        return Done(table_metadata(rows, result.preview(), storage.uri(path)), version, result.outcomes)
