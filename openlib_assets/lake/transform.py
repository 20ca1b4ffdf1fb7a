"""Tables from tables: runs the SQL of a table with DuckDB on Arrow data and checks what comes out. No I/O."""

import atexit
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from openlib_assets.lake.contract import Check, Table
from openlib_assets.storage.errors import OpenlibError

Relation: TypeAlias = ds.Dataset | pa.Table

_MEMORY_LIMIT = "1GB"
_BATCH_ROWS = 65_536
_PREVIEW_ROWS = 5
_LOOKED_BACK_ON = ("books", "author_lists", "snapshot")
_starting = threading.Lock()


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found: the numbers it looked at, and whether they pass."""

    check: Check
    passed: bool
    numbers: Mapping[str, int | float | None]

    def line(self) -> str:
        """Return the outcome as one line."""
        numbers = ", ".join(f"{name} {value}" for name, value in self.numbers.items())
        return f"check {self.check.name} {'passed' if self.passed else 'failed'}: {numbers}"


class CheckFailedError(OpenlibError):
    """A blocking check found numbers that must not flow on; `outcomes` holds all of the table's checks."""

    def __init__(self, table: Table, outcomes: list[CheckOutcome]) -> None:
        failed = [outcome for outcome in outcomes if outcome.check.blocking and not outcome.passed]
        reasons = "; ".join(f"{outcome.line()} ({outcome.check.description})" for outcome in failed)
        super().__init__(f"{table.name}: {reasons}")
        self.outcomes = outcomes


@dataclass(frozen=True)
class Built:
    """A table just made, still in DuckDB."""

    table: Table
    outcomes: list[CheckOutcome]
    rows: int
    connection: duckdb.DuckDBPyConnection

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows, in order."""
        yield from self.connection.sql(f"FROM {self.table.name}").to_arrow_reader(_BATCH_ROWS)

    def preview(self) -> pa.Table:
        """Return the first rows."""
        return self.connection.sql(f"FROM {self.table.name} LIMIT {_PREVIEW_ROWS}").to_arrow_table()


@contextmanager
def built(
    table: Table, inputs: Mapping[str, Relation], previous: Mapping[str, Relation] | None = None
) -> Iterator[Built]:
    """Lend `table` as its SQL makes it from `inputs`, which are named as the SQL names them.

    `previous` is `raw_works` and `snapshot` of the snapshot before, for a table that looks back; None without one.
    Raises CheckFailedError when a blocking check fails.
    """
    with connected(inputs) as connection:
        if table.looks_back and previous:
            _keep_previous(connection, previous, inputs)
        if "raw_works" in inputs:
            connection.execute(sql_text("helpers/works"))
        if table.looks_back and not previous:
            for name in _LOOKED_BACK_ON:
                connection.execute(f"CREATE TEMP TABLE previous_{name} AS FROM {name} LIMIT 0")
        connection.execute(f"CREATE TEMP TABLE {table.name} AS {sql_text(table.sql)}")
        outcomes = run_checks(connection, table)
        (rows,) = connection.sql(f"SELECT count(*) FROM {table.name}").fetchall()[0]  # noqa: S608
        yield Built(table, outcomes, rows, connection)


@contextmanager
def connected(inputs: Mapping[str, Relation]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB connection on which each input is a view; it keeps to its memory and spills to disk."""
    with _starting:
        engine = _engine()
    with engine.cursor() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for name, relation in inputs.items():
            connection.register(name, relation)
        yield connection


def _keep_previous(
    connection: duckdb.DuckDBPyConnection, previous: Mapping[str, Relation], inputs: Mapping[str, Relation]
) -> None:
    """Put what a table looks back on beside its inputs, made from the snapshot before by the same SQL."""
    for name, relation in previous.items():
        connection.register(name, relation)
    connection.execute(sql_text("helpers/works"))
    connection.execute(f"CREATE TEMP TABLE previous_books AS {sql_text('silver/books')}")
    connection.execute("CREATE TEMP TABLE previous_author_lists AS FROM author_lists")
    connection.execute("CREATE TEMP TABLE previous_snapshot AS FROM snapshot")
    for name in previous:
        connection.register(name, inputs[name])


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return the process's one DuckDB, since starting it costs more than a small table; temporaries are a cursor's."""
    spill = tempfile.mkdtemp(prefix="openlib-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    engine = duckdb.connect(config={"memory_limit": _MEMORY_LIMIT, "temp_directory": spill})
    engine.execute(sql_text("helpers/spellings"))
    return engine


def run_checks(connection: duckdb.DuckDBPyConnection, table: Table) -> list[CheckOutcome]:
    """Run the checks of a table that the connection knows, with its inputs, by name; raises CheckFailedError."""
    checks = table.all_checks
    # One statement: for a small table, planning a query costs more than running it.
    columns = ", ".join(f"numbers_{place}, passed_{place}" for place in range(len(checks)))
    rows = ", ".join(
        f"(SELECT numbers AS numbers_{place}, {check.passes} AS passed_{place} FROM ({check.numbers}) AS numbers)"  # noqa: S608 - from the contract
        for place, check in enumerate(checks)
    )
    found = connection.execute(f"SELECT {columns} FROM {rows}").fetchall()[0]  # noqa: S608 - from the contract
    outcomes = [
        CheckOutcome(check, bool(passed), numbers)
        for check, numbers, passed in zip(checks, found[::2], found[1::2], strict=True)
    ]
    if any(outcome.check.blocking and not outcome.passed for outcome in outcomes):
        raise CheckFailedError(table, outcomes)
    return outcomes


@cache
def sql_text(name: str) -> str:
    """Return the text of `sql/<name>.sql`."""
    return files("openlib_assets").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
