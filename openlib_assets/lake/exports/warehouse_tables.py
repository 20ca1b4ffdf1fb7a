"""Tables of the warehouse as files for people: CSV, Excel, Parquet; read piece by piece, whatever their size."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from openlib_assets.lake.catalog.querying import catalog, unreadable
from openlib_assets.lake.catalog.views import WORKS_MERGED
from openlib_assets.lake.contract import STOCKING_LIST, WAREHOUSE_STOCKING_LIST, WAREHOUSE_TABLES, WORKS, Column, Table
from openlib_assets.lake.contract.columns import WHOLE
from openlib_assets.lake.exports.csv_files import write_csv_file
from openlib_assets.lake.exports.sheets import write_sheet
from openlib_assets.lake.table_files import TableFile, open_table, table_file, write_table
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.versions import Version, WarehouseError
from openlib_assets.storage import Storage

_BATCH_ROWS = 8_192
_REMEDY = "make it with: openlib warehouse"
MERGED = replace(
    WORKS,
    name=WORKS_MERGED,
    grain="a work into which those are merged that are likely the same book",
    columns=(*WORKS.columns, Column("merged_works", WHOLE, "How many works it stands for, itself among them.")),
)
EXPORTED = {table.name: table for table in (*WAREHOUSE_TABLES, MERGED)}


def write_exported(file: Path, storage: Storage, table: Table, *, ending: str, excel_safe: bool = False) -> list[str]:
    """Write a table of the current version of the warehouse, in the format that an ending of `ENDINGS` names.

    Returns a line for each thing that the format could not take as it is. Raises WarehouseError, TableFileError, and
    TooManyRowsError for a sheet.
    """
    with _rows(storage, table) as rows:
        if ending == ".csv":
            write_csv_file(file, table, rows, excel_safe=excel_safe)
            return []
        return _WRITERS[ending](file, table, rows)


def _copied(file: Path, _: Table, rows: TableFile) -> list[str]:
    shutil.copyfile(rows.file, file)
    return []


_WRITERS: dict[str, Callable[[Path, Table, TableFile], list[str]]] = {".xlsx": write_sheet, ".parquet": _copied}
ENDINGS = (".csv", *_WRITERS)


@contextmanager
def _rows(storage: Storage, table: Table) -> Iterator[TableFile]:
    """Lend the rows of a table of the warehouse as they are in its current version."""
    version = versions.current(storage)
    if version is None:
        raise WarehouseError(f"{storage.uri()}: there is no warehouse yet; make it with: openlib run SUBJECT")
    with _merged(storage) if table is MERGED else _published(storage, version, table) as rows:
        yield rows


@contextmanager
def _published(storage: Storage, version: Version, table: Table) -> Iterator[TableFile]:
    path = version.file(table.name)
    with open_table(storage, path, remedy=_REMEDY, versions=table.readable_versions) as rows:
        yield rows


@contextmanager
def _merged(storage: Storage) -> Iterator[TableFile]:
    """Lend what the view of merged works shows, which no file has."""
    needed = {WORKS.name: WORKS, STOCKING_LIST.name: WAREHOUSE_STOCKING_LIST}
    with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
        file = Path(folder) / "rows.parquet"
        with catalog(storage, needed) as connection:
            try:
                write_table(file, _in_order(connection), MERGED.schema)
            except duckdb.Error as error:
                raise unreadable(error) from error
        yield table_file(file)


def _in_order(connection: duckdb.DuckDBPyConnection) -> Iterator[object]:
    yield from connection.sql(f"FROM {WORKS_MERGED} ORDER BY work_key").to_arrow_reader(_BATCH_ROWS)
