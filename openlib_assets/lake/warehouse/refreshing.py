"""The next version of the warehouse: of the one before, and of the subjects whose tables changed since."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.contract import SCHEMA_VERSION, SUBJECT_HISTORY, WAREHOUSE_TABLES, Table
from openlib_assets.lake.duckdb_storage import prepare
from openlib_assets.lake.table_files import file_digest, table_file, write_table
from openlib_assets.lake.transform import CheckOutcome, connected, run_checks, sql_text
from openlib_assets.lake.warehouse import stacks, versions
from openlib_assets.lake.warehouse.history import Past, past_snapshots
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage, hold_lock

_LOCK_SECONDS = 600.0
_BATCH_ROWS = 65_536
_PREVIEW_ROWS = 5
_MEMORY_LIMIT = "300MB"
# Of a version that differs here, or of which a file is lost, nothing is kept but history.
CODE = ", ".join([str(SCHEMA_VERSION), *(f"{table.name} {table.code_version}" for table in WAREHOUSE_TABLES)])


@dataclass(frozen=True)
class Made:
    """A table of a version just made."""

    table: Table
    rows: int
    bytes: int
    digest: str
    preview: Sequence[tuple[Any, ...]]
    outcomes: Sequence[CheckOutcome]


@dataclass(frozen=True)
class Refreshed:
    """The current version; `made`: its tables by name, none where nothing had changed.

    `left_out`: a line for each subject that is not there as it is now. `changed`: how many were read anew, or removed.
    """

    version: Version
    made: Mapping[str, Made]
    left_out: Sequence[str]
    changed: int


def refresh(storage: Storage, subjects: Mapping[str, str], now: datetime | None = None) -> Refreshed:
    """Make the next version of the warehouse, unless the current one is of these very subjects, and publish it.

    `subjects` are all that should be in it, each with what differs after every change of its tables. Raises
    CheckFailedError where a blocking check fails; the current version stays then.
    """
    busy = "the warehouse is being made by another run; wait for it to end, then try again"
    with hold_lock(storage, layout.WAREHOUSE_LOCK, error_message=busy, patience=_LOCK_SECONDS) as check:
        before = versions.current(storage)
        kept = before if before and before.code == CODE and versions.is_whole(storage, before) else None
        had = kept.subjects if kept else {}
        changed = sorted(subject for subject, version in subjects.items() if had.get(subject) != version)
        removed = had.keys() - subjects.keys()
        if kept and not changed and not removed:
            return Refreshed(kept, {}, [], 0)
        now = now or datetime.now(UTC)
        name = versions.next_name(now, before)
        history = _past(storage, before, changed)
        with connected({}) as connection, _thrifty(connection):
            prepare(connection, storage)
            stacks.create(connection)
            if kept:
                stacks.keep(connection, storage, kept)
            elif before:
                stacks.keep_history(connection, storage, before)
            stacks.add_history(connection, history)
            left_out, gone = _stacked(connection, storage, changed, removed)
            made = {made.table.name: made for made in _made(connection, storage, name)}
            check()
        digests = {table: one.digest for table, one in made.items()}
        rows = {table: one.rows for table, one in made.items()}
        # What is left out keeps what it had, if it had anything, until it can be read.
        there = {
            subject: had[subject] if subject in left_out else version
            for subject, version in subjects.items()
            if subject not in gone and (subject in had or subject not in left_out)
        }
        version = Version(name, CODE, there, digests, rows)
        versions.publish(storage, version, now)
    return Refreshed(version, made, list(left_out.values()), len(changed) + len(removed))


def _past(storage: Storage, before: Version | None, subjects: Sequence[str]) -> list[Past]:
    known: dict[str, set[str]] = {}
    if before and storage.exists(before.file(SUBJECT_HISTORY.name)):
        with storage.local_copy(before.file(SUBJECT_HISTORY.name)) as file:
            rows = table_file(file).to_table(["subject", "snapshot"])
        for subject, snapshot in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            known.setdefault(subject, set()).add(snapshot)
    return [past for subject in subjects for past in past_snapshots(storage, subject, known.get(subject, set()))]


@contextmanager
def _thrifty(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB take less memory for the block: what it holds are whole tables, which may as well lie on the disk."""
    ((before,),) = connection.execute("SELECT current_setting('memory_limit')").fetchall()
    connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
    try:
        yield
    finally:
        connection.execute(f"SET memory_limit = '{before}'")


def _stacked(
    connection: duckdb.DuckDBPyConnection, storage: Storage, changed: Sequence[str], removed: Collection[str]
) -> tuple[dict[str, str], set[str]]:
    """Bring up to date what fetches of subjects saw.

    Returns the subjects of which that cannot be, each with a line that says why; and those that had to go therefore.
    """
    stacks.remove(connection, removed)
    left_out = stacks.read(connection, storage, changed)
    asked, gone = set(changed), set[str]()
    while heirs := stacks.heirs(connection):
        # Who was asked, and could not tell of its works, cannot stay.
        gone |= asked.intersection(heirs)
        stacks.remove(connection, gone)
        left_out |= stacks.read(connection, storage, [subject for subject in heirs if subject not in asked])
        asked.update(heirs)
    return left_out, gone


def _made(connection: duckdb.DuckDBPyConnection, storage: Storage, version: str) -> Iterator[Made]:
    """Make the tables of authors, and write each table of the warehouse when it is checked."""
    connection.execute(sql_text("helpers/warehouse_authors"))
    for table in WAREHOUSE_TABLES:
        if table not in stacks.STACKS:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {table.name} AS {sql_text(table.sql)}")
    for table in WAREHOUSE_TABLES:
        yield _write(connection, storage, version, table, run_checks(connection, table))


def _write(
    connection: duckdb.DuckDBPyConnection,
    storage: Storage,
    version: str,
    table: Table,
    outcomes: Sequence[CheckOutcome],
) -> Made:
    preview: list[tuple[Any, ...]] = []

    def previewed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if not preview:
                columns = map(_shown, batch.slice(0, _PREVIEW_ROWS).columns)
                preview.extend(zip(*(column.to_pylist() for column in columns), strict=True))
            yield batch

    ordered = f"SELECT {', '.join(table.schema.names)} FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608
    batches = connection.sql(ordered).to_arrow_reader(_BATCH_ROWS)
    with storage.writing(layout.warehouse_file(version, table.name)) as file:
        rows = write_table(file, previewed(batches), table.schema)
        size, digest = file.stat().st_size, file_digest(file)
    return Made(table, rows, size, digest, preview, outcomes)


def _shown(column: pa.Array) -> pa.Array:
    """Return a column to show: asked for a time as Python's, pyarrow would load pandas (lake/arrow_values.py)."""
    return column.cast(pa.string()) if pa.types.is_timestamp(column.type) else column
