"""Duplicates: how many possible duplicates are ones, and how many of the duplicates are found.

Measured on what the sandbox makes up: whether life is easier or harder, it cannot say.
"""

from benchmarks.tools.figures import Figure
from benchmarks.tools.processes import in_own_process
from openlib_assets_tests.tools.labelled import Accuracy, authors_accuracy, books_accuracy, sandbox_tables

_WORKS = 5_000
_SUBJECTS = 4
_LIMIT_SECONDS = 600
# From here on, possible_duplicate_books takes two authors for one.
_SURE = 0.8


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure precision (right rows of all rows) and recall (keys merged of those to merge) over several subjects."""
    accuracies = in_own_process(_LIMIT_SECONDS, measure, works)
    return [figure for name, accuracy in accuracies.items() for figure in _figures(name, accuracy)]


def measure(works: int) -> dict[str, Accuracy]:
    """Return the accuracy of either table over the subjects."""
    tables = [sandbox_tables(f"labelled_{number}", works) for number in range(_SUBJECTS)]
    return {"possible_duplicate_books": books_accuracy(tables), "possible_same_authors": authors_accuracy(tables)}


def _figures(name: str, accuracy: Accuracy) -> list[Figure]:
    sure = accuracy.from_score(_SURE)
    return [
        _figure(f"{name}, {len(accuracy.verdicts)} rows: precision", accuracy.precision),
        _figure(f"{name}, {accuracy.duplicates} duplicates: recall", accuracy.recall),
        _figure(f"{name}, {len(sure.verdicts)} rows of score {_SURE} or more: precision", sure.precision),
        _figure(f"{name}, {len(sure.verdicts)} rows of score {_SURE} or more: recall", sure.recall),
        *(
            _figure(f"{name}, {len(of_rule.verdicts)} rows by {rule}: precision", of_rule.precision)
            for rule, of_rule in accuracy.by_rule().items()
        ),
    ]


def _figure(what: str, share: float) -> Figure:
    return Figure(what, 100 * share, "%")
