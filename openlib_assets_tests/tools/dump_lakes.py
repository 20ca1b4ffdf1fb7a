"""Lakes of dumps made without Dagster, and their tables as plain rows, to be compared with the reference's."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from openlib_assets.lake.contract import CATALOGUE_TABLES
from openlib_assets.lake.dumps.building import Built
from openlib_assets.lake.dumps.lakes import building, publish_lake, table_of
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.storage import Storage
from openlib_assets_tests.conftest import assert_same_rows

TABLES = tuple(table.name for table in CATALOGUE_TABLES)

Rows = list[dict[str, Any]]


def build_lake(storage: Storage, dumps: Path, day: str) -> dict[str, Built]:
    """Make the lake of a dump whose files lie in a folder; return what became of each table."""
    built = {}
    with building(storage, day) as build:
        for file in FILES:
            path = dumps / f"ol_dump_{file.name}_{day}.txt.gz"
            built[file.table] = build.read(file, path, hashlib.sha256(path.read_bytes()).hexdigest())
        for step in STEPS:
            built[step.table] = build.make(step)
        assert publish_lake(build)
    return built


def catalogue_tables(storage: Storage, day: str) -> dict[str, Rows]:
    """Return the tables of the catalogue of a dump, each in the order of its rows."""
    return {name: dump_table(storage, name, day).to_pylist() for name in TABLES}


def dump_table(storage: Storage, table: str, day: str) -> pa.Table:
    """Return a table of a dump."""
    parts = []
    for path in table_of(storage, table, day).paths():
        with storage.local_copy(path) as local, pq.ParquetFile(local) as parquet:
            parts.append(parquet.read())
    return pa.concat_tables(parts)


def assert_same_tables(found: Mapping[str, Sequence[object]], wanted: Mapping[str, Sequence[object]]) -> None:
    """Compare catalogues row by row."""
    assert set(found) == set(wanted)
    for name, rows in wanted.items():
        try:
            assert_same_rows(found[name], rows)
        except AssertionError as error:
            error.add_note(name)
            raise
