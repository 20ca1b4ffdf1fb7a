"""The catalog as a database file, for other programs."""

import contextlib
import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.catalog.files import Known
from openlib_assets.lake.catalog.querying import (
    CatalogError,
    create_views,
    known_files,
    outdated_files,
    prepared,
    version_of,
)
from openlib_assets.lake.catalog.views import BY_SUBJECT, OF_DUMPS, PUBLISHED, comments
from openlib_assets.lake.contract import Table
from openlib_assets.lake.duckdb_storage import Option
from openlib_assets.lake.dumps.lakes import complete_lakes
from openlib_assets.lake.warehouse import versions
from openlib_assets.storage import Storage

# Nothing is read but definitions: waking other threads costs more than they save.
_CONFIG: dict[str, Option] = {"threads": 1}


def write_catalog(storage: Storage) -> tuple[str, list[str]]:
    """Write the database file with every view; return the SHA-256 of the views, and what is left out.

    A file with the same views is left as it is. The views hold addresses and nothing secret: who opens the file on S3
    brings credentials of their own.
    """
    return versions.of_current(storage, lambda: _write(storage))


def _write(storage: Storage) -> tuple[str, list[str]]:
    views = PUBLISHED | (OF_DUMPS if complete_lakes(storage) else {})
    tables = list(views.values())
    known = known_files(storage, tables)
    try:
        return _written(storage, views, known), known.left_out()
    except CatalogError:
        known = replace(known, outdated=outdated_files(storage, tables))
        if not known.outdated:
            raise
    return _written(storage, views, known), known.left_out()


def _written(storage: Storage, views: Mapping[str, Table], known: Known) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / layout.CATALOG
        with duckdb.connect(file, config=_CONFIG) as connection:
            prepared(connection, storage)
            connection.execute(f"CREATE SCHEMA {BY_SUBJECT}")
            create_views(connection, storage, views, known, version_of(storage, views))
            connection.begin()  # or each of some hundred comments would be synced to the disk by itself
            for statement in comments(views):
                connection.execute(statement)
            connection.commit()
        definitions = _definitions(file)
        if definitions != _published_definitions(storage):
            storage.write(layout.CATALOG, file.read_bytes())
    return hashlib.sha256(repr(definitions).encode()).hexdigest()


def _definitions(file: Path) -> list[tuple[str, ...]]:
    """Return all that a database file defines."""
    query = "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY 1, 2"
    with duckdb.connect(file, read_only=True, config=_CONFIG) as connection:
        return connection.sql(query).fetchall()


def _published_definitions(storage: Storage) -> list[tuple[str, ...]] | None:
    if not storage.exists(layout.CATALOG):
        return None
    with storage.local_copy(layout.CATALOG) as file, contextlib.suppress(duckdb.Error):
        return _definitions(file)
    return None
