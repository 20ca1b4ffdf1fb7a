"""CSV files for people: UTF-8, RFC 4180 quoting, LF, null as nothing, lists joined with ` | `."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from openlib_assets.lake.arrow_values import text, texts
from openlib_assets.lake.contract import Table
from openlib_assets.lake.table_files import TableFile

_LIST_SEPARATOR = text(" | ")

_BATCH_ROWS = 8_192

# Spreadsheets take a cell that begins so for a formula (OWASP, "CSV Injection").
_FORMULA = r"^[=+@\t\r-]"
# An empty text is quoted, since nothing at all is a null.
_TO_BE_QUOTED = r'^$|[",\r\n]'

_NOTHING, _QUOTE, _APOSTROPHE, _COMMA, _LINE_END = map(text, ["", '"', "'", ",", "\n"])


def write_csv_file(file: Path, table: Table, rows: TableFile, *, excel_safe: bool = False) -> None:
    """Write a table as one CSV file.

    `excel_safe` puts an apostrophe before each text that a spreadsheet would run as a formula; the values are then no
    longer exact.
    """
    names = [column.name for column in table.columns]
    with file.open("wb") as opened:
        opened.write(f"{','.join(names)}\n".encode())
        for batch in rows.batches(names, _BATCH_ROWS):
            fields = [_fields(column, excel_safe=excel_safe) for column in batch.columns]
            lines = _side_by_side(_side_by_side(*fields, between=_COMMA), _LINE_END)
            opened.write(lines.buffers()[2] or b"")


def _fields(column: pa.Array, *, excel_safe: bool) -> pa.Array:
    """Return what stands between the commas for each value."""
    if pa.types.is_floating(column.type):
        return texts("" if value is None else repr(value) for value in column.to_pylist())
    if pa.types.is_list(column.type):
        column = pc.binary_join(column, _LIST_SEPARATOR)
    elif not pa.types.is_string(column.type):
        return _null_as_nothing(column.cast(pa.string()))
    if excel_safe:
        column = _changed(column, _FORMULA, _side_by_side(_APOSTROPHE, column))
    doubled = pc.replace_substring(column, pattern='"', replacement='""')
    return _null_as_nothing(_changed(column, _TO_BE_QUOTED, _side_by_side(_QUOTE, doubled, _QUOTE)))


def _changed(column: pa.Array, pattern: str, instead: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(column, pattern=pattern), instead, column)


def _null_as_nothing(column: pa.Array) -> pa.Array:
    return pc.fill_null(column, _NOTHING)


def _side_by_side(*columns: pa.Array | pa.Scalar, between: pa.Scalar = _NOTHING) -> pa.Array:
    return pc.binary_join_element_wise(*columns, between)
