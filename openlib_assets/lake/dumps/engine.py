"""DuckDB for tables as large as Open Library: bounded in memory, spilling beside the data, with their functions."""

import sys
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

import duckdb

from openlib_assets.lake.duckdb_storage import prepare
from openlib_assets.lake.transform import FUNCTIONS, sql_text
from openlib_assets.storage import Storage

# Of 6 GB: DuckDB takes up to 0.3 GB more than it is allowed, and the lines under way are outside of it.
MEMORY_LIMIT = "4GB"
# What the largest sort of a whole catalogue would put on disk (docs/dumps.md).
SPILL_LIMIT = "40GB"
# How often a query is told to end until it does: there may be another one after it.
_INSIST_SECONDS = 0.1

Result = TypeVar("Result")


@contextmanager
def catalogue_engine(storage: Storage, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB of its own that can read the storage, and spills into a folder."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(spill),
        "max_temp_directory_size": SPILL_LIMIT,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        prepare(connection, storage)
        connection.execute(helpers_text())
        yield connection


def interruptibly(connection: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """Return what `work` does with a connection, in a thread of its own; whatever interrupts this one ends it at once.

    DuckDB looks for signals between its tasks only, and a task may read a whole file.
    """
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(work)
        try:
            return under_way.result()
        finally:
            while not under_way.done():
                connection.interrupt()
                wait([under_way], _INSIST_SECONDS)


@cache
def helpers_text() -> str:
    """Return the SQL of all functions that the steps use."""
    return "\n".join([*map(sql_text, FUNCTIONS), _folded_digits(), sql_text("helpers/dumps")])


def _folded_digits() -> str:
    """Return the SQL of the function that writes the digits of all scripts as those of ASCII.

    DuckDB has none; it is asked for the few dates that have other digits.
    """
    digits = [chr(code) for code in range(128, sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Nd"]
    values = "".join(str(unicodedata.decimal(digit)) for digit in digits)
    return f"CREATE OR REPLACE MACRO folded_digits(text) AS translate(text, '{''.join(digits)}', '{values}');"
