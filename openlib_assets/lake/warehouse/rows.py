"""The rows of the next version while it is made: of each table those that stay, and those that changed.

A refresh touches subjects, the works that these tell of, and the authors of such works; each table is of one of the
three. What is touched loses its rows in all tables of its kind, and gets others in their place. So the rows that stay
are never held: they lie in the file of the version before, and a view joins them with those that changed.

Of a work that several subjects list, the one that was fetched last has the say.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import duckdb
import pyarrow as pa

from openlib_assets.lake.contract import (
    SQL_TYPES,
    SUBJECT_HISTORY,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_AUTHORS,
    WAREHOUSE_AVERAGES,
    WAREHOUSE_ISBNS,
    WAREHOUSE_ORDER_LIST,
    WAREHOUSE_STOCKING_LIST,
    WAREHOUSE_SUBJECTS,
    WAREHOUSE_TABLES,
    WAREHOUSE_YEARLY_COUNTS,
    WORK_AUTHORS,
    WORK_SUBJECTS,
    WORKS,
    Table,
)
from openlib_assets.lake.transform import literal_path, quoted, sql_text
from openlib_assets.lake.warehouse.history import Past
from openlib_assets.lake.warehouse.merging import replaced
from openlib_assets.lake.warehouse.room import passed_over

_OF_SUBJECTS = (
    WAREHOUSE_SUBJECTS,
    WORK_SUBJECTS,
    SUBJECT_YEARLY_COUNTS,
    WAREHOUSE_STOCKING_LIST,
    WAREHOUSE_ORDER_LIST,
)
OF_WORKS = (WORKS, WORK_AUTHORS, WAREHOUSE_ISBNS)
# Each is made from those before it.
_OF_AUTHORS = (WAREHOUSE_AUTHORS, WAREHOUSE_YEARLY_COUNTS, WAREHOUSE_AVERAGES)
# What a refresh looks at as a whole; a view takes time.
_LOOKED_AT = (WAREHOUSE_SUBJECTS, WORK_SUBJECTS, WORKS, WORK_AUTHORS)
# By the column that says what a row is of.
_TABLES = {"subject": (*_OF_SUBJECTS, SUBJECT_HISTORY), "work_key": OF_WORKS, "author_key": _OF_AUTHORS}
_OWNERS = {table.name: owner for owner, tables in _TABLES.items() for table in tables}
# More are sorted together with all others, which takes less than to look for the place of each.
_FEW_ROWS = 4_096
_BATCH_ROWS = 65_536


def create(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> None:
    """Let a connection know the tables as they are in files of a version, by name; without a file, one has no rows."""
    for owner, tables in _TABLES.items():
        connection.execute(f"CREATE TEMP TABLE touched_{owner} ({owner} VARCHAR)")
        for table in tables:
            columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in table.columns)
            connection.execute(f"CREATE TEMP TABLE {changed(table)} ({columns})")
            file = files.get(table.name)
            before = f"FROM {_rows_of(file)}" if file else f"FROM {changed(table)} WHERE false"
            connection.execute(f"CREATE TEMP VIEW before_{table.name} AS {before}")
    for table in _LOOKED_AT:
        _show(connection, table)


def changed(table: Table) -> str:
    """Return the name of the relation with those rows of a table that changed, or are new."""
    return f"changed_{table.name}"


def put(connection: duckdb.DuckDBPyConnection, subjects: Sequence[str]) -> None:
    """Put what tables `fetched_` and `new_` say of subjects in the place of what was there of them."""
    if not subjects:
        return
    _touch_subjects(connection, subjects)
    chosen = _listed(subjects)
    for table in _OF_SUBJECTS:
        _insert(connection, table, sql_text(table.sql), f"WHERE subject IN {chosen}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{SUBJECT_HISTORY.name} AS {sql_text(SUBJECT_HISTORY.sql)}")
    _keep_changes(connection, f"new_{SUBJECT_HISTORY.name}", f"FROM {changed(SUBJECT_HISTORY)}")
    connection.execute(
        f"DELETE FROM {changed(SUBJECT_HISTORY)} AS known USING new_{SUBJECT_HISTORY.name} AS new "  # noqa: S608 - of here
        "WHERE known.subject = new.subject AND known.snapshot = new.snapshot"
    )
    _insert(connection, SUBJECT_HISTORY, f"FROM new_{SUBJECT_HISTORY.name}", f"WHERE subject IN {chosen}")
    connection.execute(f"DELETE FROM new_{WORKS.name} WHERE fetched_for NOT IN {chosen}")  # noqa: S608 - quoted
    connection.execute(f"CREATE OR REPLACE TEMP TABLE won AS {sql_text('helpers/warehouse_won')}")
    _touch(connection, "work_key", "SELECT work_key FROM won")
    for table in OF_WORKS:
        _insert(connection, table, f"FROM new_{table.name}", "SEMI JOIN won USING (work_key, fetched_for)")


def remove(connection: duckdb.DuckDBPyConnection, subjects: Collection[str]) -> None:
    """Remove subjects, and their history."""
    if subjects:
        _touch_subjects(connection, subjects)
        connection.execute(f"DELETE FROM {changed(SUBJECT_HISTORY)} WHERE subject IN {_listed(subjects)}")  # noqa: S608


def heirs(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the subjects that have to be read since they alone can tell of some works."""
    return [subject for (subject,) in connection.execute(sql_text("helpers/warehouse_heirs")).fetchall()]


