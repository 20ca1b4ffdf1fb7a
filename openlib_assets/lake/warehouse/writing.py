"""The tables of the next version as files: written, checked as they are written, and in their places if all is well."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.contract import WAREHOUSE_TABLES, Table
from openlib_assets.lake.preview import Preview
from openlib_assets.lake.table_files import file_digest, write_table
from openlib_assets.lake.transform import CheckOutcome, run_checks
from openlib_assets.lake.warehouse import rows
from openlib_assets.storage import LockCheck, Storage


@dataclass(frozen=True)
class Made:
    """A table of a version just made."""

    table: Table
    rows: int
    bytes: int
    digest: str
    preview: Sequence[tuple[Any, ...]]
    outcomes: Sequence[CheckOutcome] = ()


def written(
    connection: duckdb.DuckDBPyConnection, storage: Storage, version: str, kept: Mapping[str, Path], check: LockCheck
) -> dict[str, Made]:
    """Write all tables of a version, and return them by name; `kept`: the files in which those rows lie that stay.

    Raises CheckFailedError where a blocking check fails, and puts no file in its place then.
    """
    with ExitStack() as places:
        made, files = {}, {}
        for table in WAREHOUSE_TABLES:
            file = places.enter_context(storage.writing(layout.warehouse_file(version, table.name)))
            made[table.name] = _written(file, table, rows.in_order(connection, table, kept.get(table.name)))
            files[table.name] = file
        rows.show_files(connection, files)
        rows.make_gone(connection)
        for name, one in made.items():
            checks = one.table.checks_of_change if kept else one.table.all_checks
            made[name] = replace(one, outcomes=run_checks(connection, one.table, checks))
        check()
    return made


def _written(file: Path, table: Table, batches: Iterable[pa.RecordBatch]) -> Made:
    preview = Preview()
    count = write_table(file, preview.noticed(batches), table.schema)
    return Made(table, count, file.stat().st_size, file_digest(file), preview.rows())
