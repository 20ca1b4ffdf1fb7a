"""Figures that several documents tell are the same in all of them, and a ratio is told with what it is a ratio to."""

import re

import pytest

from openlib_assets_tests.docs.presentation import measured
from openlib_assets_tests.tools.deployment import PROJECT_ROOT

README, BENCHMARKS, SCALING = "README.md", "docs/benchmarks.md", "docs/scaling.md"
RATIO, BASELINE = 3, 2


def rows(document: str) -> list[list[str]]:
    """Return the cells of the lines that `make bench` or `make bench-scaling` wrote into a document."""
    text = (PROJECT_ROOT / document).read_text(encoding="utf-8")
    table = text.partition("<!-- bench -->")[2].partition("<!-- /bench -->")[0]
    lines = re.findall(r"^\| (.*) \|$", table, re.MULTILINE)
    return [line.split(" | ") for line in lines if not line.startswith(("what ", "---"))]


def test_the_readme_shows_a_few_lines_of_the_benchmarks() -> None:
    shown = rows(README)
    assert len(shown) == 5
    assert [row for row in shown if row not in rows(BENCHMARKS)] == []


@pytest.mark.parametrize("document", [README, BENCHMARKS, SCALING])
def test_a_ratio_has_a_baseline_that_is_named(document: str) -> None:
    found = rows(document)
    assert any(row[RATIO].strip() for row in found)
    assert [row for row in found if row[RATIO].strip() and not re.search(r"\(.+\)", row[BASELINE])] == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("1,000,000 in one subject", "openlib run, 1,000,000 works: seconds"),
        ("1,000,000 in one subject", "openlib run, 1,000,000 works: peak memory of the process"),
    ],
)
def test_what_ends_first_tells_the_measured_figures(words: str, line: str) -> None:
    text = (PROJECT_ROOT / SCALING).read_text(encoding="utf-8")
    (told,) = re.findall(rf"^\| {words} .*$", text, re.MULTILINE)
    assert measured(line) in told


@pytest.mark.parametrize("what", ["seconds", "most of it on disk at a time"])
def test_what_ends_first_tells_the_figures_of_the_table_below_it(what: str) -> None:
    text = (PROJECT_ROOT / SCALING).read_text(encoding="utf-8")
    (told,) = re.findall(r"^\| 40,000,000 .*$", text, re.MULTILINE)
    (figure,) = (row[1] for row in rows(SCALING) if row[0] == f"both aggregates, 40,000,000 works: {what}")
    assert figure in told