def add_history(connection: duckdb.DuckDBPyConnection, history: Iterable[Past]) -> None:
    """Add past snapshots of subjects that were put here to the history."""
    columns = [field.name for field in fields(Past)]
    rows = [astuple(past) for past in history]
    if rows:
        connection.executemany(
            f"INSERT INTO {changed(SUBJECT_HISTORY)} ({', '.join(columns)}) "  # noqa: S608 - of a dataclass
            f"VALUES ({', '.join('?' * len(columns))})",
            rows,
        )


def add_history_of_file(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Add the history that a file has, if it can be read, of subjects that were put here."""
    with passed_over():
        _keep_changes(connection, changed(SUBJECT_HISTORY), f"FROM {_rows_of(file)}")
        _insert(
            connection,
            SUBJECT_HISTORY,
            f"FROM {_rows_of(file)}",
            f"SEMI JOIN {WAREHOUSE_SUBJECTS.name} USING (subject) "
            f"ANTI JOIN {changed(SUBJECT_HISTORY)} USING (subject, snapshot)",
        )


def history_of_absent(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], wanted: Collection[str]
) -> pa.Table | None:
    """Return the history that files have, as far as they can be read, of those subjects wanted that are not here."""
    columns, key = ", ".join(SUBJECT_HISTORY.schema.names), ", ".join(SUBJECT_HISTORY.key)
    connection.execute(f"CREATE TEMP TABLE history_of_absent AS FROM {changed(SUBJECT_HISTORY)} LIMIT 0")
    for file in files:
        with passed_over():
            connection.execute(
                f"INSERT INTO history_of_absent SELECT {columns} FROM {_rows_of(file)} "  # noqa: S608 - of the contract
                f"ANTI JOIN {WAREHOUSE_SUBJECTS.name} USING (subject) ANTI JOIN history_of_absent USING ({key})"
            )
    absent = [subject for (subject,) in connection.execute("SELECT DISTINCT subject FROM history_of_absent").fetchall()]
    kept = [subject for subject in absent if subject in wanted]
    if not kept:
        return None
    chosen = f"FROM history_of_absent WHERE subject IN {_listed(kept)} ORDER BY {key}"
    return connection.sql(chosen).to_arrow_table().cast(SUBJECT_HISTORY.schema)


def make_authors(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the rows of the authors of all works that were touched."""
    _touch(
        connection,
        "author_key",
        f"SELECT author_key FROM {changed(WORK_AUTHORS)} UNION "  # noqa: S608 - of here
        f"SELECT author_key FROM before_{WORK_AUTHORS.name} SEMI JOIN touched_work_key USING (work_key)",
    )
    connection.execute(sql_text("helpers/warehouse_authors"))
    for table in _OF_AUTHORS:
        connection.execute(f"CREATE TEMP VIEW {table.name} AS FROM {changed(table)}")
        _insert(connection, table, sql_text(table.sql))


def show_files(connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> None:
    """Let tables have the rows of files that were made of them, as checks should see them."""
    for name, file in files.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {_rows_of(file)}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW author_books AS FROM {WORK_AUTHORS.name}")


def make_gone(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the keys that are gone, of each table that others refer to, in `gone_<table>`."""
    for table in dict.fromkeys(reference.table for one in WAREHOUSE_TABLES for reference in one.references):
        key, owner = ", ".join(table.key), _OWNERS[table.name]
        connection.execute(
            f"CREATE TEMP TABLE gone_{table.name} AS SELECT {key} FROM before_{table.name} "  # noqa: S608 - of the contract
            f"SEMI JOIN touched_{owner} USING ({owner}) ANTI JOIN {changed(table)} USING ({key})"
        )


def in_order(connection: duckdb.DuckDBPyConnection, table: Table, file: Path | None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table by its key; `file`: where those lie that stay, if there are any."""
    columns, key, owner = ", ".join(table.schema.names), ", ".join(table.key), _OWNERS[table.name]
    counts = f"SELECT (SELECT count(*) FROM {changed(table)}), (SELECT count(*) FROM touched_{owner})"  # noqa: S608 - of here
    if file and max(connection.execute(counts).fetchall()[0]) <= _FEW_ROWS:
        coming = connection.sql(f"SELECT {columns} FROM {changed(table)} ORDER BY {key}").to_arrow_table()  # noqa: S608
        touched = connection.sql(f"FROM touched_{owner}").to_arrow_table()[owner].combine_chunks()
        yield from replaced(file, table.key, (owner, touched), coming.cast(table.schema))
    else:
        _show(connection, table)
        yield from connection.sql(f"SELECT {columns} FROM {table.name} ORDER BY {key}").to_arrow_reader(_BATCH_ROWS)  # noqa: S608


def _show(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Let a table have the rows that changed, and those that stay."""
    columns = ", ".join(table.schema.names)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {table.name} AS SELECT {columns} FROM {changed(table)} "  # noqa: S608 - of the contract
        f"UNION ALL SELECT {columns} FROM ({_kept(table)})"
    )


def _kept(table: Table) -> str:
    """Return the query for the rows of a table that stay."""
    owner = _OWNERS[table.name]
    return f"FROM before_{table.name} ANTI JOIN touched_{owner} USING ({owner})"


def _touch_subjects(connection: duckdb.DuckDBPyConnection, subjects: Collection[str]) -> None:
    chosen = _listed(subjects)
    # What is touched has no rows that stay, and history does.
    _insert(connection, SUBJECT_HISTORY, _kept(SUBJECT_HISTORY), f"WHERE subject IN {chosen}")
    _touch(connection, "subject", f"SELECT unnest([{chosen[1:-1]}]) AS subject", _OF_SUBJECTS)
    _touch(connection, "work_key", f"SELECT work_key FROM {WORKS.name} WHERE fetched_for IN {chosen}")  # noqa: S608 - quoted


def _touch(connection: duckdb.DuckDBPyConnection, owner: str, keys: str, tables: Sequence[Table] | None = None) -> None:
    """Take away the rows of what a query finds, of all tables of its kind or some."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE touching AS {keys}")
    connection.execute(f"INSERT INTO touched_{owner} FROM touching ANTI JOIN touched_{owner} USING ({owner})")
    for table in _TABLES[owner] if tables is None else tables:
        connection.execute(f"DELETE FROM {changed(table)} WHERE {owner} IN (FROM touching)")  # noqa: S608 - of here


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: str, condition: str = "") -> None:
    columns = ", ".join(table.schema.names)
    connection.execute(f"INSERT INTO {changed(table)} SELECT {columns} FROM ({rows}) AS rows {condition}")  # noqa: S608


def _keep_changes(connection: duckdb.DuckDBPyConnection, history: str, known: str) -> None:
    """Take from what is known how many works came and went, where the snapshot that would tell it again is gone."""
    connection.execute(
        f"UPDATE {history} AS made SET works_added = known.works_added, works_removed = known.works_removed "  # noqa: S608
        f"FROM ({known}) AS known "
        "WHERE known.subject = made.subject AND known.snapshot = made.snapshot AND made.works_added IS NULL"
    )


def _listed(subjects: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, subjects))})"


def _rows_of(file: Path) -> str:
    return f"read_parquet({quoted(literal_path(str(file)))}, hive_partitioning = false)"
