"""Tables from tables: runs the SQL of a table in DuckDB on its inputs, and checks the result."""

import atexit
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import duckdb
import pyarrow as pa

from openlib_assets.lake.contract import REJECTED_WORKS, SQL_TYPES, Check, Table
from openlib_assets.lake.duckdb_storage import Option
from openlib_assets.lake.preview import Preview
from openlib_assets.lake.table_files import TableFile
from openlib_assets.storage.errors import OpenlibError

_MEMORY_LIMIT = "1GB"
_BATCH_ROWS = 65_536
# A file up to this size is loaded into a table, and queried with one thread: for so little data, planning a query over
# a file and waking other threads cost several times as much as the query itself.
_SMALL_BYTES = 2 << 20
_RECEIVED = "helpers/received"
_WORKS = "helpers/works"
_LOOKED_BACK_ON = ("books", "author_lists", "snapshot")
# Functions for all tables.
FUNCTIONS = ("helpers/spellings", "helpers/subject_keys", "helpers/json", "helpers/isbns")
# What helpers of these names make of `raw_details`.
OF_DETAILS = ("documents", "received_isbns")
# What sql/helpers/works.sql makes of `raw_works`, less `rejected_works`.
_RECORDS = ("parseable_works", "listed_authors", "author_lists")
_OF_FILES = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.InvalidInputException,
    duckdb.SerializationException,
)
_starting = threading.Lock()
_large = threading.Lock()


@dataclass(frozen=True)
class Row:
    """A table of one row, by column, or of none that has the same columns."""

    values: Mapping[str, str | int | float | datetime]
    is_there: bool = True

    def left_out(self) -> "Row":
        """Return the table without its row."""
        return replace(self, is_there=False)

    def query(self) -> str:
        """Return the query that gives it."""
        values = ", ".join(f"{_literal(value)} AS {column}" for column, value in self.values.items())
        return f"SELECT {values} LIMIT {int(self.is_there)}"


# A table of the contract stands for itself without rows.
Relation: TypeAlias = TableFile | pa.Table | Row | Table


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found: the numbers it looked at, none where there was nothing to look at, and whether they pass."""

    check: Check
    passed: bool
    numbers: Mapping[str, int | float | str | None]

    def line(self) -> str:
        """Return the outcome as one line."""
        numbers = ", ".join(f"{name} {value}" for name, value in self.numbers.items() if value is not None)
        return f"check {self.check.name} {'passed' if self.passed else 'failed'}: {numbers}"


class CheckFailedError(OpenlibError):
    """A blocking check failed of `table`; `outcomes` are those of all of its checks."""

    def __init__(self, table: Table, outcomes: list[CheckOutcome]) -> None:
        failed = [outcome for outcome in outcomes if outcome.check.blocking and not outcome.passed]
        reasons = "; ".join(f"{outcome.line()} ({outcome.check.description})" for outcome in failed)
        super().__init__(f"{table.name}: {reasons}")
        self.table = table
        self.outcomes = outcomes


def is_of_files(error: Exception) -> bool:
    """Tell whether an error of DuckDB, Arrow or the system is of a file, a disk or the memory, not a mistake of ours.

    Of a damaged page DuckDB raises an error of no kind, or says that its input is invalid.
    """
    return not isinstance(error, duckdb.Error) or isinstance(error, _OF_FILES) or type(error) is duckdb.Error


@dataclass(frozen=True)
class Built:
    """A table just made, still in DuckDB."""

    table: Table
    outcomes: list[CheckOutcome]
    rows: int
    connection: duckdb.DuckDBPyConnection

    preview: Preview = field(default_factory=Preview)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, in order."""
        rows = self.connection.execute(f"FROM {self.table.name}")
        yield from self.preview.noticed(rows.to_arrow_reader(_BATCH_ROWS))


@contextmanager
def built(
    table: Table,
    inputs: Mapping[str, Relation],
    previous: Mapping[str, Relation] | None = None,
    prepare: Callable[[duckdb.DuckDBPyConnection], object] | None = None,
) -> Iterator[Built]:
    """Lend `table` as its SQL makes it from `inputs`, which have the names that the SQL uses.

    `previous` is `raw_works` and `snapshot` of the snapshot before, for a table that looks back; None without one.
    `prepare` lets the connection know what the SQL needs besides.
    Raises CheckFailedError when a blocking check fails.
    """
    with connected(inputs) as connection:
        if prepare:
            prepare(connection)
        if table.looks_back and previous:
            _keep_previous(connection, previous, inputs)
        for helper in _helpers(table):
            connection.execute(sql_text(helper))
        if table.looks_back and not previous:
            for name in _LOOKED_BACK_ON:
                connection.execute(f"CREATE TEMP TABLE previous_{name} AS FROM {name} LIMIT 0")
        # Without a snapshot before, there is nothing to compare with, and nothing is compared.
        end = " LIMIT 0" if table.looks_back and not previous else ""
        (rows,) = connection.execute(f"CREATE TEMP TABLE {table.name} AS {sql_text(table.sql)}{end}").fetchall()[0]
        outcomes = run_checks(connection, table)
        yield Built(table, outcomes, rows, connection)


@cache
def _helpers(table: Table) -> tuple[str, ...]:
    """Return the names of the SQL files that the table's SQL builds on."""
    sql = sql_text(table.sql)
    of_details = tuple(f"helpers/{name}" for name in OF_DETAILS if name in sql)
    if "received_works" in sql:
        return (_RECEIVED, *of_details)
    return (_RECEIVED, _WORKS, *of_details) if any(name in sql for name in _RECORDS) else of_details


