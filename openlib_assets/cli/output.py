"""How commands print tables."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any


def print_rows(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows as a table; text as it is, numbers to the right, null as nothing."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(box=box.SIMPLE)
    for column, heading in enumerate(headings):
        numeric = all(isinstance(row[column], int | float) or row[column] is None for row in rows)
        table.add_column(heading, justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(value)) for value in row))
    terminal = sys.stdout.isatty()
    # Where nobody looks on, lines are not to be broken.
    console = Console(highlight=False, width=None if terminal else 10_000)
    console.print(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
