"""How commands print: tables, JSON, and characters that the output cannot show."""

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click

from openlib_assets.report.words import harmless

if TYPE_CHECKING:
    from rich.console import Console

_ADDRESS = re.compile(r"s3:|[a-z][a-z0-9+.-]+://", re.IGNORECASE)


class LocalPath(click.Path):
    """A path on this machine, as a Path: an address such as one on S3 would become one of a folder called `s3:`."""

    def __init__(self, *, dir_okay: bool = True) -> None:
        super().__init__(dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; an address is refused."""
        if _ADDRESS.match(str(value)):
            self.fail(f"{value} is not on this machine; name a file or folder here, and copy it from there", param, ctx)
        return super().convert(value, param, ctx)


def escape_what_cannot_be_shown() -> None:
    r"""Make standard output write characters that its encoding lacks as `\u0444`, instead of failing on them.

    Standard error does so by default.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def progress_console() -> "Console":
    """Return a console on standard error for what is under way.

    Work goes on where nobody reads that any more, or no room is left for it.
    """
    from rich.console import Console

    return Console(file=cast("IO[str]", _Unfailing()), highlight=False)


class _Unfailing(io.TextIOBase):
    """Standard error, of which it does not matter whether it can be written."""

    encoding = property(lambda _: sys.stderr.encoding)

    def isatty(self) -> bool:
        return sys.stderr.isatty()

    def fileno(self) -> int:
        return sys.stderr.fileno()

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def say_aside(line: str) -> None:
    """Print a line on standard error."""
    click.echo(line, err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON, with JSON's own escapes where the output is not UTF-8."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("_", "-") in ("utf-8", "utf8")
    click.echo(json.dumps(value, indent=2, ensure_ascii=not is_utf8))


def print_rows(
    headings: Sequence[str], rows: Iterable[Sequence[Any]], text_of: Callable[[Any], str | None] | None = None
) -> None:
    """Print rows as a table: numbers to the right, null as nothing.

    `text_of` tells how a value is shown; by default as it is, but for commas between the thousands of a count.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(box=box.SIMPLE)
    for column, heading in enumerate(headings):
        numeric = all(isinstance(row[column], int | float | Decimal) or row[column] is None for row in rows)
        table.add_column(heading, justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless((text_of or _text)(value) or "")) for value in row))
    terminal = sys.stdout.isatty()
    # Without a terminal, lines must not be broken.
    console = Console(highlight=False, width=None if terminal else 1_000_000_000)
    console.print(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
