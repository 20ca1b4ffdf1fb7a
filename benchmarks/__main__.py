"""`python -m benchmarks`: measure, print, and say by the exit status whether every target is met."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from rich.console import Console

from benchmarks import backfill, duplicates, pace, rebuild, throughput, volume
from benchmarks.figures import Figure, measured_on, table, write_into

_BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "pace": pace.figures,
    "backfill": backfill.figures,
    "throughput": throughput.figures,
    "rebuild": rebuild.figures,
    "volume": volume.figures,
    "duplicates": duplicates.figures,
}


def main() -> int:
    """Run the benchmarks that the command line names, or all; give the exit status: 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(_BENCHMARKS)} (default: all)")
    parser.add_argument("--readme", type=Path, help="write the table of all benchmarks into this Markdown file")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(_BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if asked.readme and asked.names:
        parser.error("--readme takes the table of all benchmarks: name none")
    signal.signal(signal.SIGTERM, _interrupt)
    # Where nobody looks on, lines are not to be broken.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    measured: list[Figure] = []
    for name in asked.names or _BENCHMARKS:
        console.print(f"{name} ...")
        figures = _BENCHMARKS[name]()
        console.print(table(figures))
        measured += figures
    console.print(measured_on())
    if asked.readme:
        write_into(asked.readme, measured)
    missed = [figure.what for figure in measured if figure.met is False]
    for what in missed:
        console.print(f"target missed: {what}")
    return int(bool(missed))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Let SIGTERM unwind as Ctrl-C does, so that every process is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
