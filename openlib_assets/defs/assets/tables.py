"""Silver and gold: every table that SQL makes from others; each is an asset, made from its description alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from duckdb import DuckDBPyConnection

from openlib_assets.defs.assets.common import SUBJECTS_AT_ONCE, keep_fresh, table_arguments
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.resources import StorageResource
from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs, put_out, said_in_one_line
from openlib_assets.defs.ui_metadata import markdown, table_metadata
from openlib_assets.lake import contract, layout
from openlib_assets.lake.bronze.snapshots import Snapshot, open_previous
from openlib_assets.lake.contract import RAW_WORKS, Table
from openlib_assets.lake.table_files import write_table
from openlib_assets.lake.transform import Built, Relation, built, is_of_files
from openlib_assets.storage import Storage

_TABLES = {table.name: table for table in contract.ALL_TABLES}


def table_asset(table: Table) -> dg.AssetsDefinition:
    """Return the asset of a table that SQL makes."""

    @dg.asset(
        **table_arguments(table),
        kinds={"sql", "duckdb", "parquet"},
        automation_condition=keep_fresh(table.optional),
        ins={name: dg.AssetIn(dagster_type=SubjectTables) for name in table.made_from},
    )
    def made(context: dg.AssetExecutionContext, storage: StorageResource, **inputs: SubjectTables) -> Iterator[Any]:
        with said_in_one_line():
            place = storage.open()
        path = partial(layout.table_file, table.layer, table.name)
        make = partial(make_table, place, table, inputs)
        outputs = SubjectOutputs(make, paths=lambda subject: [path(subject)], at_once=SUBJECTS_AT_ONCE)
        yield from put_out(context, outputs)

    return made


@contextmanager
def make_table(
    storage: Storage,
    table: Table,
    inputs: Mapping[str, SubjectTables],
    subject: str,
    *,
    more: Mapping[str, Relation] | None = None,
    prepare: Callable[[DuckDBPyConnection], object] | None = None,
    version: Callable[[Sequence[str]], str] = "".join,
    previewed: Sequence[str] = (),
) -> Iterator[SubjectOutput]:
    """Make a table of a subject from its inputs, unless a blocking check fails, and lend it to be written.

    `more` is what its SQL sees beside them, `prepare` lets a connection that knows all these know what else the SQL
    needs, and `version` makes the version of the data from the SHA-256 of the file. `previewed` are the columns that
    the UI shows of the first rows, if not all.
    """
    with ExitStack() as stack:
        datasets = {
            name: stack.enter_context(tables.open(subject))
            for name, tables in inputs.items()
            if name not in table.optional or tables.has(subject)
        }
        relations: dict[str, Relation] = {name: _TABLES[name] for name in table.optional}
        relations |= {**datasets, **(more or {})}
        if RAW_WORKS.name in datasets:
            relations["snapshot"] = Snapshot.of(datasets[RAW_WORKS.name]).row()
        previous = stack.enter_context(open_previous(storage, subject)) if table.looks_back else None
        before = {RAW_WORKS.name: previous, "snapshot": Snapshot.of(previous).row()} if previous else None
        try:
            result = stack.enter_context(built(table, relations, before, prepare))
        except duckdb.Error as error:
            # As where there is no snapshot before, if it is that one which is damaged.
            if not before or not is_of_files(error):
                raise
            result = stack.enter_context(built(table, relations, None, prepare))
        path = layout.table_file(table.layer, table.name, subject)

        def done(digests: Mapping[str, str]) -> Done:
            columns = previewed or table.schema.names
            preview = markdown(columns, result.preview.rows(columns))
            shown = table_metadata(result.rows, preview, storage.uri(path))
            return Done(shown, version([digests[path]]), result.outcomes)

        yield SubjectOutput({path: partial(_write, subject, result)}, done)


def _write(subject: str, result: Built, file: Path) -> None:
    write_table(file, result.batches(), result.table.schema, subject=subject)


rejected_works = table_asset(contract.REJECTED_WORKS)
books = table_asset(contract.BOOKS)
author_books = table_asset(contract.AUTHOR_BOOKS)
authors = table_asset(contract.AUTHORS)
possible_same_authors = table_asset(contract.POSSIBLE_SAME_AUTHORS)
possible_duplicate_books = table_asset(contract.POSSIBLE_DUPLICATE_BOOKS)
work_isbns = table_asset(contract.WORK_ISBNS)
work_details = table_asset(contract.WORK_DETAILS)
author_yearly_counts = table_asset(contract.AUTHOR_YEARLY_COUNTS)
author_averages = table_asset(contract.AUTHOR_AVERAGES)
subject_summary = table_asset(contract.SUBJECT_SUMMARY)
subject_changes = table_asset(contract.SUBJECT_CHANGES)
