"""The job of EMR Serverless in a process of this machine, with DuckDB in place of Spark.

Such a process imports this module and no other of the tests but `forked`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from openlib_assets.defs.emr import job
from openlib_assets.lake.dumps.engine import DuckDBEngine
from openlib_assets.lake.dumps.engines import Part, Place
from openlib_assets.lake.dumps.steps import LineFile
from openlib_assets_tests.tools.forked import begin, forks


class DuckDBOnS3(DuckDBEngine):
    """DuckDB, for a storage that has the files of the dump, too: it reads them where they lie, as Spark does."""

    def read(self, place: Place, file: LineFile, where: str, listener: Callable[[int], None]) -> Iterator[Part]:
        """Write the lines of a file at an address."""
        with place.storage.local_copy(where.removeprefix(f"{place.storage.uri()}/")) as path:
            yield from super().read(place, file, str(path), listener)


def run_job(arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> int:
    """Run the job to its end, and return its exit status; what it prints is in `stdout` and `stderr` in the folder."""
    process = forks().Process(target=_be_the_job, args=(arguments, variables, folder))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _be_the_job(arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> None:
    begin(variables, {1: folder / "stdout", 2: folder / "stderr"})
    # The entry point, but for Spark.
    job.SparkEngine = _engine  # type: ignore[assignment, attr-defined]
    job.main(arguments)


def _engine(_: object) -> DuckDBOnS3:
    return DuckDBOnS3()
