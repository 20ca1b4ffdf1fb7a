"""Spark: what the steps of a dump take there, with one worker and with two, beside DuckDB, and from where that pays.

Needs Java and pyspark. All run on this machine: a worker has one core, DuckDB has all.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from benchmarks.tools.bulk_dumps import write_bulk_dumps
from benchmarks.tools.figures import Baseline, Figure
from benchmarks.tools.processes import in_own_process
from openlib_assets.lake.dumps.engine import DuckDBEngine
from openlib_assets.lake.dumps.lakes import building, publish_lake
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.spark_cluster import spark_cluster

_WORKS = 1_000_000
_SMALLER = 4  # so many times
_DAY = date(2026, 8, 31)
_DATE = str(_DAY)
_ALL_WORKS = 41_591_088  # of Open Library's own dump of that day (docs/dumps.md)
_LIMIT_SECONDS = 4 * 3600
_LARGEST = FILES[-1]
_SETTINGS = {"spark.driver.memory": "1g", "spark.executor.memory": "3g", "spark.sql.shuffle.partitions": "8"}


class Cost(NamedTuple):
    """What a catalogue took: seconds, those of them for the largest file, and CPU seconds."""

    seconds: float
    largest: float
    cpu: float


class Costs(NamedTuple):
    """What was measured: all works in DuckDB, by one worker and by two, and a quarter of them by two."""

    duckdb: Cost
    one: Cost
    two: Cost
    few: Cost


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure the steps from the files of a dump to its lake on both engines, and say what that means for all works."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (works // _SMALLER, works):
            write_bulk_dumps(folder / str(size), _DAY, size)
        duckdb = in_own_process(_LIMIT_SECONDS, build, folder / str(works), folder / "duckdb")
        one, two = (_on_spark(folder, works, workers) for workers in (1, 2))
        return list(told(works, Costs(duckdb, one, two, _on_spark(folder, works // _SMALLER, 2))))


def told(works: int, costs: Costs) -> Iterator[Figure]:
    """Yield the figures of what was measured, and of all works by CPU time, of which others on the machine take none.

    A quarter of the works tells what Spark takes however few they are. Of DuckDB's cores none is idle, nor of Spark's
    workers, which is the best that they can do: a file is decompressed by one.
    """
    duckdb, one, two, few = costs
    what, cores = f"dump of {works:,} works", os.cpu_count() or 1
    for workers, cost in (("one worker", one), ("two workers", two)):
        yield Figure(f"{what}: Spark, {workers}", cost.seconds, "s", baseline=Baseline("DuckDB", duckdb.seconds))
        yield Figure(f"{what}: Spark, {workers}: its tasks", cost.cpu, "CPU s", baseline=Baseline("DuckDB", duckdb.cpu))
        yield Figure(
            f"{what}: Spark, {workers}: the file of {_LARGEST.name}",
            cost.largest,
            "s",
            baseline=Baseline("DuckDB", duckdb.largest),
        )
    yield Figure(f"dump of {works // _SMALLER:,} works: Spark, two workers: its tasks", few.cpu, "CPU s")
    each = (two.cpu - few.cpu) / (works - works // _SMALLER)
    on_spark = two.cpu + each * (_ALL_WORKS - works)
    in_duckdb = duckdb.cpu / works * _ALL_WORKS / cores
    what = f"all {_ALL_WORKS / 1e6:.1f} M works, extrapolated"
    yield Figure(f"{what}: DuckDB on {cores} cores", in_duckdb / 60, "minutes")
    yield Figure(f"{what}: Spark's tasks on one core", on_spark / 60, "minutes")
    yield Figure(f"{what}: cores with which Spark takes no longer, at best", on_spark / in_duckdb, "cores")


def _on_spark(folder: Path, works: int, workers: int) -> Cost:
    place = folder / f"spark-{works}-{workers}"
    place.mkdir()
    with spark_cluster(place, workers, _SETTINGS) as cluster:
        return in_own_process(
            _LIMIT_SECONDS, build, folder / str(works), place / "lake", cluster.url, cluster.variables
        )


def build(files: Path, lake: Path, spark: str = "", variables: Mapping[str, str] | None = None) -> Cost:
    """Make the lake, on Spark at a URL or else in DuckDB, all that it takes to start included."""
    os.environ.update(variables or {})
    with building(LocalStorage(lake), _DATE, SparkEngine(spark) if spark else DuckDBEngine()) as making:
        read = [making.read(file, files / file_name(file.name, _DAY), _DATE).made for file in FILES]
        made = [*read, *(making.make(step).made for step in STEPS)]
        if not publish_lake(making):
            raise RuntimeError("the lake is not complete")
    return Cost(sum(one.seconds for one in made), read[-1].seconds, sum(one.cpu_seconds for one in made))
