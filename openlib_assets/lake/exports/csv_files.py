"""Tables as CSV files for people."""

from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from openlib_assets.lake.contract import Table
from openlib_assets.lake.exports.csv_lines import LIST_SEPARATOR, csv_lines, marked
from openlib_assets.lake.exports.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe
from openlib_assets.lake.table_files import TableFile

_BATCH_ROWS = 8_192


def write_csv_file(file: Path, table: Table, rows: TableFile, *, excel_safe: bool = False) -> None:
    """Write a table as one CSV file.

    `excel_safe` writes it for spreadsheets: with a mark that it is UTF-8, and an apostrophe before what they would run
    as a formula or take for a number or a date. The texts are then no longer exact.
    """
    names = [column.name for column in table.columns]
    with file.open("w", encoding="utf-8", newline="") as opened:
        opened.write((BYTE_ORDER_MARK if excel_safe else "") + ",".join(names) + "\n")
        for batch in rows.batches(names, _BATCH_ROWS):
            fields = [_fields(column, excel_safe=excel_safe) for column in batch.columns]
            opened.write(csv_lines(zip(*fields, strict=True)))


def _fields(column: pa.Array, *, excel_safe: bool) -> list[Any]:
    """Return what to write for each value."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.string())  # true and false
        return list(column.to_pylist())
    values: list[Any] = _joined(column) if pa.types.is_list(column.type) else column.to_pylist()
    if not (pa.types.is_list(column.type) or pa.types.is_string(column.type)):
        return values
    if excel_safe:
        values = [text and spreadsheet_safe(text) for text in values]
    return [marked(text) for text in values]


def _joined(lists: pa.ListArray) -> list[str | None]:
    # A Python list of each would cost more than the join; pc.binary_join imports pandas to take the separator.
    texts = iter(lists.flatten().to_pylist())
    lengths = pc.list_value_length(lists).to_pylist()
    return [None if length is None else LIST_SEPARATOR.join(islice(texts, length)) for length in lengths]
