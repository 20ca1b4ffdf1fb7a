"""All subjects' tables together: views in DuckDB that read the files in the storage, `subject` first.

`ask` runs a query over the views, `catalog` lends a connection with them, `write_catalog` puts them into a database
file for other programs. `ask` and `write_catalog` leave tables of another schema version out, and name them.
"""

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.catalog_files import Known, address, in_path, known_by_name, quoted, remedy
from openlib_assets.lake.contract import ALL_TABLES, SQL_TYPES, Table
from openlib_assets.lake.duckdb_storage import prepare
from openlib_assets.lake.table_files import VERSION_KEY, wrong_version
from openlib_assets.lake.transform import connected
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.errors import OpenlibError

_TABLE_FILE = re.compile(rf"(?:/|s3://)(?:.*/{layout.PARTITION}[^/]+/.*?|.*/)part-0\.parquet")
_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException)


class CatalogError(OpenlibError):
    """DuckDB cannot read the tables in the storage; the text says why."""


Answer = TypeVar("Answer")


def ask(
    storage: Storage, tables: Sequence[Table], query: Callable[[duckdb.DuckDBPyConnection], Answer]
) -> tuple[Answer, list[str]]:
    """Return what a query over tables of all subjects gives, and a line for all that had to be left out.

    Raises CatalogError where a file cannot be read, and DuckDB's errors where the query is wrong.
    """
    known = _known(storage, tables)
    try:
        with catalog(storage, tables, known) as connection:
            return query(connection), known.left_out()
    except (CatalogError, duckdb.ConversionException, *_UNREADABLE) as error:  # files with other columns or types
        known = replace(known, outdated=_outdated(storage, tables))
        if not known.outdated:
            raise unreadable(error) if isinstance(error, _UNREADABLE) else error from error
    with catalog(storage, tables, known) as connection:
        try:
            return query(connection), known.left_out()
        except _UNREADABLE as error:
            raise unreadable(error) from error


