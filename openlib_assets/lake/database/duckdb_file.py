"""The warehouse as a file of DuckDB's, which programs open without any server."""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.catalog.files import in_version
from openlib_assets.lake.catalog.querying import prepared, unreadable
from openlib_assets.lake.contract import WAREHOUSE_TABLES, Table
from openlib_assets.lake.database import schema
from openlib_assets.lake.duckdb_storage import Option
from openlib_assets.lake.transform import connected, quoted
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage

_MEMORY_LIMIT = "400MB"
# An index is held in memory as a whole while it is made.
_MANY_ROWS = 3_000_000
_MEMORY_LIMIT_OF_MANY = "1GB"
# For so few rows, waking other threads costs more than they save, and most of the file would be empty blocks.
_SMALL_ROWS = 200_000
_FOR_SMALL: dict[str, Option] = {"threads": 1, "default_block_size": "16384"}
_MOST_TIMES = 3
_numbers = count()


@dataclass(frozen=True)
class Written:
    """The version that the file holds; `is_new`: it was written now, the file before held another one."""

    version: Version
    is_new: bool


def write_file(storage: Storage) -> Written:
    """Put the current version of the warehouse into the database file, unless it holds this one already.

    The file is written aside and put in place whole. Raises WarehouseError where there is no warehouse yet, and
    CatalogError where DuckDB cannot read it.
    """
    for again in range(_MOST_TIMES):
        version = versions.existing(storage)
        identity = _identity(version)
        if _held(storage) == identity:
            return Written(version, is_new=again > 0)
        with storage.writing(layout.WAREHOUSE_DATABASE) as file:
            mode = file.stat().st_mode
            file.unlink()  # DuckDB takes an empty file for a damaged one
            try:
                _write(storage, version, identity, file)
            except duckdb.Error as error:
                raise unreadable(error) from error
            file.chmod(mode)
        # Who was slow may have put an old version in the place of a new one, which nobody would write again.
        if versions.current(storage) == version:
            break
    return Written(version, is_new=True)


def _write(storage: Storage, version: Version, identity: str, file: Path) -> None:
    rows = sum(version.rows.values())
    small = rows < _SMALL_ROWS
    with tempfile.TemporaryDirectory(prefix="openlib-") as spill:
        config: dict[str, Option] = {
            "memory_limit": _MEMORY_LIMIT if rows < _MANY_ROWS else _MEMORY_LIMIT_OF_MANY,
            "temp_directory": spill,
            **(_FOR_SMALL if small else {}),
        }
        # DuckDB takes what follows a question mark in a path for none of it, and puts its log elsewhere.
        link = Path(spill) / "database"
        link.symlink_to(file.absolute())
        with duckdb.connect(link, config=config) as connection:
            prepared(connection, storage)
            if small:
                connection.begin()  # or each statement would be synced to the disk by itself
            for table in WAREHOUSE_TABLES:
                _fill(connection, table, in_version(storage, version, table))
                if not small:
                    connection.execute("CHECKPOINT")  # what an index takes until then, it takes in memory
            connection.execute(
                f"CREATE TABLE {schema.LOAD} (version VARCHAR, identity VARCHAR, loaded_at TIMESTAMPTZ); "  # noqa: S608 - quoted
                f"INSERT INTO {schema.LOAD} VALUES ({quoted(version.name)}, {quoted(identity)}, now())"
            )
            connection.execute(schema.merged_view())
            connection.execute("; ".join(schema.comments()))
            if small:
                connection.commit()


def _fill(connection: duckdb.DuckDBPyConnection, table: Table, rows: str) -> None:
    # Foreign keys, which nobody's writes could break here, take a third of the time; the contract's checks hold them.
    columns = f"{schema.typed_columns(schema.DUCKDB, table)}, {schema.primary_key(table)}"
    connection.execute(f"CREATE TABLE {table.name} ({columns})")
    connection.execute(f"INSERT INTO {table.name} BY NAME FROM {rows}")
    for statement in schema.indexes(schema.DUCKDB, table):
        connection.execute(statement)


def _held(storage: Storage) -> str | None:
    """Return the identity of what the file in the storage holds, None where there is none that can be read."""
    if not storage.exists(layout.WAREHOUSE_DATABASE):
        return None
    name = f"held_{next(_numbers)}"
    with connected({}, is_small=True) as connection, suppress(duckdb.Error):
        prepared(connection, storage)
        connection.execute(f"ATTACH {quoted(storage.uri(layout.WAREHOUSE_DATABASE))} AS {name} (READ_ONLY)")
        try:
            ((identity,),) = connection.execute(f"SELECT identity FROM {name}.{schema.LOAD}").fetchall()  # noqa: S608 - of here
        finally:
            connection.execute(f"DETACH {name}")
        return str(identity)
    return None


def _identity(version: Version) -> str:
    """Return what differs where the file would."""
    tables = (schema.typed_columns(schema.DUCKDB, table) for table in WAREHOUSE_TABLES)
    indexes = (statement for table in WAREHOUSE_TABLES for statement in schema.indexes(schema.DUCKDB, table))
    rest = (schema.merged_view(), *schema.comments())
    return schema.fingerprint((version.name, *version.digests.values(), *tables, *indexes, *rest))
