"""`python -m benchmarks`: measure, print, and say by the exit status whether every target is met."""

import argparse
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from rich.console import Console

from benchmarks.defs import backfill, costs, many_subjects, rebuild
from benchmarks.lake import aggregates, database, dumps, duplicates, spark, store, throughput, volume, warehouse
from benchmarks.openlibrary import pace
from benchmarks.report import reports
from benchmarks.tools.figures import Figure, measured_on, table, write_into

_BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "pace": pace.figures,
    "costs": costs.figures,
    "backfill": backfill.figures,
    "throughput": throughput.figures,
    "rebuild": rebuild.figures,
    "volume": volume.figures,
    "reports": reports.figures,
    "duplicates": duplicates.figures,
    "store": store.figures,
    "warehouse": warehouse.figures,
    "database": database.figures,
}
_SCALING: dict[str, Callable[[], list[Figure]]] = {
    "aggregates": aggregates.figures,
    "many_subjects": many_subjects.figures,
}
_DUMPS: dict[str, Callable[[], list[Figure]]] = {"dumps": dumps.figures}
# Beside DuckDB, which needs nothing else.
_SPARK = "spark"


def main() -> int:
    """Run the benchmarks that the command line names, or those of a table; give 1 if a target is missed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    every = _BENCHMARKS | _SCALING | _DUMPS
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(every)}")
    tables = parser.add_mutually_exclusive_group()
    tables.add_argument("--bench", type=Path, help=f"write the table of {', '.join(_BENCHMARKS)} into this file")
    tables.add_argument("--scaling", type=Path, help=f"write the table of {', '.join(_SCALING)} into this file")
    tables.add_argument("--dumps", type=Path, help=f"write the table of {', '.join(_DUMPS)} into this file")
    parser.add_argument(
        "--engine", choices=[_SPARK], help="dumps: measure their tables on Spark, too, and nothing else"
    )
    parser.add_argument("--works", type=int, help="dumps: measure so many works")
    parser.add_argument("--headlines", type=Path, help="write the lines that matter most into this file, too")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(every):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    file = asked.bench or asked.scaling or asked.dumps
    if file and asked.names:
        parser.error("a file takes its whole table: name no benchmark")
    if (asked.engine or asked.works) and not (asked.dumps or asked.names == ["dumps"]):
        parser.error("--engine and --works are of the benchmark dumps")
    of_dumps = spark.figures if asked.engine else dumps.figures
    every["dumps"] = partial(of_dumps, asked.works) if asked.works else of_dumps
    signal.signal(signal.SIGTERM, _interrupt)
    # Where nobody looks on, lines are not to be broken.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    measured: list[Figure] = []
    for name in asked.names or (_SCALING if asked.scaling else _DUMPS if asked.dumps else _BENCHMARKS):
        console.print(f"{name} ...")
        figures = every[name]()
        console.print(table(figures))
        measured += figures
    console.print(measured_on())
    if file:
        write_into(file, measured, asked.engine or "bench")
    if asked.headlines:
        write_into(asked.headlines, [figure for figure in measured if figure.is_headline])
    missed = [figure.what for figure in measured if figure.met is False]
    for what in missed:
        console.print(f"target missed: {what}")
    return int(bool(missed))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Let SIGTERM unwind as Ctrl-C does, so that every process is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
