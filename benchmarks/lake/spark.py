"""Spark: what the steps of a dump take there, with one worker and with two, beside DuckDB, and from where that pays.

Needs Java and pyspark. All run on this machine: a worker has one core, DuckDB has all.
"""

import os
import tempfile
from collections.abc import Mapping
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


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure the steps from the files of a dump to its lake on both engines, and say what that means for all works.

    A quarter of the works tells what Spark takes however few they are. Of the rest, a second worker takes half of what
    workers share; what it leaves is what none can take, since a file is decompressed by one.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (works // _SMALLER, works):
            write_bulk_dumps(folder / str(size), _DAY, size)
        duckdb = in_own_process(_LIMIT_SECONDS, build, folder / str(works), folder / "duckdb")
        one = _on_spark(folder, works, 1)
        two = _on_spark(folder, works, 2)
        few = _on_spark(folder, works // _SMALLER, 2)
    what = f"dump of {works:,} works"
    baseline = Baseline("DuckDB", duckdb.seconds)
    return [
        Figure(f"{what}: Spark, one worker: seconds", one.seconds, "s", baseline=baseline),
        Figure(f"{what}: Spark, two workers: seconds", two.seconds, "s", baseline=baseline),
        Figure(f"{what}: Spark, two workers: CPU", two.cpu, "CPU s", baseline=Baseline("DuckDB", duckdb.cpu)),
        Figure(
            f"{what}: Spark, two workers: the file of {_LARGEST.name}",
            two.largest,
            "s",
            baseline=Baseline("DuckDB", duckdb.largest),
        ),
        Figure(f"dump of {works // _SMALLER:,} works: Spark, two workers: seconds", few.seconds, "s"),
        *_extrapolated(works, duckdb, one, two, few),
    ]


def _extrapolated(works: int, duckdb: Cost, one: Cost, two: Cost, few: Cost) -> list[Figure]:
    """Return what all works would take by these: on Spark `start + works * (alone + shared / workers)` seconds."""
    shared = 2 * (one.seconds - two.seconds) / works
    each = (two.seconds - few.seconds) / (works - works // _SMALLER)
    alone, start = each - shared / 2, two.seconds - works * each
    of_duckdb = duckdb.seconds / works * _ALL_WORKS
    not_shared, to_share = start + alone * _ALL_WORKS, shared * _ALL_WORKS
    what = f"all {_ALL_WORKS / 1e6:.1f} M works, extrapolated"
    found = [
        Figure(f"{what}: DuckDB", of_duckdb / 60, "minutes"),
        Figure(f"{what}: Spark, what no worker takes off it", not_shared / 60, "minutes"),
        Figure(f"{what}: Spark, what workers share", to_share / 60, "minutes"),
    ]
    if to_share > 0 and of_duckdb > not_shared:
        workers = to_share / (of_duckdb - not_shared)
        found.append(Figure(f"{what}: workers of one core with which Spark is as fast as DuckDB", workers, "workers"))
    return found


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