def read_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection that knows `raw_works` and `rejected_works` know what sql/helpers/works.sql makes of them."""
    connection.execute(sql_text(_RECEIVED))
    connection.execute(sql_text(_WORKS))


@contextmanager
def connected(inputs: Mapping[str, Relation], *, is_small: bool | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection that knows each input by its name; it keeps to its memory and spills to disk.

    Of large inputs, one connection is lent at a time; another thread waits for it to come back. Without inputs it is
    for whatever its views will read, which may be large unless the caller knows that it `is_small`.
    """
    if is_small is None:
        is_small = bool(inputs) and all(map(_is_small, inputs.values()))
    with _starting:
        engine = _engine(threads=1 if is_small else None)
    with nullcontext() if is_small else _large, engine.cursor() as connection:
        connection.execute("SET enable_progress_bar = false")
        for name, relation in inputs.items():
            _give(connection, name, relation)
        yield connection


def _is_small(relation: Relation) -> bool:
    if isinstance(relation, Row | Table):
        return True
    size = relation.bytes if isinstance(relation, TableFile) else relation.nbytes
    return bool(size <= _SMALL_BYTES)


def _give(connection: duckdb.DuckDBPyConnection, name: str, relation: Relation) -> None:
    """Register a relation with a connection under a name."""
    if isinstance(relation, TableFile):
        kind = "TABLE" if _is_small(relation) else "VIEW"
        connection.execute(f"CREATE TEMP {kind} {name} AS {read_rows(relation)}")
    elif isinstance(relation, Row):
        connection.execute(f"CREATE TEMP VIEW {name} AS {relation.query()}")
    elif isinstance(relation, Table):
        columns = ", ".join(f"{column.name} {SQL_TYPES[column.type]}" for column in relation.columns)
        connection.execute(f"CREATE TEMP TABLE {name} ({columns})")
    else:
        connection.register(name, relation)


def read_rows(table: TableFile) -> str:
    """Return the query for the rows of a table's file."""
    return f"FROM read_parquet({quoted(literal_path(str(table.file)))}, hive_partitioning = false)"


def _literal(value: str | int | float | datetime) -> str:
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat()}'"
    if isinstance(value, float):
        return f"{value!r}::DOUBLE"
    return f"{value}::BIGINT" if isinstance(value, int) else quoted(value)


def quoted(text: str) -> str:
    """Return a text as SQL's literal."""
    return "'" + text.replace("'", "''") + "'"


def _give_instead(connection: duckdb.DuckDBPyConnection, name: str, relation: Relation) -> None:
    _drop(connection, name)
    _give(connection, name, relation)


def _drop(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.unregister(name)
    for kind in ("TABLE", "VIEW"):
        with suppress(duckdb.CatalogException):  # it is of the other kind
            connection.execute(f"DROP {kind} IF EXISTS temp.{name}")


def literal_path(path: str) -> str:
    """Return a path in which DuckDB finds no pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def _keep_previous(
    connection: duckdb.DuckDBPyConnection, previous: Mapping[str, Relation], inputs: Mapping[str, Relation]
) -> None:
    """Put what a table looks back on beside its inputs, made from the snapshot before by the same SQL."""
    for name, relation in previous.items():
        _give_instead(connection, name, relation)
    connection.execute(sql_text(_RECEIVED))
    connection.execute(f"CREATE TEMP TABLE previous_rejected_works AS {sql_text(REJECTED_WORKS.sql)}")
    _drop(connection, REJECTED_WORKS.name)
    connection.execute(f"CREATE TEMP VIEW {REJECTED_WORKS.name} AS FROM previous_rejected_works")
    connection.execute(sql_text(_WORKS))
    connection.execute(f"CREATE TEMP TABLE previous_books AS {sql_text('silver/books')}")
    connection.execute("CREATE TEMP TABLE previous_author_lists AS FROM author_lists")
    connection.execute("CREATE TEMP TABLE previous_snapshot AS FROM snapshot")
    for name in (*previous, REJECTED_WORKS.name):
        _give_instead(connection, name, inputs[name])


@cache
def _engine(*, threads: int | None) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB of the process, since starting one costs more than a small table; temporaries are a cursor's.

    Without `threads`, it has as many as there are cores.
    """
    spill = tempfile.mkdtemp(prefix="openlib-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    config: dict[str, Option] = {"memory_limit": _MEMORY_LIMIT, "temp_directory": spill}
    engine = duckdb.connect(config=config | ({"threads": threads} if threads else {}))
    engine.execute("SET GLOBAL TimeZone = 'UTC'")
    for name in FUNCTIONS:
        engine.execute(sql_text(name))
    return engine


def run_checks(
    connection: duckdb.DuckDBPyConnection, table: Table, checks: Sequence[Check] | None = None
) -> list[CheckOutcome]:
    """Run checks of a table that the connection knows, with its inputs, by name; raises CheckFailedError.

    They are all of its checks, unless others are given.
    """
    checks = table.all_checks if checks is None else checks
    # Together, since planning a query takes longer than to run it; by position, since no order of joins is sought then.
    queries = " POSITIONAL JOIN ".join(
        f"(SELECT numbers, {check.passes} AS passed FROM ({check.numbers}) AS numbers)"  # noqa: S608 - from the contract
        for check in checks
    )
    found = connection.execute(f"FROM {queries}").fetchall()[0]
    outcomes = [
        CheckOutcome(check, bool(passed), numbers or {})
        for check, numbers, passed in zip(checks, found[::2], found[1::2], strict=True)
    ]
    if any(outcome.check.blocking and not outcome.passed for outcome in outcomes):
        raise CheckFailedError(table, outcomes)
    return outcomes


@cache
def sql_text(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return files("openlib_assets").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
