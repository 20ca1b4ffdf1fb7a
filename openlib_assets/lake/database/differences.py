"""What a database lacks, and has too much: how the version of the warehouse that it holds differs from another."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from openlib_assets.lake.catalog.files import in_version
from openlib_assets.lake.catalog.querying import unreadable
from openlib_assets.lake.contract import Table
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage

_BATCH_ROWS = 16_384
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class Difference:
    """How many rows of a table are new or other than they were, and how many keys are gone."""

    table: Table
    changed: int
    gone: int


def differences(
    connection: duckdb.DuckDBPyConnection, storage: Storage, table: Table, before: Version, version: Version
) -> Difference:
    """Set aside in a connection how a table of two versions differs; raises CatalogError."""
    if before.digests[table.name] == version.digests[table.name]:
        return Difference(table, 0, 0)
    old, new = in_version(storage, before, table), in_version(storage, version, table)
    columns = ", ".join(column.name for column in table.columns)
    key = ", ".join(table.key)
    changed = f"SELECT {columns} FROM {new} EXCEPT SELECT {columns} FROM {old}"  # noqa: S608 - of the contract
    gone = f"SELECT {key} FROM {old} EXCEPT SELECT {key} FROM {new}"  # noqa: S608 - of the contract
    try:
        counts = [
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_{table.name} AS {query}").fetchall()[0][0]
            for name, query in (("changed", changed), ("gone", gone))
        ]
    except duckdb.Error as error:
        raise unreadable(error) from error
    return Difference(table, *counts)


def changed_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.RecordBatchReader:
    """Return the rows that are new or changed, as they were set aside."""
    return _read(connection, table, f"changed_{table.name}", [column.name for column in table.columns])


def gone_keys(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.RecordBatchReader:
    """Return the keys of rows that are gone, as they were set aside."""
    return _read(connection, table, f"gone_{table.name}", table.key)


def all_rows(
    connection: duckdb.DuckDBPyConnection, storage: Storage, table: Table, version: Version
) -> pa.RecordBatchReader:
    """Return all rows of a table; raises CatalogError where its file cannot be read."""
    try:
        return _read(connection, table, in_version(storage, version, table), [column.name for column in table.columns])
    except duckdb.Error as error:
        raise unreadable(error) from error


def _read(
    connection: duckdb.DuckDBPyConnection, table: Table, relation: str, columns: list[str] | tuple[str, ...]
) -> pa.RecordBatchReader:
    """Return rows as PostgreSQL takes them, whose texts cannot hold the character NUL."""
    types = {column.name: column.type for column in table.columns}
    listed = ", ".join(f"{_without_nul(column, types[column])} AS {column}" for column in columns)
    return connection.sql(f"SELECT {listed} FROM {relation}").to_arrow_reader(_BATCH_ROWS)  # noqa: S608 - of the contract


def _without_nul(column: str, kind: pa.DataType) -> str:
    if kind == pa.string():
        return f"replace({column}, chr(0), '{_REPLACEMENT}')"
    if kind == pa.list_(pa.string()):
        return f"list_transform({column}, lambda text: replace(text, chr(0), '{_REPLACEMENT}'))"
    return column
