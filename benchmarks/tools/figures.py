"""Figures: what was measured, what it is compared with, whether it is good enough, and how that is printed."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil
from rich import box
from rich.table import Table

_HEADINGS = ("what", "figure", "baseline", "ratio", "target", "met")
_GIGABYTE = 10**9


@dataclass(frozen=True)
class Target:
    """What a figure has to be; with `of_ratio`, what its ratio to the baseline has to be."""

    sense: Literal["<=", "<", ">="]
    bound: float
    of_ratio: bool = False

    def met_by(self, value: float) -> bool:
        """Tell whether a value is good enough."""
        return {"<=": value <= self.bound, "<": value < self.bound, ">=": value >= self.bound}[self.sense]


@dataclass(frozen=True)
class Baseline:
    """What a figure is compared with, in the same unit."""

    what: str
    value: float


@dataclass(frozen=True)
class Figure:
    """One line of the table. Without a target it explains another one; a headline is shown in the README, too."""

    what: str
    value: float
    unit: str
    target: Target | None = None
    baseline: Baseline | None = None
    is_headline: bool = False

    @property
    def ratio(self) -> float | None:
        """The figure over the baseline, None where that says nothing."""
        return self.value / self.baseline.value if self.baseline and self.baseline.value else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None where there is none."""
        if self.target is None:
            return None
        measured = self.ratio if self.target.of_ratio else self.value
        return measured is not None and self.target.met_by(measured)

    def cells(self) -> tuple[str, ...]:
        """Return the line as texts, in the order of the headings."""
        return (
            self.what,
            _amount(self.value, self.unit),
            f"{_amount(self.baseline.value, self.unit)} ({self.baseline.what})" if self.baseline else "",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            self._target_text(),
            {True: "yes", False: "NO", None: ""}[self.met],
        )

    def _target_text(self) -> str:
        if self.target is None:
            return ""
        if self.target.of_ratio:
            return f"ratio {self.target.sense} {self.target.bound:g}"
        return f"{self.target.sense} {_amount(self.target.bound, self.unit)}"


def gigabytes(size: float) -> float:
    """Return a number of bytes in gigabytes (10^9)."""
    return size / _GIGABYTE


def _amount(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    return f"{number} {unit}"


def table(figures: Sequence[Figure]) -> Table:
    """Return the figures as a table for a terminal."""
    shown = Table(box=box.SIMPLE)
    for heading in _HEADINGS:
        shown.add_column(heading, overflow="fold")
    for figure in figures:
        shown.add_row(*figure.cells(), style="red" if figure.met is False else None)
    return shown


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table, below what they were measured on."""
    lines = [_HEADINGS, ("---",) * len(_HEADINGS), *(figure.cells() for figure in figures)]
    return "\n".join([measured_on(), "", *(f"| {' | '.join(line)} |" for line in lines)])


def measured_on() -> str:
    """Say when and on how large a machine the figures were measured: today, on this one."""
    memory = gigabytes(psutil.virtual_memory().total)
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {memory:.0f} GB of memory, "
        f"Python {platform.python_version()}."
    )


def write_into(document: Path, figures: Sequence[Figure], mark: str = "bench") -> None:
    """Put the figures between the two marks of a name in a Markdown file; raises ValueError where it has none."""
    marks = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, begin, rest = document.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (begin and end):
        raise ValueError(f"{document}: put {' and '.join(marks)} where the table is to stand")
    document.write_text(f"{before}{begin}\n{markdown(figures)}\n{end}{after}", encoding="utf-8")
