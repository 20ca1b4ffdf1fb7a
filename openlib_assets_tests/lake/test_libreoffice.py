"""What LibreOffice makes of files written for spreadsheets: CSV, by whatever separator it reads it, and workbooks."""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest

from openlib_assets.lake.contract import ORDER_LIST
from openlib_assets.lake.exports.csv_files import write_csv_file
from openlib_assets.lake.exports.csv_lines import csv_lines, marked
from openlib_assets.lake.exports.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe
from openlib_assets.lake.orders.workbook import write_workbook
from openlib_assets_tests.lake.test_orders import awkward_orders
from openlib_assets_tests.lake.test_spreadsheets import CONVERTED, FORMULAS, PLAIN

pytestmark = pytest.mark.libreoffice

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"

# As people open a file: UTF-8, American English, numbers and dates recognised, formulas run.
_FILTER = "CSV:{separator},34,76,1,,1033,false,true,false,false,false,0,true"


def opened(file: Path, separator: str) -> list[tuple[str | None, str | None, str]]:
    """Return the cells of a CSV file as LibreOffice opens it: type, formula and text of each."""
    return _cells(_converted(file, f"--infilter={_FILTER.format(separator=ord(separator))}"))


def _converted(file: Path, *options: str) -> ET.Element:
    """Return a file as LibreOffice opens it, in its own form."""
    command = ["soffice", f"-env:UserInstallation={file.parent.as_uri()}/profile", "--headless"]
    command += ["--convert-to", "fods", "--outdir", str(file.parent), *options, str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return ET.parse(file.with_suffix(".fods")).getroot()  # noqa: S314 - of our own making


def _cells(element: ET.Element) -> list[tuple[str | None, str | None, str]]:
    cells = element.iter(f"{_TABLE}table-cell")
    return [(cell.get(f"{_OFFICE}value-type"), cell.get(f"{_TABLE}formula"), _text(cell)) for cell in cells]


def _text(cell: ET.Element) -> str:
    return "\n".join("".join(paragraph.itertext()) for paragraph in cell)


def written(file: Path, texts: Sequence[str]) -> Path:
    file.write_text(csv_lines([["OL1W", marked(text), "x"] for text in texts]), newline="", encoding="utf-8")
    return file


@pytest.mark.parametrize("separator", SEPARATORS)
def test_no_formula_runs_and_no_text_is_converted(separator: str, tmp_path: Path) -> None:
    texts = [*FORMULAS, *CONVERTED, *PLAIN]
    safe = [spreadsheet_safe(text) for text in texts]
    cells = opened(written(tmp_path / "safe.csv", [BYTE_ORDER_MARK, *safe]), SEPARATORS[separator])
    assert [cell for cell in cells if cell[1] or cell[0] not in (None, "string")] == []
    if separator == "comma":
        shown = [text for _, _, text in cells]
        # A tab is an element of its own in this form.
        assert [text for text in safe if text and "\t" not in text and text.replace("\r\n", "\n") not in shown] == []


def test_a_file_that_was_not_written_for_them_shows_that_this_is_needed(tmp_path: Path) -> None:
    cells = opened(written(tmp_path / "exact.csv", [*FORMULAS, *CONVERTED]), ";")
    assert any(formula for _, formula, _ in cells)
    cells = opened(written(tmp_path / "exact.csv", [*FORMULAS, *CONVERTED]), ",")
    assert {kind for kind, _, _ in cells} >= {"float", "date", "time", "boolean"}


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_an_order_list_opens_with_its_isbns_as_text_and_no_formula(ending: str, tmp_path: Path) -> None:
    rows, listed = awkward_orders(tmp_path)
    file = tmp_path / f"order_list.{ending}"
    if ending == "csv":
        write_csv_file(file, ORDER_LIST, rows, excel_safe=True)
        opened = _converted(file, f"--infilter={_FILTER.format(separator=ord(','))}")
    else:
        write_workbook(file, ORDER_LIST, rows)
        opened = _converted(file)
    _, *lines = (_cells(row) for row in opened.iter(f"{_TABLE}table-row"))
    lines = [cells for cells in lines if any(text for *_, text in cells)]
    assert len(lines) == len(listed)
    for cells, row in zip(lines, listed, strict=True):
        assert not any(formula for _, formula, _ in cells)
        texts = [text.removeprefix("'") for kind, _, text in cells if kind == "string"]
        assert row["work_key"] in texts
        assert ("9780306406157" in texts) == bool(row["isbn13"])
        assert next(text for kind, _, text in cells if kind == "float") == str(row["rank"])
        assert {kind for kind, _, _ in cells} <= {"string", "float", None}
