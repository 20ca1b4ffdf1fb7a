"""What a spreadsheet would run or convert stays text, whatever it separates columns by; all else stays as it is."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openlib_assets.lake.exports.spreadsheets import spreadsheet_safe

FORMULAS = {
    "=1+1": "'=1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "-1+cmd|' /C calc'!A0": "'-1+cmd|' /C calc'!A0",
    "\n=1": "\n'=1",
    " \t=1": " \t'=1",
    "＝1+1": "'＝1+1",
    "＋1": "'＋1",
    "x;=1+1;y": "x;'=1+1;y",
    "x\t=1+1": "x\t'=1+1",
    "x\r\n=1+1": "x\r\n'=1+1",
    'x;"=1+1"': 'x;"\'=1+1"',
    "a | -b": "a | '-b",
    "\u200b=1": "\u200b'=1",
    "-5": "'-5",
}
CONVERTED = [
    *("007", "1E10", "1e-5", "1/2", "1-2", "1 1/2", "2024-01-02", "9780140328721", "978-0-14-032872-1", "1984"),
    *(" 007 ", "50%", "$5", "(5)", "1,000", "1.000,5", "12:30", "1:2:3", "12:30 PM", "1-Jan", "Mar-20", "MARCH1"),
    *("sept2", "5 March 2020", "March 5, 2020", "2 août", "1 мая", "２０２４", "1月2日", "TRUE", "false"),
    *("#N/A", "#DIV/0!"),
]
PLAIN = [
    "",
    "Dracula",
    "Fahrenheit 451",
    "Catch-22",
    "2001: a space odyssey",
    "C++",
    "Tea; coffee",
    "A - B",
    "a=b",
    "OL27448W",
    "O'Brien",
    "080442957X",
    "The 39 steps",
    "#1",
    "1Q84",
]


@pytest.mark.parametrize(("text", "safe"), FORMULAS.items(), ids=ascii)
def test_what_could_be_run_is_not_by_any_separator(text: str, safe: str) -> None:
    assert spreadsheet_safe(text) == safe


@pytest.mark.parametrize("text", CONVERTED, ids=ascii)
def test_what_would_become_a_number_or_a_date_stays_text(text: str) -> None:
    assert spreadsheet_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN, ids=ascii)
def test_all_else_stays_as_it_is(text: str) -> None:
    assert spreadsheet_safe(text) == text


@given(st.text(alphabet="=+-@＝;|\t\r\n \"'\ufeff\u200bx1", max_size=8))
@example(";;\t=")
def test_only_apostrophes_are_added_and_no_cell_begins_a_formula(text: str) -> None:
    safe = spreadsheet_safe(text)
    assert safe.replace("'", "") == text.replace("'", "")
    for cell in re.split(r"[;|\t\r\n]", safe):
        assert not cell.strip(' "\ufeff\u200b').startswith(tuple("=+-@＝")), cell


@pytest.mark.parametrize("run", ["\t", "\t;", "1 ", " ", "jan1"])
def test_a_long_run_takes_no_longer_than_other_text(run: str) -> None:
    text = run * 200_000 + "x!"
    assert spreadsheet_safe(text) == text  # by a rule that looks at the run from each of its places, in many minutes
