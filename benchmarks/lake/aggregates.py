"""Aggregates: how many works the SQL of the two aggregates takes on one machine, in its bounded memory."""

import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import duckdb

from benchmarks.tools.figures import Baseline, Figure, Target, gigabytes
from benchmarks.tools.processes import in_own_process
from openlib_assets.lake.contract import AUTHOR_AVERAGES, AUTHOR_YEARLY_COUNTS
from openlib_assets.lake.table_files import table_file, write_table
from openlib_assets.lake.transform import built

_WORKS = 40_000_000
_LIMIT_SECONDS = 1200
# One work in four has no year. Most authors have a work or two, a few have tens of thousands.
_BOOKS = """
    SELECT
        'OL' || i || 'W' AS work_key,
        CASE WHEN i % 4 > 0 THEN 1900 + (hash(i, 'year') % 120)::BIGINT END AS first_publish_year,
        CASE WHEN i % 4 > 0 THEN 'ok' ELSE 'missing' END AS year_status
    FROM range({works}) AS works(i)
"""
_AUTHOR_BOOKS = """
    SELECT
        'OL' || (power(hash(i, 'author') / 18446744073709551616.0, 3) * {works})::BIGINT || 'A' AS author_key,
        'OL' || i || 'W' AS work_key,
        1::BIGINT AS author_position
    FROM range({works}) AS works(i)
"""
_AUTHORS = """
    SELECT
        author_key,
        'Somebody ' || author_key AS author_name,
        count(*) AS book_count,
        min(first_publish_year) AS first_year,
        max(first_publish_year) AS last_year
    FROM author_books JOIN books USING (work_key)
    GROUP BY author_key
"""


class Cost(NamedTuple):
    """What it took: seconds, and the most bytes at a time of memory and of temporary files."""

    seconds: float
    memory: int
    spilled: int


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure the two aggregates over as many works as all of Open Library has, against a tenth of them.

    Measured is the making of both tables as the assets do it: read from Parquet files, with the checks, written to
    Parquet files. Every work has one author.
    """
    with tempfile.TemporaryDirectory() as name:
        tenth, whole = (_cost(Path(name) / str(size), size) for size in (works // 10, works))
    what = f"both aggregates, {works:,} works"
    return [
        Figure(
            f"{what}: seconds",
            whole.seconds,
            "s",
            Target("<=", 40, of_ratio=True),
            Baseline(f"{works // 10:,} works", tenth.seconds),
        ),
        Figure(f"{what}: peak memory of the process", gigabytes(whole.memory), "GB", Target("<", 4)),
        Figure(f"{what}: most of it on disk at a time", gigabytes(whole.spilled), "GB"),
    ]


def _cost(folder: Path, works: int) -> Cost:
    folder.mkdir()
    in_own_process(_LIMIT_SECONDS, write_inputs, folder, works)
    return in_own_process(_LIMIT_SECONDS, make_aggregates, folder)


def write_inputs(folder: Path, works: int) -> None:
    """Write the silver tables of a catalogue of so many works, with the columns that the aggregates read."""
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(folder / "inputs")}) as connection:
        for name, query in (("books", _BOOKS), ("author_books", _AUTHOR_BOOKS), ("authors", _AUTHORS)):
            file = folder / f"{name}.parquet"
            connection.execute(f"COPY ({query.format(works=works)}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
            connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{file}')")


def make_aggregates(folder: Path) -> Cost:
    """Make both aggregates of the tables in a folder, and tell what it took."""
    tempfile.tempdir = str(folder)
    started = time.monotonic()
    with _Watched(folder) as spill:
        for table in (AUTHOR_YEARLY_COUNTS, AUTHOR_AVERAGES):
            inputs = {name: table_file(folder / f"{name}.parquet") for name in table.made_from}
            with built(table, inputs) as result:
                write_table(folder / f"{table.name}.parquet", result.batches(), table.schema)
    seconds = time.monotonic() - started
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, spill.most)


class _Watched:
    """The most bytes that the temporary files below a folder took at a time, looked at ten times a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.most = 0

    def __enter__(self) -> "_Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.most = max(self.most, sum(map(_blocks, self._folder.glob("openlib-*/*"))))


def _blocks(file: Path) -> int:
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:  # gone meanwhile
        return 0
