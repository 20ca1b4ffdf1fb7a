"""All subjects' tables together: views in DuckDB that read the files in the storage, `subject` first.

`ask` runs a query over the views, `catalog` lends a connection with them, `write_catalog` puts them into a database
file for other programs. `ask` and `write_catalog` leave tables of another schema version out, and name them.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.contract import ALL_TABLES, SNAPSHOT_TABLES, SQL_TYPES, Table
from openlib_assets.lake.table_files import VERSION_KEY, wrong_version
from openlib_assets.lake.transform import connected, literal_path
from openlib_assets.openlibrary.subject_keys import decoded_key
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.errors import OpenlibError

_TABLE_FILE = re.compile(r"(?:/|s3://)(?:.*/subject=(?P<subject>[^/]+)/.*?|.*/)part-0\.parquet")

_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException)


class CatalogError(OpenlibError):
    """DuckDB cannot read the tables in the storage; the text says why."""


# By address, what is to be said of a file that is left out.
Outdated = Mapping[str, str]
Answer = TypeVar("Answer")


def ask(
    storage: Storage, tables: Sequence[Table], query: Callable[[duckdb.DuckDBPyConnection], Answer]
) -> tuple[Answer, list[str]]:
    """Return what a query over tables of all subjects gives, and a line for each file that had to be left out.

    Raises CatalogError where a file cannot be read, and DuckDB's errors where the query is wrong.
    """
    outdated = _outdated_on_disk(storage, tables)
    try:
        with catalog(storage, tables, outdated) as connection:
            return query(connection), list(outdated.values())
    except (CatalogError, duckdb.ConversionException, *_UNREADABLE) as error:  # files with other columns or types
        outdated = _outdated(storage, tables)
        if not outdated:
            raise unreadable(error) if isinstance(error, _UNREADABLE) else error from error
    with catalog(storage, tables, outdated) as connection:
        try:
            return query(connection), list(outdated.values())
        except _UNREADABLE as error:
            raise unreadable(error) from error


@contextmanager
def catalog(
    storage: Storage, tables: Sequence[Table], outdated: Outdated | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection with a view of each of the tables over every subject there is."""
    with connected({}) as connection:
        _prepare(connection, storage)
        for table in tables:
            _create_view(connection, storage, table, outdated or {}, temporary=True)
        yield connection


def write_catalog(storage: Storage) -> tuple[str, list[str]]:
    """Write the database file with a view of every table; return the SHA-256 of the views, and what is left out.

    A file with the same views is left as it is. The views hold addresses and nothing secret: who opens the file on S3
    brings credentials of their own.
    """
    outdated = _outdated_on_disk(storage, ALL_TABLES)
    try:
        return _written(storage, outdated), list(outdated.values())
    except CatalogError:
        outdated = _outdated(storage, ALL_TABLES)
        if not outdated:
            raise
    return _written(storage, outdated), list(outdated.values())


def _written(storage: Storage, outdated: Outdated) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / layout.CATALOG
        with duckdb.connect(file) as connection:
            _prepare(connection, storage)
            for table in ALL_TABLES:
                _create_view(connection, storage, table, outdated)
                _comment(connection, table)
        definitions = _definitions(file)
        if definitions != _published_definitions(storage):
            storage.write(layout.CATALOG, file.read_bytes())
    return hashlib.sha256(repr(definitions).encode()).hexdigest()


def unreadable(error: duckdb.Error) -> CatalogError:
    """Return an error that says in one line what DuckDB could not read and, for a table, how to make it again."""
    line = str(error).strip().splitlines()[0]  # the rest draws the place in the SQL
    table = _TABLE_FILE.search(line)
    return CatalogError(f"{table[0]}: not a readable Parquet file; {_remedy(table[0])}" if table else line)


def _outdated_on_disk(storage: Storage, tables: Sequence[Table]) -> Outdated:
    # On S3 each file costs a request or two: there versions are looked at where something does not fit, not before.
    if storage.kind == LocalStorage.kind:
        with suppress(CatalogError):  # a damaged file is told of by whoever reads its rows
            return _outdated(storage, tables)
    return {}


def _outdated(storage: Storage, tables: Sequence[Table]) -> Outdated:
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
                file: f"{wrong_version(file, version, table.readable_versions)}; left out: {_remedy(file)}"
                for file, version in versions
            }
    return found


