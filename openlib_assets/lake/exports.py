"""CSV files for people: UTF-8, RFC 4180 quoting, LF, null as nothing, lists joined with ` | `."""

import csv
import io
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from openlib_assets.lake.contract import Table
from openlib_assets.lake.table_files import TableFile

LIST_SEPARATOR = " | "

_BATCH_ROWS = 8_192

# Spreadsheets take a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA_STARTS = tuple("=+-@\t\r")

# csv quotes no empty text, and before Python 3.13 no carriage return either. These stand for them until the line is
# written: no text of Arrow's holds a lone surrogate, and csv quotes what has a line feed.
_EMPTY = "\udc00"
_RETURN = "\udc01\n"


def write_csv_file(file: Path, table: Table, rows: TableFile, *, excel_safe: bool = False) -> None:
    """Write a table as one CSV file.

    `excel_safe` puts an apostrophe before each text that a spreadsheet would run as a formula; the values are then no
    longer exact.
    """
    names = [column.name for column in table.columns]
    with file.open("w", encoding="utf-8", newline="") as opened:
        opened.write(",".join(names) + "\n")
        for batch in rows.batches(names, _BATCH_ROWS):
            fields = [_fields(column, excel_safe=excel_safe) for column in batch.columns]
            lines = io.StringIO(newline="")
            csv.writer(lines, lineterminator="\n").writerows(zip(*fields, strict=True))
            opened.write(lines.getvalue().replace(_EMPTY, '""').replace(_RETURN, "\r"))


def _fields(column: pa.Array, *, excel_safe: bool) -> list[Any]:
    """Return what to give csv for each value; None becomes nothing, a number what Python shows of it."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.string())  # true and false
    values: list[Any] = _joined(column) if pa.types.is_list(column.type) else column.to_pylist()
    if not (pa.types.is_list(column.type) or pa.types.is_string(column.type)):
        return values
    if excel_safe:
        values = [f"'{text}" if text and text.startswith(_FORMULA_STARTS) else text for text in values]
    return [_EMPTY if text == "" else text and text.replace("\r", _RETURN) for text in values]


def _joined(lists: pa.ListArray) -> list[str | None]:
    # A Python list of each would cost more than the join; pc.binary_join imports pandas to take the separator.
    texts = iter(lists.flatten().to_pylist())
    lengths = pc.list_value_length(lists).to_pylist()
    return [None if length is None else LIST_SEPARATOR.join(islice(texts, length)) for length in lengths]
