"""What fetches of all subjects saw, one under the other in a connection: kept from the version before, or read anew.

The tables of a subject are read beside each other while runs put new ones in their places. A subject whose tables are
not of one fetch keeps what it had.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.catalog.files import in_path, quoted
from openlib_assets.lake.contract import (
    AUTHOR_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    BOOKS,
    ORDER_LIST,
    RAW_WORKS,
    SQL_TYPES,
    STOCKING_LIST,
    SUBJECT_CHANGES,
    SUBJECT_SUMMARY,
    WORK_DETAILS,
    WORK_ISBNS,
    Table,
)
from openlib_assets.lake.contract.warehouse import (
    SUBJECT_HISTORY,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_ORDER_LIST,
    WAREHOUSE_STOCKING_LIST,
    WAREHOUSE_SUBJECTS,
)
from openlib_assets.lake.key_names import is_shortened
from openlib_assets.lake.transform import literal_path, sql_text
from openlib_assets.lake.warehouse.history import Past
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage

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
# Of each subject's works, as its last fetch saw them; no table of the warehouse, but what the next version begins with.
OBSERVATIONS = "observations"

# Read together: more at once would take memory, fewer a statement each.
_TOGETHER = 100
_SUMMARY = [column.name for column in WAREHOUSE_SUBJECTS.columns if column.name not in ("kind", "name")]


@dataclass(frozen=True)
class _Stack:
    """A stack: the table of the warehouse that it is kept as, its columns, and what of a subject goes into it."""

    kept_as: str
    columns: Sequence[tuple[str, str]]
    fresh: str


def _stacks() -> dict[str, _Stack]:
    observed = [("subject", "VARCHAR"), *_columns(BOOKS), *_columns(WORK_DETAILS)[1:]]
    observed += [("fetched_at", "TIMESTAMPTZ"), ("isbns", "VARCHAR[]")]
    observed += [("authors", "STRUCT(author_key VARCHAR, author_position BIGINT, author_name VARCHAR)[]")]
    summary = [column for column in _columns(WAREHOUSE_SUBJECTS) if column[0] in _SUMMARY]
    return {
        OBSERVATIONS: _Stack(OBSERVATIONS, observed, "fresh_observations"),
        "summaries": _Stack(WAREHOUSE_SUBJECTS.name, summary, "fresh_subject_summary"),
        "stacked_yearly_counts": _Stack(
            SUBJECT_YEARLY_COUNTS.name, _columns(SUBJECT_YEARLY_COUNTS), "fresh_author_yearly_counts"
        ),
        "stacked_stocking_list": _Stack(
            WAREHOUSE_STOCKING_LIST.name, _columns(WAREHOUSE_STOCKING_LIST), "fresh_stocking_list"
        ),
        "stacked_order_list": _Stack(WAREHOUSE_ORDER_LIST.name, _columns(WAREHOUSE_ORDER_LIST), "fresh_order_list"),
        "stacked_history": _Stack(SUBJECT_HISTORY.name, _columns(SUBJECT_HISTORY), "fresh_history"),
    }


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the stacks, without rows."""
    for name, stack in _stacks().items():
        typed = ", ".join(f"{column} {kind}" for column, kind in stack.columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({typed})")


def keep(connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version, but: Iterable[str]) -> None:
    """Put into the stacks what a version has of all subjects but some, and all history. Raises DuckDB's errors."""
    others = _but("subject", but)
    for name, stack in _stacks().items():
        columns = ", ".join(column for column, _ in stack.columns)
        _insert(connection, name, columns, _kept(storage, version, stack), "" if name == "stacked_history" else others)


def keep_history(connection: duckdb.DuckDBPyConnection, storage: Storage, version: Version) -> None:
    """Put the history that a version has into its stack, if it can be read."""
    with suppress(duckdb.Error):
        _insert(connection, "stacked_history", "*", _kept(storage, version, _stacks()["stacked_history"]), "")


def read(
    connection: duckdb.DuckDBPyConnection, storage: Storage, subjects: Sequence[str], history: Sequence[Past]
) -> Iterator[tuple[str, str]]:
    """Put what the tables of subjects have into the stacks, and what their past snapshots had.

    Yields each subject of which that cannot be, and why.
    """
    for start in range(0, len(subjects), _TOGETHER):
        yield from _read(connection, storage, subjects[start : start + _TOGETHER])
    if history:
        columns = [field.name for field in fields(Past)]
        places = ", ".join("?" * len(columns))
        connection.executemany(
            f"INSERT INTO stacked_history ({', '.join(columns)}) VALUES ({places})",  # noqa: S608 - of a dataclass
            [astuple(past) for past in history],
        )
    connection.execute("DELETE FROM stacked_history WHERE subject NOT IN (SELECT subject FROM summaries)")


def _read(
    connection: duckdb.DuckDBPyConnection, storage: Storage, subjects: Sequence[str]
) -> Iterator[tuple[str, str]]:
    try:
        mixed = _stacked(connection, storage, subjects)
    except duckdb.Error as error:
        if len(subjects) == 1:
            yield subjects[0], str(error).strip().splitlines()[0]
            return
        # One file that cannot be read must not keep the others out.
        middle = len(subjects) // 2
        yield from _read(connection, storage, subjects[:middle])
        yield from _read(connection, storage, subjects[middle:])
    else:
        yield from ((subject, "its tables are not of one fetch") for subject in mixed)


def _stacked(connection: duckdb.DuckDBPyConnection, storage: Storage, subjects: Sequence[str]) -> list[str]:
    """Read subjects into the stacks, all or none; return those whose tables do not fit together, and are left out."""
    snapshots = {subject: snapshot_names(storage, subject) for subject in subjects}
    current = [f"({quoted(subject)}, {quoted(names[-1])}, {len(names) > 1})" for subject, names in snapshots.items()]
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE current_snapshots AS "  # noqa: S608 - quoted
        f"SELECT * FROM (VALUES {', '.join(current)}) AS current_snapshots (subject, snapshot, has_one_before)"
    )
    for table in SOURCES:
        kind = "VIEW" if table is RAW_WORKS else "TABLE"
        connection.execute(f"DROP {kind} IF EXISTS fresh_{table.name}")
        connection.execute(f"CREATE TEMP {kind} fresh_{table.name} AS {_files(storage, table, snapshots)}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh_observations AS {sql_text('helpers/warehouse_observed')}")
    mixed = [subject for (subject,) in connection.execute(sql_text("helpers/warehouse_mixed")).fetchall()]
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh_history AS {sql_text('helpers/warehouse_history')}")
    connection.execute(
        "DELETE FROM stacked_history WHERE (subject, snapshot) IN (SELECT (subject, snapshot) FROM fresh_history)"
    )
    for name, stack in _stacks().items():
        columns = ", ".join(column for column, _ in stack.columns)
        _insert(connection, name, columns, stack.fresh, _but("subject", mixed))
    return mixed