def _other_versions(storage: Storage, table: Table) -> str:
    """Return the query for the files of a table that were written with another schema version, and which."""
    # Not with parameters (arrow_values.py).
    return f"""
        SELECT file_name, max(decode(value)) FILTER (decode(key) = {_quoted(VERSION_KEY)}) AS version
        FROM parquet_kv_metadata({_quoted(_address(storage, table))})
        GROUP BY file_name
        HAVING coalesce(version, '') NOT IN ({", ".join(_quoted(str(version)) for version in table.readable_versions)})
        ORDER BY file_name
    """  # noqa: S608 - quoted


def _remedy(file: str) -> str:
    remedy = "fetch it with: openlib run --force" if _is_snapshot(file) else "make it with: openlib run"
    return f"{remedy} {_subject(file)!r}" if _subject(file) else f"{remedy} SUBJECT"


def _is_snapshot(file: str) -> bool:
    return any(f"/{table.layer}/{table.name}/" in file for table in SNAPSHOT_TABLES)


def _subject(file: str) -> str:
    table = _TABLE_FILE.search(file)
    return decoded_key(table["subject"]) if table and table["subject"] else ""


def _create_view(
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    table: Table,
    outdated: Outdated,
    *,
    temporary: bool = False,
) -> None:
    """Create the view of a table; it has no rows where no subject has the table yet."""
    columns = ", ".join((*_folders(table), *(column.name for column in table.columns)))
    create = f"CREATE {'TEMP ' if temporary else ''}VIEW {table.name} AS SELECT"
    try:
        files = _files(connection, storage, table, outdated)
        connection.execute(f"{create} {columns} FROM {files}" if files else f"{create} {_no_rows(table)}")
    except duckdb.Error as error:
        if "No files found" not in str(error):
            raise unreadable(error) from error
        connection.execute(f"{create} {_no_rows(table)}")


def _no_rows(table: Table) -> str:
    typed = [f"NULL::VARCHAR AS {name}" for name in _folders(table)]
    typed += [f"NULL::{SQL_TYPES[column.type]} AS {column.name}" for column in table.columns]
    return f"{', '.join(typed)} WHERE false"


def _folders(table: Table) -> tuple[str, ...]:
    """Return the columns that stand in the path only; bronze has all snapshots."""
    if not table.by_subject:
        return ()
    return ("subject", "snapshot") if table in SNAPSHOT_TABLES else ("subject",)


def _files(connection: duckdb.DuckDBPyConnection, storage: Storage, table: Table, outdated: Outdated) -> str:
    """Return the SQL for the files of a table of all subjects, what is in the path as text; empty if none is left.

    A subject of which one table is outdated is left out of all, since they would not fit together. Snapshots stand
    each for itself.
    """
    files = _quoted(_address(storage, table))
    if outdated:
        subjects = {_subject(file) for file in outdated if not _is_snapshot(file)}
        found = connection.execute(f"SELECT file FROM glob({files}) ORDER BY ALL").fetchall()  # noqa: S608 - quoted
        kept = [
            file for (file,) in found if file not in outdated and (_is_snapshot(file) or _subject(file) not in subjects)
        ]
        if not kept:
            return ""
        if len(kept) < len(found):
            files = f"[{', '.join(_quoted(file) for file in kept)}]"
    if not _folders(table):
        return f"read_parquet({files}, hive_partitioning = false)"
    types = ", ".join(f"'{name}': VARCHAR" for name in _folders(table))
    return f"read_parquet({files}, hive_partitioning = true, hive_types = {{{types}}})"


def _address(storage: Storage, table: Table) -> str:
    """Return the pattern of the files of a table, also of one, since DuckDB says of a pattern that no file fits it."""
    below = "".join(f"{name}=*/" for name in _folders(table))
    file = "part-0.parquet" if below else "part-*.parquet"
    return f"{literal_path(storage.uri())}/{table.layer}/{table.name}/{below}{file}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(f"COMMENT ON VIEW {table.name} IS {_quoted(table.description)}")
    for column in table.columns:
        connection.execute(f"COMMENT ON COLUMN {table.name}.{column.name} IS {_quoted(column.description)}")


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
    """Let a connection read below the root of a storage."""
    if storage.kind == LocalStorage.kind:
        return
    try:
        _load_httpfs(connection)
        connection.execute(_s3_secret())
    except duckdb.Error as error:
        raise CatalogError(f"{storage.uri()}: DuckDB cannot read from it: {unreadable(error)}") from error


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
