"""The store's books among works: how often they are found, how often wrongly, and how long a large store takes.

Measured on what the sandbox makes up: whether life is easier or harder, it cannot say.
"""

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools.figures import Figure, Target
from benchmarks.tools.processes import in_own_process
from openlib_assets_tests.tools.labelled_store import answers, labelled_store, precision, read_catalogue, recall

_ROWS, _WORKS = 5_000, 20_000
_MANY_ROWS, _MANY_WORKS = 100_000, 200_000
_LIMIT_SECONDS = 1800
_SECONDS = Target("<", 60)


@dataclass(frozen=True)
class Found:
    """What became of the books of a store, and how many seconds it took to read its file and to find them."""

    precision: float
    recall: float
    decisions: Counter[str]
    read_seconds: float
    find_seconds: float


def figures() -> list[Figure]:
    """Measure precision of `yes`, recall of `yes` and `review`, and the time for a large store."""
    some = in_own_process(_LIMIT_SECONDS, measure, _WORKS, _ROWS)
    many = in_own_process(_LIMIT_SECONDS, measure, _MANY_WORKS, _MANY_ROWS)
    store = f"{_ROWS:,} rows of a store against {_WORKS:,} works"
    large = f"{_MANY_ROWS:,} rows against {_MANY_WORKS:,} works"
    return [
        Figure(f"{store}: precision of yes", 100 * some.precision, "%", Target(">=", 99)),
        Figure(f"{store}: recall of yes and review", 100 * some.recall, "%", Target(">=", 90)),
        *(
            Figure(f"{store}: {decision}", 100 * count / _ROWS, "%")
            for decision, count in sorted(some.decisions.items(), reverse=True)
        ),
        Figure(f"{large}: found in", many.find_seconds, "s", _SECONDS),
        Figure(f"{large}: the store's file read in", many.read_seconds, "s"),
        Figure(f"{large}: precision of yes", 100 * many.precision, "%"),
        Figure(f"{large}: recall of yes and review", 100 * many.recall, "%"),
    ]


def measure(works: int, rows: int) -> Found:
    """Find the books of a store among works."""
    store = labelled_store(works, rows)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        catalogue = read_catalogue(store.books, Path(folder))
        read = time.perf_counter()
        found = answers(store, catalogue)
        return Found(
            precision(found),
            recall(found),
            Counter(answer.decision for answer in found),
            read - began,
            time.perf_counter() - read,
        )
