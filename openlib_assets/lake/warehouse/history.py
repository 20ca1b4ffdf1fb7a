"""The history of a subject: how many works each of its snapshots has, and how many came and went."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from openlib_assets.lake.bronze.snapshots import Snapshot, open_snapshot, snapshot_names
from openlib_assets.lake.contract import REJECTED_WORKS
from openlib_assets.lake.table_files import TableFileError
from openlib_assets.lake.transform import connected, is_of_files, read_records, sql_text
from openlib_assets.lake.warehouse.room import is_full
from openlib_assets.storage import Storage


@dataclass(frozen=True)
class Past:
    """A snapshot before the current one: a row of `subject_history`."""

    subject: str
    snapshot: str
    fetched_at: datetime
    works: int
    works_dated: int
    works_added: int | None
    works_removed: int | None


def past_snapshots(storage: Storage, subject: str, known: Collection[str]) -> Iterator[Past]:
    """Yield the snapshots of a subject before the current one that are not known, oldest first.

    One that cannot be read is passed over, and so is what it would tell of the next one.
    """
    before: frozenset[str] | None = None
    wanted = snapshot_names(storage, subject)[:-1]
    for place, name in enumerate(wanted):
        if name in known and (place + 1 == len(wanted) or wanted[place + 1] in known):
            before = None
            continue
        try:
            fetched_at, works, dated = _read(storage, subject, name)
        except (TableFileError, duckdb.Error, pa.ArrowException) as error:
            if is_full(error) or not is_of_files(error):
                raise
            before = None
            continue
        if name not in known:
            added = None if before is None else len(works - before)
            removed = None if before is None else len(before - works)
            yield Past(subject, name, fetched_at, len(works), dated, added, removed)
        before = works


def _read(storage: Storage, subject: str, name: str) -> tuple[datetime, frozenset[str], int]:
    """Return when a snapshot was fetched, the keys of its works that can be used, and how many of these are dated."""
    with open_snapshot(storage, subject, name) as file:
        snapshot = Snapshot.of(file)
        with connected({"raw_works": file, "snapshot": snapshot.row()}) as connection:
            connection.execute(sql_text("helpers/received"))
            connection.execute(f"CREATE TEMP TABLE {REJECTED_WORKS.name} AS {sql_text(REJECTED_WORKS.sql)}")
            read_records(connection)
            works, dated = _counted(connection)
    return snapshot.fetched_at, works, dated


def _counted(connection: duckdb.DuckDBPyConnection) -> tuple[frozenset[str], int]:
    rows = connection.execute(f"SELECT work_key, year_status = 'ok' FROM ({sql_text('silver/books')})").fetchall()  # noqa: S608
    return frozenset(key for key, _ in rows), sum(is_dated for _, is_dated in rows)
