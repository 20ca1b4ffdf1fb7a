"""Many subjects: what thousands of small ones cost to list and to query, and what one file of them all would."""

import shutil
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.tools.figures import Baseline, Figure, gigabytes
from benchmarks.tools.processes import in_own_process
from benchmarks.tools.runs import good_run
from openlib_assets.lake.catalog import by_name, catalog
from openlib_assets.lake.contract import AUTHOR_AVERAGES
from openlib_assets.sandbox import SandboxConfig
from openlib_assets.storage import open_storage
from openlib_assets_tests.tools.deployment import sandbox_process

_SUBJECTS = 10_000
_WORKS = 30
_SUBJECT = "small"
_LIMIT_SECONDS = 600
_TOTAL = f"SELECT sum(book_count) FROM {AUTHOR_AVERAGES.name}"  # noqa: S608 - a name of the contract
_ONE = f"{_TOTAL} WHERE subject = '{_SUBJECT}_1'"
_ONE_FILE = f"COPY (FROM {AUTHOR_AVERAGES.name} ORDER BY subject, author_key) TO '{{file}}' (COMPRESSION zstd)"


def figures(subjects: int = _SUBJECTS) -> list[Figure]:
    """Measure a storage of many subjects, the files of a small one so many times, and queries over all of them.

    The baseline of the queries is DuckDB on one Parquet file of the same rows, sorted by subject.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sandbox_process(SandboxConfig({_SUBJECT: _WORKS}), folder) as sandbox:
            good_run(folder / "run", sandbox.url, _SUBJECT, seconds=_LIMIT_SECONDS)
        root = folder / "run" / "data"
        sizes = [file.stat().st_size for file in _files(root, _SUBJECT)]
        _multiply(root, subjects)
        listing = in_own_process(_LIMIT_SECONDS, seconds_to_list, str(root))
        total = in_own_process(_LIMIT_SECONDS, seconds_to_query, str(root), _TOTAL)
        one = in_own_process(_LIMIT_SECONDS, seconds_to_query, str(root), _ONE)
        file = folder / f"{AUTHOR_AVERAGES.name}.parquet"
        compacting = in_own_process(_LIMIT_SECONDS, seconds_to_query, str(root), _ONE_FILE.format(file=file))
        compact_total = in_own_process(_LIMIT_SECONDS, seconds_in_one_file, file, _TOTAL)
        compact_one = in_own_process(_LIMIT_SECONDS, seconds_in_one_file, file, _ONE)
    what = f"{subjects:,} subjects of {_WORKS} works"
    return [
        Figure(f"{what}: files", len(sizes) * subjects, "files"),
        Figure(f"{what}: size of the files", gigabytes(sum(sizes) * subjects), "GB"),
        Figure(f"{what}: listing all files on disk", listing, "s"),
        Figure(f"{what}: a query over one table of all", total, "s", baseline=Baseline("one file", compact_total)),
        Figure(f"{what}: the same for one of them", one, "s", baseline=Baseline("one file", compact_one)),
        Figure(f"{what}: putting that table into one file", compacting, "s"),
    ]


def _files(root: Path, subject: str) -> list[Path]:
    return [file for file in root.glob("*/**/*") if file.is_file() and {f"subject={subject}", subject} & {*file.parts}]


def _multiply(root: Path, subjects: int) -> None:
    for file in _files(root, _SUBJECT):
        path = file.relative_to(root).as_posix()
        for number in range(1, subjects):
            copy = root / path.replace(f"{_SUBJECT}/", f"{_SUBJECT}_{number}/", 1)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def seconds_to_list(root: str) -> float:
    """List every file of a storage."""
    started = time.monotonic()
    sum(1 for _ in open_storage(root).paths(""))
    return time.monotonic() - started


def seconds_to_query(root: str, query: str) -> float:
    """Run a query as `openlib sql` does."""
    started = time.monotonic()
    with catalog(open_storage(root), by_name([AUTHOR_AVERAGES])) as connection:
        connection.execute(query).fetchall()
    return time.monotonic() - started


def seconds_in_one_file(file: Path, query: str) -> float:
    """Run a query on a table of all subjects that is one file."""
    started = time.monotonic()
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW {AUTHOR_AVERAGES.name} AS FROM read_parquet('{file}')")
        connection.execute(query).fetchall()
    return time.monotonic() - started
