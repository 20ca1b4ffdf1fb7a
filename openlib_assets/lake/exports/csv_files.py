"""Tables as CSV files for people; put together by Arrow's kernels, since a table may have millions of values."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from openlib_assets.lake.arrow_values import optional_texts, text, texts
from openlib_assets.lake.contract import Table
from openlib_assets.lake.exports.csv_lines import LIST_SEPARATOR
from openlib_assets.lake.exports.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe
from openlib_assets.lake.table_files import TableFile

_BATCH_ROWS = 8_192

# As Python writes a time: no fraction where there is none.
_END_OF_TIME = r"(\.000000)?Z$"
# An empty text is quoted, since nothing at all is a null.
_TO_BE_QUOTED = r'^$|[",\r\n]'

_NOTHING, _QUOTE, _COMMA, _LINE_END, _BETWEEN = map(text, ["", '"', ",", "\n", LIST_SEPARATOR])


def write_csv_file(file: Path, table: Table, rows: TableFile, *, excel_safe: bool = False) -> None:
    """Write a table as one CSV file, its lines as `csv_lines` gives them.

    `excel_safe` writes it for spreadsheets: with a mark that it is UTF-8, and an apostrophe before what they would run
    as a formula or take for a number or a date. The texts are then no longer exact.
    """
    names = [column.name for column in table.columns]
    with file.open("wb") as opened:
        opened.write(f"{BYTE_ORDER_MARK if excel_safe else ''}{','.join(names)}\n".encode())
        for batch in rows.batches(names, _BATCH_ROWS):
            fields = [_fields(column, excel_safe=excel_safe) for column in batch.columns]
            lines = _side_by_side(_side_by_side(*fields, between=_COMMA), _LINE_END)
            opened.write(lines.buffers()[2] or b"")


def _fields(column: pa.Array, *, excel_safe: bool) -> pa.Array:
    """Return what stands between the commas for each value."""
    if pa.types.is_floating(column.type):
        return texts("" if value is None else repr(value) for value in column.to_pylist())
    if pa.types.is_list(column.type):
        column = pc.binary_join(column, _BETWEEN)
    elif pa.types.is_timestamp(column.type):
        column = pc.replace_substring_regex(column.cast(pa.string()), pattern=_END_OF_TIME, replacement="+00:00")
        return _null_as_nothing(column)
    elif not pa.types.is_string(column.type):
        return _null_as_nothing(column.cast(pa.string()))
    if excel_safe:
        column = optional_texts(value and spreadsheet_safe(value) for value in column.to_pylist())
    doubled = pc.replace_substring(column, pattern='"', replacement='""')
    quoted = _side_by_side(_QUOTE, doubled, _QUOTE)
    return _null_as_nothing(pc.if_else(pc.match_substring_regex(column, pattern=_TO_BE_QUOTED), quoted, column))


def _null_as_nothing(column: pa.Array) -> pa.Array:
    return pc.fill_null(column, _NOTHING)


def _side_by_side(*columns: pa.Array | pa.Scalar, between: pa.Scalar = _NOTHING) -> pa.Array:
    return pc.binary_join_element_wise(*columns, between)
