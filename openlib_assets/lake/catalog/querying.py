"""Queries over views of tables, of which those with another schema version are left out, and named."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TypeVar

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.catalog.files import Known, address, known_by_name, remedy
from openlib_assets.lake.catalog.views import BY_SUBJECT, MERGED_FROM, WORKS_MERGED, files_of, rows_of
from openlib_assets.lake.contract import Layer, Table
from openlib_assets.lake.duckdb_storage import interruptibly, prepare
from openlib_assets.lake.table_files import VERSION_KEY, wrong_version
from openlib_assets.lake.transform import connected, quoted, sql_text
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.errors import OpenlibError, first_line

_TABLE_FILE = re.compile(rf"(?:/|s3://)(?:.*/{layout.PARTITION}[^/]+/.*?|.*/)part-0\.parquet")
_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException)
_numbers = count()


class CatalogError(OpenlibError):
    """DuckDB cannot read the tables in the storage; the text says why."""


Answer = TypeVar("Answer")


def ask(
    storage: Storage, views: Mapping[str, Table], query: Callable[[duckdb.DuckDBPyConnection], Answer]
) -> tuple[Answer, list[str]]:
    """Return what a query over views of tables gives, and a line for all that had to be left out.

    Raises CatalogError where a file cannot be read, and DuckDB's errors where the query is wrong.
    """
    tables = list(views.values())
    known = known_files(storage, tables)

    def asked() -> tuple[Answer, list[str]]:
        with catalog(storage, views, known) as connection, _blamed(storage, views):
            return interruptibly(connection, partial(query, connection)), known.left_out()

    try:
        return asked()
    except (CatalogError, duckdb.ConversionException):  # files with other columns or types
        known = replace(known, outdated=outdated_files(storage, tables))
        if not known.outdated:
            raise
    return asked()


@contextmanager
def _blamed(storage: Storage, views: Mapping[str, Table]) -> Iterator[None]:
    """Raise CatalogError where a file of views or the machine is at fault; what a query is at fault for stays."""
    try:
        yield
    except duckdb.Error as error:
        if type(error) is duckdb.Error and views:  # of a damaged page, which is all that is known
            raise CatalogError(
                f"{storage.uri()}: {first_line(error)}; if a file of {', '.join(views)} is damaged, remove it, "
                "and make it again with: openlib run SUBJECT, or: openlib warehouse"
            ) from error
        if isinstance(error, _UNREADABLE) and not _is_of_query(storage, error):
            raise unreadable(error) from error
        raise


def _is_of_query(storage: Storage, error: duckdb.Error) -> bool:
    """Tell whether what DuckDB could not read is a text, or a file that a query names, and no file of a storage."""
    is_of_text = isinstance(error, duckdb.InvalidInputException) or "No files found" in str(error)
    return is_of_text and storage.uri() not in str(error)


@contextmanager
def catalog(
    storage: Storage, views: Mapping[str, Table], known: Known | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection with views of tables, by their names; each is over every subject there is."""
    known = known or known_by_name(storage, list(views.values()))
    in_schemas = any("." in name for name in views)
    version = version_of(storage, views)
    with connected({}, is_small=_is_small(views, version)) as connection:
        prepared(connection, storage)
        with _database(connection) if in_schemas else nullcontext():
            create_views(connection, storage, views, known, version, temporary=not in_schemas)
            yield connection


def version_of(storage: Storage, views: Mapping[str, Table]) -> Version | None:
    """Return the version of the warehouse that views of tables show, None if none of them is of it."""
    of_it = any(table.layer is Layer.WAREHOUSE for table in views.values())
    return versions.current(storage) if of_it else None


def _is_small(views: Mapping[str, Table], version: Version | None) -> bool:
    """Tell whether it is known that the tables are small; those of the subjects are about as large as the warehouse."""
    return bool(version and version.is_small) and not any(table.by_dump for table in views.values())


@contextmanager
def _database(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let a connection create views in a database of its own: DuckDB's temporary one has no schemas."""
    name = f"catalog_{next(_numbers)}"
    connection.execute(f"ATTACH ':memory:' AS {name}")
    try:
        connection.execute(f"SET search_path = '{name}.main,memory.main'; CREATE SCHEMA {name}.{BY_SUBJECT}")
        yield
    finally:
        connection.execute(f"SET search_path = 'memory.main'; DETACH {name}")


def create_views(
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    views: Mapping[str, Table],
    known: Known,
    version: Version | None,
    *,
    temporary: bool = False,
) -> None:
    """Create views of tables, and `works_merged` where both its tables are among them.

    `version` is that of the warehouse.

    A view has no rows where nobody has the table yet. Raises CatalogError.
    """
    create = f"CREATE {'TEMP ' if temporary else ''}VIEW"
    for name, table in views.items():
        try:
            files = files_of(connection, storage, table, known, version)
            connection.execute(f"{create} {name} AS {rows_of(table, files, known)}")
        except duckdb.Error as error:
            if "No files found" not in str(error):
                raise unreadable(error) from error
            connection.execute(f"{create} {name} AS {rows_of(table, '', known)}")
    if views.keys() >= MERGED_FROM:
        connection.execute(f"{create} {WORKS_MERGED} AS {sql_text(f'warehouse/{WORKS_MERGED}')}")


def unreadable(error: duckdb.Error) -> CatalogError:
    """Return an error that says in one line what DuckDB could not read and, for a table, how to make it again."""
    line = first_line(error)  # the rest draws the place in the SQL
    table = _TABLE_FILE.search(line)
    return CatalogError(f"{table[0]}: not a readable Parquet file; {remedy(table[0])}" if table else line)


def known_files(storage: Storage, tables: Sequence[Table]) -> Known:
    """Return what is known of the files of tables; raises TableFileError where no file tells a subject's key."""
    known = known_by_name(storage, tables)
    # On S3 each file costs a request or two: there versions are looked at where something does not fit, not before.
    if storage.kind == LocalStorage.kind:
        with suppress(CatalogError):  # a damaged file is told of by whoever reads its rows
            return replace(known, outdated=outdated_files(storage, tables))
    return known


def outdated_files(storage: Storage, tables: Sequence[Table]) -> dict[str, str]:
    """Return the files of tables that were written with another schema version; raises CatalogError."""
    found: dict[str, str] = {}
    with connected({}, is_small=True) as connection:  # only the ends of the files are read
        prepared(connection, storage)
        for table in dict.fromkeys(tables):
            # The warehouse and the lake of a dump are made anew where their version is another one.
            if table.layer is Layer.WAREHOUSE or table.by_dump:
                continue
            try:
                versions_of_files = connection.execute(_other_versions(storage, table)).fetchall()
            except duckdb.Error as error:
                if "No files found" not in str(error):
                    raise unreadable(error) from error
                continue
            found |= {
                file: f"{wrong_version(file, version, table.readable_versions)}; left out: {remedy(file)}"
                for file, version in versions_of_files
            }
    return found


def prepared(connection: duckdb.DuckDBPyConnection, storage: Storage) -> None:
    """Let a connection read below the root of a storage; raises CatalogError."""
    try:
        prepare(connection, storage)
    except duckdb.Error as error:
        raise CatalogError(f"{storage.uri()}: DuckDB cannot read from it: {unreadable(error)}") from error


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
