"""The tables of the warehouse that hold what fetches of subjects saw: kept from a version, or read anew.

Of a work that several subjects list, the one that was fetched last has the say. The tables of a subject are read while
runs put new ones in their places: a subject whose tables are not of one fetch keeps what it had.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, fields

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.catalog.files import Known, in_version, quoted, remedy
from openlib_assets.lake.catalog.views import rows_of
from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    BOOKS,
    ORDER_LIST,
    RAW_WORKS,
    SQL_TYPES,
    STOCKING_LIST,
    SUBJECT_CHANGES,
    SUBJECT_HISTORY,
    SUBJECT_SUMMARY,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_ISBNS,
    WAREHOUSE_ORDER_LIST,
    WAREHOUSE_STOCKING_LIST,
    WAREHOUSE_SUBJECTS,
    WORK_AUTHORS,
    WORK_DETAILS,
    WORK_ISBNS,
    WORK_SUBJECTS,
    WORKS,
    Table,
)
from openlib_assets.lake.key_names import is_shortened
from openlib_assets.lake.table_files import open_table
from openlib_assets.lake.transform import literal_path, sql_text
from openlib_assets.lake.warehouse.history import Past
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError

# What a subject must have to be in the warehouse.
SOURCES = (
    RAW_WORKS,
    BOOKS,
    AUTHOR_BOOKS,
    WORK_ISBNS,
    WORK_DETAILS,
    AUTHOR_YEARLY_COUNTS,
    SUBJECT_SUMMARY,
    SUBJECT_CHANGES,
    STOCKING_LIST,
    ORDER_LIST,
)
# Of this, a subject that lacks it has no rows.
MAY_BE_MISSING = (ORDER_LIST,)

# Read together: more at once would take memory, fewer a statement each.
_TOGETHER = 100
# Of each subject its own rows.
_OF_SUBJECTS = (
    WAREHOUSE_SUBJECTS,
    WORK_SUBJECTS,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_STOCKING_LIST,
    WAREHOUSE_ORDER_LIST,
)
# Of each work the rows of one subject.
_OF_WORKS = (WORKS, WORK_AUTHORS, WAREHOUSE_ISBNS)
STACKS = (*_OF_SUBJECTS, *_OF_WORKS, SUBJECT_HISTORY)


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables, without rows."""
    for table in STACKS:
        columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table.name} ({columns})")


def keep(connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version) -> None:
    """Fill the tables with what a version has. Raises DuckDB's errors."""
    for table in STACKS:
        connection.execute(f"INSERT INTO {table.name} BY NAME FROM {in_version(storage, version, table)}")


def keep_history(connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version) -> None:
    """Fill the history with what a version has, if it can be read."""
    with suppress(duckdb.Error):
        rows = in_version(storage, version, SUBJECT_HISTORY)
        connection.execute(f"INSERT INTO {SUBJECT_HISTORY.name} BY NAME FROM {rows}")


def add_history(connection: duckdb.DuckDBPyConnection, history: Sequence[Past]) -> None:
    """Add past snapshots to the history."""
    columns = [field.name for field in fields(Past)]
    if history:
        connection.executemany(
            f"INSERT INTO {SUBJECT_HISTORY.name} ({', '.join(columns)}) "  # noqa: S608 - of a dataclass
            f"VALUES ({', '.join('?' * len(columns))})",
            [astuple(past) for past in history],
        )


def remove(connection: duckdb.DuckDBPyConnection, subjects: Collection[str]) -> None:
    """Remove subjects, and their history."""
    if subjects:
        _forget(connection, subjects)
        connection.execute(f"DELETE FROM {SUBJECT_HISTORY.name} WHERE subject IN {_listed(subjects)}")  # noqa: S608
        _tidy(connection)


