"""What the tables of subjects say, read for the next version of the warehouse.

They are read while runs put new ones in their places: a subject whose tables are not of one fetch keeps what it had.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import open_snapshot, snapshot_names
from openlib_assets.lake.catalog.files import Known, remedy
from openlib_assets.lake.catalog.views import rows_of
from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    BOOKS,
    ORDER_LIST,
    RAW_WORKS,
    STOCKING_LIST,
    SUBJECT_CHANGES,
    SUBJECT_SUMMARY,
    WORK_DETAILS,
    WORK_ISBNS,
    Table,
)
from openlib_assets.lake.key_names import is_shortened
from openlib_assets.lake.table_files import TableFileError, open_table
from openlib_assets.lake.transform import literal_path, quoted, sql_text
from openlib_assets.lake.warehouse import rows
from openlib_assets.lake.warehouse.room import is_full
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.storage import Storage
from openlib_assets.storage.errors import OpenlibError, first_line

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


@dataclass(frozen=True)
class Unread:
    """Why a subject could not be read, and what to run."""

    reason: str
    remedy: str

    def line(self, *, is_there: bool) -> str:
        """Say it in a line; `is_there`: the warehouse has what it had of the subject."""
        return f"{self.reason}; {'left as it was' if is_there else 'left out'}: {self.remedy}"


def read(connection: duckdb.DuckDBPyConnection, storage: Storage, subjects: Iterable[str]) -> dict[str, Unread]:
    """Put what the tables of subjects have in the place of what was there of them; return those that cannot be read."""
    snapshots = {subject: snapshot_names(storage, subject) for subject in subjects}
    left_out = {
        subject: Unread(
            f"{storage.uri(layout.snapshots_folder(subject))}: there is no snapshot",
            f"fetch it with: openlib run --force {as_argument(subject)}",
        )
        for subject, names in snapshots.items()
        if not names
    }
    fetched = [subject for subject, names in snapshots.items() if names]
    for start in range(0, len(fetched), _TOGETHER):
        left_out |= _read(connection, storage, {name: snapshots[name] for name in fetched[start : start + _TOGETHER]})
    return left_out


def _read(
    connection: duckdb.DuckDBPyConnection, storage: Storage, snapshots: Mapping[str, Sequence[str]]
) -> dict[str, Unread]:
    try:
        mixed = _opened(connection, storage, snapshots)
    except duckdb.Error as error:
        if is_full(error):
            raise
        subjects = list(snapshots)
        if len(subjects) == 1:
            return {subjects[0]: _reason(storage, subjects[0], snapshots[subjects[0]][-1], error)}
        # One file that cannot be read must not keep the others out.
        middle = len(subjects) // 2
        halves = subjects[:middle], subjects[middle:]
        one, other = ({subject: snapshots[subject] for subject in half} for half in halves)
        return _read(connection, storage, one) | _read(connection, storage, other)
    rows.put(connection, [subject for subject in snapshots if subject not in mixed])
    return {
        subject: Unread(
            f"{subject}: its tables are not of one fetch", f"make them with: openlib run {as_argument(subject)}"
        )
        for subject in mixed
    }


def _reason(storage: Storage, subject: str, snapshot: str, error: duckdb.Error) -> Unread:
    """Return why the current snapshot or the tables of a subject cannot be read."""
    for table in (table for table in SOURCES if table not in MAY_BE_MISSING):
        is_snapshot = table is RAW_WORKS
        path = (
            layout.snapshot_file(subject, snapshot)
            if is_snapshot
            else layout.table_file(table.layer, table.name, subject)
        )
        try:
            with open_table(storage, path, remedy=remedy(path), versions=table.readable_versions):
                pass
        except OpenlibError as found:
            return Unread(str(found).removesuffix(f"; {remedy(path)}"), remedy(path))
    return Unread(f"{subject}: {first_line(error)}", f"make it with: openlib run {as_argument(subject)}")


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
    _forget_unreadable(connection, storage, snapshots)
    for table in rows.OF_WORKS:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{table.name} AS {sql_text(table.sql)}")
    return [subject for (subject,) in connection.execute(sql_text("helpers/warehouse_mixed")).fetchall()]


def _forget_unreadable(
    connection: duckdb.DuckDBPyConnection, storage: Storage, snapshots: Mapping[str, Sequence[str]]
) -> None:
    """Take the snapshot before the current one for none where it cannot be read: then nothing was compared.

    Only of those to which nothing came and from which nothing went, since the others were compared.
    """
    equal = connection.execute(
        "SELECT subject FROM fetched_snapshots ANTI JOIN fetched_subject_changes USING (subject) WHERE has_one_before"
    ).fetchall()
    for (subject,) in equal:
        try:
            with open_snapshot(storage, subject, snapshots[subject][-2]):
                pass
        except TableFileError:
            connection.execute(
                f"UPDATE fetched_snapshots SET has_one_before = false WHERE subject = {quoted(subject)}"  # noqa: S608 - quoted
            )


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
