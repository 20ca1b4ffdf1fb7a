"""What LibreOffice makes of a CSV file that was written for spreadsheets, by whatever separator it reads it."""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest

from openlib_assets.lake.exports.csv_lines import csv_lines, marked
from openlib_assets.lake.exports.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe
from openlib_assets_tests.lake.test_spreadsheets import CONVERTED, FORMULAS, PLAIN

pytestmark = pytest.mark.libreoffice

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"

# As people open a file: UTF-8, American English, numbers and dates recognised, formulas run.
_FILTER = "CSV:{separator},34,76,1,,1033,false,true,false,false,false,0,true"


def opened(file: Path, separator: str) -> list[tuple[str | None, str | None, str]]:
    """Return the cells of a CSV file as LibreOffice opens it: type, formula and text of each."""
    command = ["soffice", f"-env:UserInstallation={file.parent.as_uri()}/profile", "--headless"]
    command += ["--convert-to", "fods", "--outdir", str(file.parent)]
    command += [f"--infilter={_FILTER.format(separator=ord(separator))}", str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    cells = ET.parse(file.with_suffix(".fods")).iter(f"{_TABLE}table-cell")  # noqa: S314 - of our own making
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
