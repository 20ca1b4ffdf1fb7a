"""Dumps: what it takes to build the catalogue of two million works, to read one subject of it, and to run from it."""

import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.tools.bulk_dumps import write_bulk_dumps
from benchmarks.tools.figures import Baseline, Figure, Target, gigabytes
from benchmarks.tools.processes import in_own_process
from benchmarks.tools.runs import good_run
from openlib_assets.lake.dumps.lakes import building, publish_lake
from openlib_assets.lake.dumps.lookup import works_of_subject
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.lake.functions import all_functions
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.deployment import sandbox_process

_WORKS = 2_000_000
_DAY = date(2026, 8, 31)
_DATE = str(_DAY)
# Of Open Library's own dump of that day: works, editions and authors (docs/dumps.md).
_FULL = 41_591_088 + 56_728_501 + 15_412_139
_CORES = 2
_LIMIT_SECONDS = 3600
_SIZES = {30: 0.2, 3_000: 0.3, 75_000: 1.0}
_SMALL_SUBJECTS, _SMALL_WORKS = 100, 30
_RECORDS = {"works": "work", "editions": "edition", "authors": "author", "redirects": "redirect"}


@dataclass(frozen=True)
class Cost:
    """What a step took: CPU and wall seconds."""

    what: str
    cpu: float
    wall: float


@dataclass(frozen=True)
class Building:
    """What the lake took, step by step, its lines of records, and the peak of memory in bytes."""

    costs: list[Cost]
    lines: int
    peak_bytes: int
    lake_bytes: int


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure the steps from the files of a dump to its lake, look-ups in it, and runs of many small subjects from one.

    The baseline of the steps decompresses the same files by DuckDB's `read_csv` and reads by `from_json` what the steps
    want of each record, nothing else.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bulk_dumps(folder / "files", _DAY, works)
        before = in_own_process(_LIMIT_SECONDS, read_only, folder / "files")
        built = in_own_process(_LIMIT_SECONDS, build, folder / "files", folder / "lake")
        after = in_own_process(_LIMIT_SECONDS, read_only, folder / "files")
        found = in_own_process(_LIMIT_SECONDS, look_up, folder / "lake")
    baseline = (before.cpu + after.cpu) / 2
    cpu, wall = sum(cost.cpu for cost in built.costs), sum(cost.wall for cost in built.costs)
    what = f"dump of {works:,} works"
    return [
        *(Figure(f"{what}: {cost.what}", cost.cpu, "CPU s") for cost in built.costs),
        *(Figure(f"{what}: {cost.what}, seconds", cost.wall, "s") for cost in built.costs if cost.wall > cost.cpu),
        Figure(
            f"{what}: all steps",
            cpu,
            "CPU s",
            Target("<=", 3, of_ratio=True),
            Baseline("the same files decompressed and their JSON read", baseline),
            is_headline=True,
        ),
        Figure(f"{what}: all steps, seconds", wall, "s"),
        Figure(f"{what}: peak memory", gigabytes(built.peak_bytes), "GB", Target("<=", 6)),
        Figure(f"{what}: size of the lake", gigabytes(built.lake_bytes), "GB"),
        Figure(
            f"all of Open Library, {_FULL / 1e6:.0f} M records: extrapolated by their number, on {_CORES} free cores",
            cpu * _FULL / built.lines / _CORES / 60,
            "minutes",
            Target("<", 25),
        ),
        *found,
        *_runs(),
    ]


def read_only(files: Path) -> Cost:
    """Decompress the files of a dump and read their JSON."""
    with duckdb.connect() as connection, _timed("baseline") as costs:
        connection.execute(all_functions())
        for file in FILES:
            columns = ", ".join(f"'column{number}': 'VARCHAR'" for number in range(len(file.columns)))
            path = files / file_name(file.name, _DAY)
            lines = (
                f"read_csv('{path}', delim = '\t', quote = '', escape = '', header = false, auto_detect = false, "
                f"max_line_size = 10000000, columns = {{{columns}}})"
            )
            record = _RECORDS.get(file.name)
            wanted = f"count({record}_fields(column4))" if record else "count(column3)"
            connection.execute(f"SELECT {wanted} FROM {lines}").fetchall()  # noqa: S608 - a path of ours
    return costs[0]


def build(files: Path, lake: Path) -> Building:
    """Make the lake, table by table."""
    storage, costs, lines = LocalStorage(lake), [], 0
    with building(storage, _DATE) as making:
        for file in FILES:
            with _timed(f"reading {file.name}") as cost:
                read = making.read(file, files / file_name(file.name, _DAY), _DATE)
            costs += cost
            lines += read.made.rows if file.name in ("works", "editions", "authors") else 0
        for step in STEPS:
            with _timed(step.table) as cost:
                making.make(step)
            costs += cost
        if not publish_lake(making):
            raise RuntimeError("the lake is not complete")
    size = sum(path.stat().st_size for path in lake.rglob("*") if path.is_file())
    return Building(costs, lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, size)


def look_up(lake: Path) -> list[Figure]:
    """Read the rows of subjects of several sizes, each the second time, as a process does that reads many."""
    storage = LocalStorage(lake)
    subjects = duckdb.read_parquet(f"{lake}/silver/catalogue_subjects/*/*.parquet")
    found = []
    for size, limit in _SIZES.items():
        (subject, works) = subjects.order(f"abs(works - {size}), subject").project("subject, works").fetchall()[0]
        for _ in range(2):
            began = time.perf_counter()
            rows = sum(batch.num_rows for batch in works_of_subject(storage, _DATE, subject, "payload", 10_000))
            seconds = time.perf_counter() - began
        if rows != works:
            raise RuntimeError(f"{subject}: {rows} rows instead of {works}")
        found.append(Figure(f"the {works:,} works of a subject read", seconds, "s", Target("<", limit)))
    return found


def _runs() -> Iterator[Figure]:
    """Yield what `openlib run` takes for small subjects from a dump, against an API that answers at once."""
    sizes = {f"small_{number}": _SMALL_WORKS for number in range(_SMALL_SUBJECTS)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        in_own_process(_LIMIT_SECONDS, write_small_lake, folder, sizes)
        with sandbox_process(SandboxConfig(sizes, settled=True), folder) as sandbox:
            sandbox.warm()
            api = good_run(folder / "api", sandbox.url, *sizes, seconds=_LIMIT_SECONDS)
            from_dump = {"OPENLIB_SOURCE": "dump", "OPENLIB_STORAGE": str(folder / "lake")}
            dump = good_run(folder / "dump", sandbox.url, *sizes, seconds=_LIMIT_SECONDS, **from_dump)
    yield Figure(
        f"openlib run --source dump, {_SMALL_SUBJECTS} subjects of {_SMALL_WORKS} works",
        dump.seconds,
        "s",
        Target("<=", 1, of_ratio=True),
        Baseline("the same from an API without latency", api.seconds),
    )


def write_small_lake(folder: Path, sizes: Mapping[str, int]) -> None:
    """Write the dumps of a sandbox, and make the lake of them."""
    with Sandbox(SandboxConfig(sizes, settled=True)) as sandbox:
        sandbox.write_dumps(folder / "files", _DAY)
    build(folder / "files", folder / "lake")


@contextmanager
def _timed(what: str) -> Iterator[list[Cost]]:
    """Lend a list that has the cost of the block once that has ended."""
    costs: list[Cost] = []
    cpu, wall = time.process_time(), time.perf_counter()
    yield costs
    costs.append(Cost(what, time.process_time() - cpu, time.perf_counter() - wall))
