"""Order lists as an Excel workbook: ISBNs stay text, no cell is a formula, keys and covers are links."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openlib_assets.lake.contract import Table
from openlib_assets.lake.exports.csv_lines import LIST_SEPARATOR
from openlib_assets.lake.table_files import TableFile
from openlib_assets.openlibrary.site import cover_link, edition_link, work_link

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

# Not the time of writing: equal rows give equal bytes.
_CREATED = datetime(2000, 1, 1)
# In a sheet with more links, Excel refuses to open.
_MOST_LINKS = 65_000
_LINKS_A_ROW = 3
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
# Of each column, in characters.
_WIDTHS = {"rank": 7, "title": 45, "author_names": 30, "publisher": 25, "isbn13": 16, "language": 10, "reason": 100}
_OTHER_WIDTH = 14
_COVER_PLACE = 1


def write_workbook(file: Path, table: Table, rows: TableFile) -> None:
    """Write an order list as one sheet: the table's columns, and beside the rank a link to the cover."""
    import xlsxwriter  # noqa: PLC0415 - only for those who write a workbook

    names = [column.name for column in table.columns]
    headings = [*names[:_COVER_PLACE], "cover", *names[_COVER_PLACE:]]
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        book.set_properties({"created": _CREATED})
        sheet = book.add_worksheet(table.name)
        heading, text, share = (
            book.add_format(how) for how in ({"bold": True}, {"num_format": "@"}, {"num_format": "0.00"})
        )
        sheet.write_row(0, 0, headings, heading)
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(headings):
            sheet.set_column(place, place, _WIDTHS.get(name, _OTHER_WIDTH))
        listed = rows.to_table(names).to_pylist()
        sheet.autofilter(0, 0, len(listed), len(headings) - 1)
        links = len(listed) * _LINKS_A_ROW <= _MOST_LINKS
        for line, row in enumerate(listed, start=1):
            row["cover"] = "cover" if links else _cover(row)
            for place, name in enumerate(headings):
                link = _LINKS[name](row) if links and name in _LINKS else None
                _write(sheet, (line, place), row[name], link, text if name == "isbn13" else share)


def _write(sheet: "Worksheet", cell: tuple[int, int], value: Any, link: str | None, form: "Format") -> None:
    """Write a value as what it is; of null and of an empty list, nothing."""
    if value is None or value == []:
        return
    if isinstance(value, list):
        sheet.write_string(*cell, LIST_SEPARATOR.join(value))
    elif isinstance(value, float):
        sheet.write_number(*cell, value, form)
    elif isinstance(value, int):
        sheet.write_number(*cell, value)
    elif link:
        sheet.write_url(*cell, link, string=value)
    else:
        sheet.write_string(*cell, value, form if form.num_format == "@" else None)


def _cover(row: dict[str, Any]) -> str:
    """Return the address of a picture of the edition's cover, or of the work's where no edition was found."""
    return cover_link(row["edition_key"] or row["work_key"])


_LINKS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "cover": _cover,
    "work_key": lambda row: work_link(row["work_key"]),
    "edition_key": lambda row: row["edition_key"] and edition_link(row["edition_key"]),
}