@contextmanager
def catalog(
    storage: Storage, tables: Sequence[Table], known: Known | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection with a view of each of the tables over every subject there is."""
    known = known or known_by_name(storage, tables)
    with connected({}) as connection:
        _prepare(connection, storage)
        for table in tables:
            _create_view(connection, storage, table, known, temporary=True)
        yield connection


def write_catalog(storage: Storage) -> tuple[str, list[str]]:
    """Write the database file with a view of every table; return the SHA-256 of the views, and what is left out.

    A file with the same views is left as it is. The views hold addresses and nothing secret: who opens the file on S3
    brings credentials of their own.
    """
    known = _known(storage, ALL_TABLES)
    try:
        return _written(storage, known), known.left_out()
    except CatalogError:
        known = replace(known, outdated=_outdated(storage, ALL_TABLES))
        if not known.outdated:
            raise
    return _written(storage, known), known.left_out()


def _written(storage: Storage, known: Known) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / layout.CATALOG
        with duckdb.connect(file) as connection:
            _prepare(connection, storage)
            for table in ALL_TABLES:
                _create_view(connection, storage, table, known)
            connection.begin()  # or each of some hundred comments would be synced to the disk by itself
            for table in ALL_TABLES:
                _comment(connection, table)
            connection.commit()
        definitions = _definitions(file)
        if definitions != _published_definitions(storage):
            storage.write(layout.CATALOG, file.read_bytes())
    return hashlib.sha256(repr(definitions).encode()).hexdigest()


def unreadable(error: duckdb.Error) -> CatalogError:
    """Return an error that says in one line what DuckDB could not read and, for a table, how to make it again."""
    line = str(error).strip().splitlines()[0]  # the rest draws the place in the SQL
    table = _TABLE_FILE.search(line)
    return CatalogError(f"{table[0]}: not a readable Parquet file; {remedy(table[0])}" if table else line)


def _known(storage: Storage, tables: Sequence[Table]) -> Known:
    """Return what is known of the files of tables; raises TableFileError where no file tells a subject's key."""
    known = known_by_name(storage, tables)
    # On S3 each file costs a request or two: there versions are looked at where something does not fit, not before.
    if storage.kind == LocalStorage.kind:
        with suppress(CatalogError):  # a damaged file is told of by whoever reads its rows
            return replace(known, outdated=_outdated(storage, tables))
    return known


def _outdated(storage: Storage, tables: Sequence[Table]) -> dict[str, str]:
    """Return the files of tables that were written with another schema version; raises CatalogError."""
    found: dict[str, str] = {}
    with connected({}) as connection:
        _prepare(connection, storage)
        for table in tables:
            try:
                versions = connection.execute(_other_versions(storage, table)).fetchall()
            except duckdb.Error as error:
                if "No files found" not in str(error):
                    raise unreadable(error) from error
                continue
            found |= {
                file: f"{wrong_version(file, version, table.readable_versions)}; left out: {remedy(file)}"
                for file, version in versions
            }
    return found


def _other_versions(storage: Storage, table: Table) -> str:
    """Return the query for the files of a table that were written with another schema version, and which."""
    # Not with parameters (arrow_values.py).
    return f"""
        SELECT file_name, max(decode(value)) FILTER (decode(key) = {quoted(VERSION_KEY)}) AS version
        FROM parquet_kv_metadata({quoted(address(storage, table))})
        GROUP BY file_name
        HAVING coalesce(version, '') NOT IN ({", ".join(quoted(str(version)) for version in table.readable_versions)})
        ORDER BY file_name
    """  # noqa: S608 - quoted


def _create_view(
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    table: Table,
    known: Known,
    *,
    temporary: bool = False,
) -> None:
    """Create the view of a table; it has no rows where no subject has the table yet."""
    told = [f"{text} AS {name}" for name, text in in_path(table, known.keys).items()]
    columns = ", ".join((*told, *(column.name for column in table.columns)))
    create = f"CREATE {'TEMP ' if temporary else ''}VIEW {table.name} AS SELECT"
    try:
        files = _files(connection, storage, table, known)
        connection.execute(f"{create} {columns} FROM {files}" if files else f"{create} {_no_rows(table)}")
    except duckdb.Error as error:
        if "No files found" not in str(error):
            raise unreadable(error) from error
        connection.execute(f"{create} {_no_rows(table)}")


def _no_rows(table: Table) -> str:
    typed = [f"NULL::VARCHAR AS {name}" for name in in_path(table, {})]
    typed += [f"NULL::{SQL_TYPES[column.type]} AS {column.name}" for column in table.columns]
    return f"{', '.join(typed)} WHERE false"


def _files(connection: duckdb.DuckDBPyConnection, storage: Storage, table: Table, known: Known) -> str:
    """Return the SQL for the files of a table of all subjects, each with its name; empty if none is left."""
    files = quoted(address(storage, table))
    if known.left_out():
        found = connection.execute(f"SELECT file FROM glob({files}) ORDER BY ALL").fetchall()  # noqa: S608 - quoted
        kept = known.kept([file for (file,) in found])
        if not kept:
            return ""
        if len(kept) < len(found):
            files = f"[{', '.join(quoted(file) for file in kept)}]"
    return f"read_parquet({files}, hive_partitioning = false, filename = true)"


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(f"COMMENT ON VIEW {table.name} IS {quoted(table.description)}")
    for column in table.columns:
        connection.execute(f"COMMENT ON COLUMN {table.name}.{column.name} IS {quoted(column.description)}")


def _definitions(file: Path) -> list[tuple[str, ...]]:
    """Return all that a database file defines."""
    with duckdb.connect(file, read_only=True) as connection:
        views = connection.sql("SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1")
        return views.fetchall()


def _published_definitions(storage: Storage) -> list[tuple[str, ...]] | None:
    if not storage.exists(layout.CATALOG):
        return None
    with storage.local_copy(layout.CATALOG) as file, contextlib.suppress(duckdb.Error):
        return _definitions(file)
    return None


def _prepare(connection: duckdb.DuckDBPyConnection, storage: Storage) -> None:
    try:
        prepare(connection, storage)
    except duckdb.Error as error:
        raise CatalogError(f"{storage.uri()}: DuckDB cannot read from it: {unreadable(error)}") from error
