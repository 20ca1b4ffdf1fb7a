"""All subjects' tables side by side: views in DuckDB that read the files where they lie, `subject` first.

`catalog` lends a connection with the views, `write_catalog` puts them into a database file for other programs.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.contract import ALL_TABLES, RAW_WORKS, SQL_TYPES, Table
from openlib_assets.lake.transform import connected, literal_path
from openlib_assets.openlibrary.subject_keys import decoded_key
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.errors import OpenlibError

_TABLE_FILE = re.compile(r"(?:/|s3://).*/subject=(?P<subject>[^/]+)/.*?part-0\.parquet")


class CatalogError(OpenlibError):
    """The tables cannot be read by DuckDB where they lie; the text says why."""


@contextmanager
def catalog(storage: Storage, tables: Sequence[Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection with a view of each of the tables over every subject there is."""
    with connected({}) as connection:
        _prepare(connection, storage)
        for table in tables:
            _create_view(connection, storage, table, temporary=True)
        yield connection


def write_catalog(storage: Storage) -> str:
    """Write the database file with a view of every table, and return the SHA-256 of the views.

    A file with the same views is left as it is. The views hold addresses and nothing secret: who opens the file on S3
    brings credentials of their own.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / layout.CATALOG
        with duckdb.connect(file) as connection:
            _prepare(connection, storage)
            for table in ALL_TABLES:
                _create_view(connection, storage, table)
                _comment(connection, table)
        says = _says(file)
        if says != _says_now(storage):
            storage.write(layout.CATALOG, file.read_bytes())
    return hashlib.sha256(repr(says).encode()).hexdigest()


def unreadable(error: duckdb.Error) -> CatalogError:
    """Say in one line what DuckDB could not read, and what makes it again where it is a table."""
    line = str(error).strip().splitlines()[0]  # the rest draws the place in the SQL
    table = _TABLE_FILE.search(line)
    if not table:
        return CatalogError(line)
    remedy = "fetch it with: openlib run --force" if f"/{RAW_WORKS.name}/" in line else "make it with: openlib run"
    return CatalogError(f"{table[0]}: not a readable Parquet file; {remedy} {decoded_key(table['subject'])!r}")


def _create_view(
    connection: duckdb.DuckDBPyConnection, storage: Storage, table: Table, *, temporary: bool = False
) -> None:
    """Create the view of a table; it has no rows where no subject has the table yet."""
    columns = ", ".join((*_folders(table), *(column.name for column in table.columns)))
    create = f"CREATE {'TEMP ' if temporary else ''}VIEW {table.name} AS SELECT"
    try:
        connection.execute(f"{create} {columns} FROM {_files(storage, table)}")
    except duckdb.Error as error:
        if "No files found" not in str(error):
            raise unreadable(error) from error
        typed = [f"NULL::VARCHAR AS {name}" for name in _folders(table)]
        typed += [f"NULL::{SQL_TYPES[column.type]} AS {column.name}" for column in table.columns]
        connection.execute(f"{create} {', '.join(typed)} WHERE false")


def _folders(table: Table) -> tuple[str, ...]:
    """Return the columns that stand in the path only; raw works have all snapshots."""
    return ("subject", "snapshot") if table is RAW_WORKS else ("subject",)


def _files(storage: Storage, table: Table) -> str:
    """Return the SQL for the files of a table of all subjects, what is in the path as text."""
    below = "/".join(f"{name}=*" for name in _folders(table))
    address = f"{literal_path(storage.uri())}/{table.layer}/{table.name}/{below}/part-0.parquet".replace("'", "''")
    types = ", ".join(f"'{name}': VARCHAR" for name in _folders(table))
    return f"read_parquet('{address}', hive_partitioning = true, hive_types = {{{types}}})"


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    connection.execute(f"COMMENT ON VIEW {table.name} IS {quoted(f'One row is {table.grain}.')}")
    for column in table.columns:
        connection.execute(f"COMMENT ON COLUMN {table.name}.{column.name} IS {quoted(column.description)}")


def _says(file: Path) -> list[tuple[str, ...]]:
    """Return all that a database file defines."""
    with duckdb.connect(file, read_only=True) as connection:
        views = connection.sql("SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1")
        return views.fetchall()


def _says_now(storage: Storage) -> list[tuple[str, ...]] | None:
    if not storage.exists(layout.CATALOG):
        return None
    with storage.local_copy(layout.CATALOG) as file, contextlib.suppress(duckdb.Error):
        return _says(file)
    return None


def _prepare(connection: duckdb.DuckDBPyConnection, storage: Storage) -> None:
    """Let a connection read below the root of a storage."""
    if storage.kind == LocalStorage.kind:
        return
    try:
        _load_httpfs(connection)
        connection.execute(_s3_secret())
    except duckdb.Error as error:
        raise CatalogError(f"{storage.uri()}: DuckDB cannot read there: {unreadable(error)}") from error


def _load_httpfs(connection: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's extension for S3: the one installed as a package, else the one that DuckDB downloads."""
    try:
        packaged = files("duckdb_extension_httpfs").joinpath(
            "extensions", f"v{duckdb.__version__}", "httpfs.duckdb_extension"
        )
    except ModuleNotFoundError:
        packaged = None
    if packaged and packaged.is_file():
        connection.execute(f"LOAD '{packaged}'")
    else:
        connection.execute("INSTALL httpfs; LOAD httpfs")


def _s3_secret() -> str:
    """Return the SQL that hands AWS's standard variables and credential chain to DuckDB; it stays in memory."""
    import boto3  # noqa: PLC0415 - only those who chose S3 should wait for it

    session = boto3.Session()
    credentials = session.get_credentials()
    options = {"REGION": session.region_name or "us-east-1"}
    if credentials:
        frozen = credentials.get_frozen_credentials()
        options |= {"KEY_ID": frozen.access_key or "", "SECRET": frozen.secret_key or ""}
        options |= {"SESSION_TOKEN": frozen.token or ""}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        options |= {
            "ENDPOINT": parts.netloc + parts.path.rstrip("/"),
            "USE_SSL": str(parts.scheme == "https").lower(),
            "URL_STYLE": "path",
        }
    given = ", ".join(f"{name} '{value.replace(chr(39), 2 * chr(39))}'" for name, value in options.items())
    return f"CREATE OR REPLACE SECRET openlib_s3 (TYPE s3, {given})"