def _insert(connection: duckdb.DuckDBPyConnection, stack: str, columns: str, rows: str, condition: str) -> None:
    connection.execute(f"INSERT INTO {stack} BY NAME SELECT {columns} FROM {rows} {condition}")  # noqa: S608 - of here


def _but(column: str, values: Iterable[str]) -> str:
    """Return the condition that a column has none of some values."""
    some = ", ".join(map(quoted, values))
    return f"WHERE {column} NOT IN ({some})" if some else ""


def _kept(storage: Storage, version: Version, stack: _Stack) -> str:
    """Return the SQL for the rows of a stack that a version has."""
    file = quoted(literal_path(storage.uri(version.file(stack.kept_as))))
    return f"read_parquet({file}, hive_partitioning = false)"


def _files(storage: Storage, table: Table, snapshots: Mapping[str, Sequence[str]]) -> str:
    """Return the query for the rows of a table of subjects, `subject` first; of snapshots, for those of the last."""
    if table is RAW_WORKS:
        paths = [layout.snapshot_file(subject, names[-1]) for subject, names in snapshots.items()]
    else:
        paths = [layout.table_file(table.layer, table.name, subject) for subject in snapshots]
    files = ", ".join(quoted(literal_path(storage.uri(path))) for path in paths)
    folders = {layout.subject_folder(subject): subject for subject in snapshots}
    shortened = {
        folder: subject for folder, subject in folders.items() if is_shortened(folder.removeprefix(layout.PARTITION))
    }
    columns = ", ".join(column.name for column in table.columns)
    subject = in_path(table, shortened)["subject"]
    return (
        f"SELECT {subject} AS subject, {columns} "  # noqa: S608 - quoted
        f"FROM read_parquet([{files}], hive_partitioning = false, filename = true)"
    )


def _columns(table: Table) -> list[tuple[str, str]]:
    return [(column.name, SQL_TYPES[column.type]) for column in table.columns]
