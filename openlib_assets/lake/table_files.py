"""Parquet files: written as a stream, marked with the contract's schema version, and refused when it does not fit."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from openlib_assets.lake.contract import SCHEMA_VERSION
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

_VERSION_KEY = "openlib_schema_version"
# Fixed, so that equal rows give equal bytes however they arrive.
_ROW_GROUP_ROWS = 65_536
_ROW_GROUP_BYTES = 32 << 20


class TableFileError(OpenlibError):
    """A table's file is missing, unreadable, or of another schema version; the text says what to run."""


def write_table(
    file: Path,
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Write a Parquet file from a stream of batches with the columns of `schema`; return the number of rows.

    `metadata` may still be filled while the batches flow: it is read after the last one.
    """
    rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _row_groups(batches, schema):
            writer.write_table(group)
            rows += group.num_rows
        writer.add_key_value_metadata({_VERSION_KEY: str(SCHEMA_VERSION), **(metadata or {})})
    return rows


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file: equal tables have equal files, so it serves as the version of the data."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def digest_at(storage: Storage, path: str) -> str:
    """Return the SHA-256 of the file at a path of the storage; empty where there is none."""
    if not storage.exists(path):
        return ""
    with storage.local_copy(path) as file:
        return file_digest(file)


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """Cut the stream where a row group is full, by rows or by bytes, whatever the size of the batches."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= _ROW_GROUP_ROWS or size >= _ROW_GROUP_BYTES:
            yield pa.Table.from_batches(waiting).cast(schema)
            waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting).cast(schema)


@contextmanager
def open_table(storage: Storage, path: str, *, remedy: str) -> Iterator[ds.Dataset]:
    """Lend a table's file as a dataset that is read piece by piece.

    `remedy` is what the user should run where the file is missing or unusable. Raises TableFileError.
    """
    if not storage.exists(path):
        raise TableFileError(f"{storage.uri(path)}: there is no such table yet; {remedy}")
    with storage.local_copy(path) as file:
        try:
            dataset = ds.dataset(file, format="parquet")
            metadata = pq.read_metadata(file).metadata or {}
        except (pa.ArrowException, OSError) as error:
            raise TableFileError(f"{storage.uri(path)}: not a readable Parquet file; {remedy}") from error
        version = metadata.get(_VERSION_KEY.encode(), b"none").decode()
        if version != str(SCHEMA_VERSION):
            raise TableFileError(
                f"{storage.uri(path)}: written with schema version {version}, this release reads "
                f"{SCHEMA_VERSION}; {remedy}"
            )
        yield dataset.replace_schema(dataset.schema.with_metadata(metadata))
