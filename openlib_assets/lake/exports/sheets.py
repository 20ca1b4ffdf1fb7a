"""Tables as a sheet of an Excel workbook, written row by row: texts stay texts, and no cell is a formula."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openlib_assets.lake.contract import Table
from openlib_assets.lake.exports.csv_lines import LIST_SEPARATOR
from openlib_assets.lake.table_files import TableFile
from openlib_assets.storage.errors import OpenlibError

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# Of a sheet and of a cell, by Excel's format.
MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767

_BATCH_ROWS = 8_192
# Not the time of writing: equal rows give equal bytes.
_CREATED = datetime(2000, 1, 1)
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "remove_timezone": True,
}


class TooManyRowsError(OpenlibError):
    """A table has more rows than a sheet can have."""


def write_sheet(file: Path, table: Table, rows: TableFile) -> list[str]:
    """Write a table as one sheet below its column names; times are UTC, lists joined, null is an empty cell.

    Returns a line if texts had to be cut, and how many. Raises TooManyRowsError, before anything is written.
    """
    count = rows.count_rows()
    if count >= MOST_ROWS:
        raise TooManyRowsError(
            f"{table.name}: {count:,} rows, and a sheet of Excel has {MOST_ROWS - 1:,} below its headings; "
            "write a .csv or a .parquet file"
        )
    import xlsxwriter  # noqa: PLC0415 - only for those who write a workbook

    names = [column.name for column in table.columns]
    cut = 0
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        book.set_properties({"created": _CREATED})
        sheet = book.add_worksheet(table.name[:31])
        heading, moment = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, count, len(names) - 1)
        sheet.write_row(0, 0, names, heading)
        line = 0
        for batch in rows.batches(names, _BATCH_ROWS):
            for row in batch.to_pylist():
                line += 1
                cut += sum(_write(sheet, (line, place), value, moment) for place, value in enumerate(row.values()))
    return [f"{table.name}: {cut:,} texts were cut to the {MOST_CHARACTERS:,} characters of a cell"] if cut else []


def _write(sheet: "Worksheet", cell: tuple[int, int], value: Any, moment: "Format") -> bool:
    """Write a value as what it is, of null nothing; tell whether it had to be cut."""
    if value is None:
        return False
    if isinstance(value, bool):
        sheet.write_boolean(*cell, value)
    elif isinstance(value, int | float):
        sheet.write_number(*cell, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(*cell, value, moment)
    else:
        text = LIST_SEPARATOR.join(value) if isinstance(value, list) else value
        # Excel counts a character outside the Basic Multilingual Plane, such as an emoji, as two.
        units = text.encode("utf-16-le")
        sheet.write_string(*cell, units[: 2 * MOST_CHARACTERS].decode("utf-16-le", errors="ignore"))
        return len(units) > 2 * MOST_CHARACTERS
    return False
