"""Parquet files: written as a stream, marked with subject and schema version, and refused if the version differs."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from openlib_assets.lake.contract import SCHEMA_VERSION
from openlib_assets.storage import MissingFileError, Storage
from openlib_assets.storage.errors import OpenlibError

VERSION_KEY = "openlib_schema_version"
SUBJECT_KEY = "openlib_subject"
ANY_VERSION = range(1, SCHEMA_VERSION + 1)
# Fixed, so that equal rows give equal bytes however they arrive.
_ROW_GROUP_ROWS = 65_536
_ROW_GROUP_BYTES = 32 << 20


@dataclass(frozen=True)
class TableFile:
    """A table's Parquet file on the local disk, read piece by piece, and the metadata that it was written with.

    DuckDB reads the file by itself, which for a small table costs a third of a scan of pyarrow's dataset.
    """

    file: Path
    metadata: Mapping[str, str]

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return self.file.stat().st_size

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the file."""
        return file_digest(self.file)

    def count_rows(self) -> int:
        """Return the number of rows, which the end of the file tells."""
        return int(pq.read_metadata(self.file).num_rows)

    def to_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all rows, with all columns or some."""
        with pq.ParquetFile(self.file) as parquet:
            return parquet.read(columns)

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield some columns, up to so many rows at a time."""
        with pq.ParquetFile(self.file) as parquet:
            yield from parquet.iter_batches(batch_size=rows, columns=list(columns), use_threads=False)


def table_file(file: Path) -> TableFile:
    """Return a local Parquet file as a table; raises pyarrow's errors where it is none."""
    metadata = pq.read_metadata(file).metadata or {}
    text = {key.decode(): value.decode() for key, value in metadata.items() if key != b"ARROW:schema"}
    return TableFile(file, text)


class TableFileError(OpenlibError):
    """A table's file is missing, unreadable, or of another schema version; the text says what to run."""


def write_table(
    file: Path,
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    metadata: Mapping[str, str] | None = None,
    *,
    subject: str | None = None,
) -> int:
    """Write a Parquet file from a stream of batches with the columns of `schema`; return the number of rows.

    `subject` is whose table it is, if it is that of one.

    `metadata` may still be filled while the batches flow: it is read after the last one.
    """
    rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _row_groups(batches, schema):
            writer.write_table(group)
            rows += group.num_rows
        about = {VERSION_KEY: str(SCHEMA_VERSION), **({} if subject is None else {SUBJECT_KEY: subject})}
        writer.add_key_value_metadata({**about, **(metadata or {})})
    return rows


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file: equal tables have equal files, so it serves as the version of the data."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


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
def open_table(storage: Storage, path: str, *, remedy: str, versions: range = ANY_VERSION) -> Iterator[TableFile]:
    """Lend a table's file, to be read piece by piece.

    `versions` are the schema versions that can be read, and `remedy` is what the user should run where the file is
    missing or unusable. Raises TableFileError.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(storage.local_copy(path))
        except MissingFileError as error:
            raise TableFileError(f"{storage.uri(path)}: there is no such table yet; {remedy}") from error
        try:
            table = table_file(file)
        except (pa.ArrowException, OSError) as error:
            raise TableFileError(f"{storage.uri(path)}: not a readable Parquet file; {remedy}") from error
        version = table.metadata.get(VERSION_KEY)
        if version not in [str(number) for number in versions]:
            raise TableFileError(f"{wrong_version(storage.uri(path), version, versions)}; {remedy}")
        yield table


def wrong_version(address: str, version: str | None, versions: range) -> str:
    """Return the message for a file that has another schema version than can be read, or none."""
    readable = " to ".join(str(number) for number in sorted({versions[0], versions[-1]}))
    return f"{address}: written with schema version {version or 'none'}, this release reads {readable}"
