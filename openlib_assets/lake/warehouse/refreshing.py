"""The next version of the warehouse: of the one before, and of the subjects whose tables changed since."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.contract import BOOKS, SCHEMA_VERSION, SUBJECT_HISTORY, WAREHOUSE_TABLES
from openlib_assets.lake.duckdb_storage import prepare
from openlib_assets.lake.table_files import table_file, write_table
from openlib_assets.lake.transform import connected
from openlib_assets.lake.warehouse import rows, versions
from openlib_assets.lake.warehouse.history import Past, past_snapshots
from openlib_assets.lake.warehouse.reading import Unread, read
from openlib_assets.lake.warehouse.room import said_in_one_line
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.lake.warehouse.writing import Made, written
from openlib_assets.storage import MissingFileError, Storage, hold_lock

LOCK_SECONDS = 600.0
BUSY = "the warehouse is being made by another run; wait for it to end, then try again"
# What is read may as well lie on the disk; to sort a million works takes more.
_MEMORY_LIMIT = "300MB"
_HISTORY = [SUBJECT_HISTORY.name]
# The history of subjects that the version lacks, though they are wanted: nothing else tells of snapshots that went.
_OF_ABSENT = "history of absent"
# To look how large the subjects are takes a request of each on S3.
_FEW_SUBJECTS = 10
_SMALL_BYTES = 4 << 20
# Of a version that differs here, or of which a file is lost, nothing is kept but history.
CODE = ", ".join([str(SCHEMA_VERSION), *(f"{table.name} {table.code_version}" for table in WAREHOUSE_TABLES)])


@dataclass(frozen=True)
class Refreshed:
    """The current version; `made`: its tables by name, none where nothing had changed.

    `wanted`: the subjects that should be in it, as `refresh` was told. `left_out`: a line for each that is not there as
    it is now. `changed`: how many were read anew, or removed.
    """

    version: Version
    wanted: Mapping[str, str]
    made: Mapping[str, Made]
    left_out: Sequence[str]
    changed: int


def refresh(storage: Storage, wanted: Callable[[], Mapping[str, str]], now: datetime | None = None) -> Refreshed:
    """Make the next version of the warehouse, unless the current one is of these very subjects, and publish it.

    `wanted` tells all that should be in it, each with what differs after every change of its tables; it is asked once
    nobody else makes a version. Raises CheckFailedError where a blocking check fails; the current version stays then.
    """
    busy = hold_lock(storage, layout.WAREHOUSE_LOCK, error_message=BUSY, patience=LOCK_SECONDS)
    with busy as check, said_in_one_line(storage):
        subjects = wanted()
        before = versions.current(storage)
        kept = before if before and before.code == CODE and versions.is_whole(storage, before) else None
        had = kept.subjects if kept else {}
        changed = sorted(subject for subject, version in subjects.items() if had.get(subject) != version)
        removed = had.keys() - subjects.keys()
        if kept and not changed and not removed:
            return Refreshed(kept, subjects, {}, [], 0)
        now = now or datetime.now(UTC)
        name = versions.next_name(now, before)
        with _files(storage, before, [table.name for table in WAREHOUSE_TABLES] if kept else _HISTORY) as files:
            histories = [files[name] for name in (SUBJECT_HISTORY.name, _OF_ABSENT) if name in files]
            history = _past(storage, histories, changed)
            is_small = kept.is_small if kept else _are_small(storage, changed)
            with connected({}, is_small=is_small) as connection:
                with _set(connection, "memory_limit", _MEMORY_LIMIT):
                    prepare(connection, storage)
                    rows.create(connection, files if kept else {})
                    unread, gone = _stacked(connection, storage, changed, removed)
                    rows.add_history(connection, (past for past in history if past.subject not in unread))
                    # Of what is kept, the first is that of the version before, whose rows stay by themselves.
                    for file in histories[1:] if kept else histories:
                        rows.add_history_of_file(connection, file)
                    is_any_absent = not kept or gone or _OF_ABSENT in files
                    absent = rows.history_of_absent(connection, histories, subjects) if is_any_absent else None
                    rows.make_authors(connection)
                made = written(connection, storage, name, files if kept else {}, check)
            if absent is not None:
                with storage.writing(layout.warehouse_history_of_absent(name)) as file:
                    write_table(file, absent.to_batches(), absent.schema)
        digests = {table: one.digest for table, one in made.items()}
        counts = {table: one.rows for table, one in made.items()}
        # What could not be read keeps what it had, if it had anything, until it can be.
        there = {
            subject: had[subject] if subject in unread else version
            for subject, version in subjects.items()
            if subject not in gone and (subject in had or subject not in unread)
        }
        version = Version(name, CODE, there, digests, counts)
        check()
        versions.publish(storage, version, now)
    left_out = [one.line(is_there=subject in there) for subject, one in unread.items()]
    return Refreshed(version, subjects, made, left_out, len(changed) + len(removed))


@contextmanager
def _files(storage: Storage, version: Version | None, tables: Sequence[str]) -> Iterator[Mapping[str, Path]]:
    """Lend the files of tables of a version, as far as they are there, and the history of subjects that it lacks."""
    with ExitStack() as stack:
        files = {}
        if version:
            paths = {table: version.file(table) for table in tables}
            for name, path in (paths | {_OF_ABSENT: layout.warehouse_history_of_absent(version.name)}).items():
                with suppress(MissingFileError):
                    files[name] = stack.enter_context(storage.local_copy(path))
        yield files


def _are_small(storage: Storage, subjects: Sequence[str]) -> bool:
    """Tell whether subjects are so few and so small that one thread is best for all of them."""
    if len(subjects) > _FEW_SUBJECTS:
        return False
    files = [layout.table_file(BOOKS.layer, BOOKS.name, subject) for subject in subjects]
    return sum(storage.size(file) for file in files if storage.exists(file)) < _SMALL_BYTES


def _past(storage: Storage, histories: Sequence[Path], subjects: Sequence[str]) -> list[Past]:
    known: dict[str, set[str]] = {}
    for known_history in histories:
        with suppress(pa.ArrowException, OSError):  # what cannot be read is not known
            columns = table_file(known_history).to_table(["subject", "snapshot"]).columns
            for subject, snapshot in zip(*(column.to_pylist() for column in columns), strict=True):
                known.setdefault(subject, set()).add(snapshot)
    return [past for subject in subjects for past in past_snapshots(storage, subject, known.get(subject, set()))]


@contextmanager
def _set(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> Iterator[None]:
    """Set a setting of DuckDB's for the block."""
    ((before,),) = connection.execute(f"SELECT current_setting('{name}')").fetchall()
    connection.execute(f"SET {name} = '{value}'")
    try:
        yield
    finally:
        connection.execute(f"SET {name} = '{before}'")


def _stacked(
    connection: duckdb.DuckDBPyConnection, storage: Storage, changed: Sequence[str], removed: Collection[str]
) -> tuple[dict[str, Unread], set[str]]:
    """Bring up to date what fetches of subjects saw.

    Returns the subjects of which that cannot be, and those that had to go therefore.
    """
    rows.remove(connection, removed)
    unread = read(connection, storage, changed)
    gone, asked = set[str](), set[str]()
    while heirs := rows.heirs(connection):
        # Who cannot be read, or was asked and could not tell of its works, cannot stay. Others are asked also where
        # they are of the changed: who was read after them may have had the say then, and no longer has.
        gone |= {subject for subject in heirs if subject in unread or subject in asked}
        rows.remove(connection, gone)
        unread |= read(connection, storage, [subject for subject in heirs if subject not in gone])
        asked.update(heirs)
    return unread, gone