def heirs(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the subjects that have to be read since they alone can tell of some works."""
    return [subject for (subject,) in connection.execute(sql_text("helpers/warehouse_heirs")).fetchall()]


def read(connection: duckdb.DuckDBPyConnection, storage: Storage, subjects: Iterable[str]) -> dict[str, str]:
    """Put what the tables of subjects have in the place of what was there of them.

    Returns the subjects of which that cannot be, each with a line that says why.
    """
    snapshots = {subject: snapshot_names(storage, subject) for subject in subjects}
    left_out = {
        subject: f"{storage.uri(layout.snapshots_folder(subject))}: there is no snapshot; left out: fetch it with: "
        f"openlib run --force {subject!r}"
        for subject, names in snapshots.items()
        if not names
    }
    fetched = [subject for subject, names in snapshots.items() if names]
    for start in range(0, len(fetched), _TOGETHER):
        left_out |= _read(connection, storage, {name: snapshots[name] for name in fetched[start : start + _TOGETHER]})
    return left_out


def _read(
    connection: duckdb.DuckDBPyConnection, storage: Storage, snapshots: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    try:
        mixed = _opened(connection, storage, snapshots)
    except duckdb.Error as error:
        subjects = list(snapshots)
        if len(subjects) == 1:
            return {subjects[0]: _reason(storage, subjects[0], error)}
        # One file that cannot be read must not keep the others out.
        middle = len(subjects) // 2
        halves = subjects[:middle], subjects[middle:]
        one, other = ({subject: snapshots[subject] for subject in half} for half in halves)
        return _read(connection, storage, one) | _read(connection, storage, other)
    _put(connection, [subject for subject in snapshots if subject not in mixed])
    return {
        subject: f"{subject}: its tables are not of one fetch; left as it was: make them with: openlib run {subject!r}"
        for subject in mixed
    }


def _reason(storage: Storage, subject: str, error: duckdb.Error) -> str:
    """Return in a line why the tables of a subject cannot be read, and what to do."""
    try:
        for table in (table for table in SOURCES[1:] if table not in MAY_BE_MISSING):
            path = layout.table_file(table.layer, table.name, subject)
            remedy_of = f"left out: {remedy(path)}"
            with open_table(storage, path, remedy=remedy_of, versions=table.readable_versions):
                pass
    except OpenlibError as found:
        return str(found)
    return f"{subject}: {str(error).strip().splitlines()[0]}; left out: make it with: openlib run {subject!r}"


def _opened(
    connection: duckdb.DuckDBPyConnection, storage: Storage, snapshots: Mapping[str, Sequence[str]]
) -> list[str]:
    """Let a connection know the tables of subjects, and what they say; return those that do not fit together."""
    current = [f"({quoted(subject)}, {quoted(names[-1])}, {len(names) > 1})" for subject, names in snapshots.items()]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fetched_snapshots AS "  # noqa: S608 - quoted
        f"SELECT * FROM (VALUES {', '.join(current)}) AS snapshots (subject, snapshot, has_one_before)"
    )
    for table in SOURCES:
        kind = "VIEW" if table is RAW_WORKS else "TABLE"
        connection.execute(f"CREATE OR REPLACE TEMP {kind} fetched_{table.name} AS {_files(storage, table, snapshots)}")
    for table in _OF_WORKS:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{table.name} AS {sql_text(table.sql)}")
    return [subject for (subject,) in connection.execute(sql_text("helpers/warehouse_mixed")).fetchall()]


def _put(connection: duckdb.DuckDBPyConnection, subjects: Sequence[str]) -> None:
    """Put what is known of subjects in the place of what was there of them."""
    if not subjects:
        return
    _forget(connection, subjects)
    chosen = _listed(subjects)
    for table in (*_OF_SUBJECTS, SUBJECT_HISTORY):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{table.name} AS {sql_text(table.sql)}")
    connection.execute(
        f"DELETE FROM {SUBJECT_HISTORY.name} AS known USING new_{SUBJECT_HISTORY.name} AS new "  # noqa: S608 - of here
        "WHERE known.subject = new.subject AND known.snapshot = new.snapshot"
    )
    for table in (*_OF_SUBJECTS, SUBJECT_HISTORY):
        _insert(connection, table, f"WHERE subject IN {chosen}")
    connection.execute(f"DELETE FROM new_{WORKS.name} WHERE fetched_for NOT IN {chosen}")  # noqa: S608 - quoted
    connection.execute(f"CREATE OR REPLACE TEMP TABLE won AS {sql_text('helpers/warehouse_won')}")
    connection.execute(f"DELETE FROM {WORKS.name} WHERE work_key IN (SELECT work_key FROM won)")  # noqa: S608 - of here
    _tidy(connection)
    for table in _OF_WORKS:
        _insert(connection, table, "SEMI JOIN won USING (work_key, fetched_for)")


def _forget(connection: duckdb.DuckDBPyConnection, subjects: Collection[str]) -> None:
    for table in _OF_SUBJECTS:
        connection.execute(f"DELETE FROM {table.name} WHERE subject IN {_listed(subjects)}")  # noqa: S608 - quoted
    connection.execute(f"DELETE FROM {WORKS.name} WHERE fetched_for IN {_listed(subjects)}")  # noqa: S608 - quoted


def _tidy(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what is there of works that nobody tells of."""
    for table in _OF_WORKS[1:]:
        connection.execute(f"DELETE FROM {table.name} WHERE work_key NOT IN (SELECT work_key FROM {WORKS.name})")  # noqa: S608


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, condition: str) -> None:
    columns = ", ".join(column.name for column in table.columns)
    connection.execute(f"INSERT INTO {table.name} SELECT {columns} FROM new_{table.name} {condition}")  # noqa: S608


def _listed(subjects: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, subjects))})"


def _files(storage: Storage, table: Table, snapshots: Mapping[str, Sequence[str]]) -> str:
    """Return the query for the rows of a table of subjects, `subject` first; of snapshots, for those of the last."""
    if table is RAW_WORKS:
        paths = [layout.snapshot_file(subject, names[-1]) for subject, names in snapshots.items()]
    else:
        paths = [layout.table_file(table.layer, table.name, subject) for subject in snapshots]
    if table in MAY_BE_MISSING:
        paths = [path for path in paths if storage.exists(path)]
    listed = ", ".join(quoted(literal_path(storage.uri(path))) for path in paths)
    folders = {layout.subject_folder(subject): subject for subject in snapshots}
    shortened = {
        folder: subject for folder, subject in folders.items() if is_shortened(folder.removeprefix(layout.PARTITION))
    }
    files = f"read_parquet([{listed}], hive_partitioning = false, filename = true)" if paths else ""
    return rows_of(table, files, Known(shortened, outgrown={}))
