"""`openlib export --table`: every table of the warehouse, cell by cell, in each format; and `openlib sql` beside it."""

import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.datetime import from_excel, to_excel
from openpyxl.utils.escape import unescape

from openlib_assets.cli.main import main
from openlib_assets.cli.output import print_rows
from openlib_assets.lake.catalog import ask
from openlib_assets.lake.catalog.views import named_in
from openlib_assets.lake.contract import Column, Layer, Table
from openlib_assets.lake.exports import sheets
from openlib_assets.lake.exports.csv_lines import LIST_SEPARATOR
from openlib_assets.lake.exports.warehouse_tables import EXPORTED
from openlib_assets.lake.table_files import table_file
from openlib_assets_tests.conftest import Pipeline, PlaceMaker
from openlib_assets_tests.tools.fetched_twice import fetched_twice

Say = Callable[..., tuple[int, str, str]]
for_each_table = pytest.mark.parametrize("name", EXPORTED)


@pytest.fixture(scope="module", params=["local", "s3"])
def made(request: pytest.FixtureRequest, new_place: PlaceMaker, twice: Path) -> Iterator[Pipeline]:
    """A root with a warehouse."""
    place = new_place("s3") if request.param == "s3" else None
    with fetched_twice(twice, place, across=False) as (pipeline, _):
        yield pipeline


@pytest.fixture
def openlib(
    made: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Say]:
    """The command, on that root; gives status, output and errors."""
    for name, value in (made.variables | {"DAGSTER_HOME": str(tmp_path / "home")}).items():
        monkeypatch.setenv(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def say(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["openlib", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(str(ended.value.code)), *capsys.readouterr()

    yield say
    for number, handler in handlers.items():
        signal.signal(number, handler)


def rows(made: Pipeline, name: str) -> list[tuple[Any, ...]]:
    query = f"FROM {name} ORDER BY {', '.join(EXPORTED[name].key)}"
    found, _ = ask(made.storage, named_in(query), lambda connection: connection.execute(query).fetchall())
    assert found, name
    return found


@for_each_table
def test_a_table_is_in_each_format_what_sql_says_it_is(made: Pipeline, openlib: Say, tmp_path: Path, name: str) -> None:
    for ending in (".csv", ".xlsx", ".parquet"):
        status, told, _ = openlib("export", "--table", name, "--to", tmp_path / f"out{ending}")
        assert (status, told) == (0, f"{tmp_path / f'out{ending}'}\n")
    columns, wanted = [column.name for column in EXPORTED[name].columns], rows(made, name)

    status, printed, _ = openlib("sql", f"FROM {name} ORDER BY {', '.join(EXPORTED[name].key)}", "--format", "csv")
    assert (status, printed) == (0, (tmp_path / "out.csv").read_bytes().decode())

    kept = pq.read_table(tmp_path / "out.parquet")
    assert kept.schema.equals(EXPORTED[name].schema)
    in_utc = [tuple(v.astimezone(UTC) if isinstance(v, datetime) else v for v in row) for row in wanted]
    assert [tuple(row.values()) for row in kept.to_pylist()] == in_utc

    (sheet,) = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets
    (head, *cells) = sheet.iter_rows(values_only=True)
    assert list(head) == columns
    read = [tuple(unescape(value) if isinstance(value, str) else value for value in row) for row in cells]
    assert read == [tuple(map(as_cell, row)) for row in wanted]


def as_cell(value: object) -> object:
    """Return what a cell tells of a value: of a number 16 digits, of a time milliseconds, in UTC."""
    if isinstance(value, list):
        return LIST_SEPARATOR.join(value)
    if isinstance(value, float):
        return float(f"{value:.16G}")
    if isinstance(value, datetime):
        return from_excel(to_excel(value.astimezone(UTC).replace(tzinfo=None)))  # type: ignore[no-untyped-call]
    return value


def test_pandas_reads_the_csv_file_as_the_contract_says(made: Pipeline, openlib: Say, tmp_path: Path) -> None:
    assert openlib("export", "--table", "works", "--to", tmp_path / "works.csv")[0] == 0
    read = pd.read_csv(tmp_path / "works.csv", dtype={"isbn13": str}, parse_dates=["fetched_at"])
    assert len(read) == len(rows(made, "works"))
    assert read["fetched_at"].dt.tz is not None
    assert read["first_publish_year"].dropna().between(-1000, 10000).all()


def test_excel_safe_is_for_csv(openlib: Say, tmp_path: Path) -> None:
    assert openlib("export", "--table", "works", "--to", tmp_path / "safe.csv", "--excel-safe")[0] == 0
    assert (tmp_path / "safe.csv").read_bytes().startswith(b"\xef\xbb\xbfwork_key,")
    status, _, error = openlib("export", "--table", "works", "--to", tmp_path / "safe.xlsx", "--excel-safe")
    assert (status, "--excel-safe is for .csv" in error) == (2, True)


def test_a_file_with_other_content_is_replaced_only_when_it_is_said(openlib: Say, tmp_path: Path) -> None:
    file = tmp_path / "out.xlsx"
    assert openlib("export", "--table", "subjects", "--to", file)[0] == 0
    before = file.read_bytes()
    assert openlib("export", "--table", "subjects", "--to", file)[0] == 0, "the same rows make the same file"
    status, _, error = openlib("export", "--table", "authors", "--to", file)
    assert (status, error.count("\n"), "is there with other content" in error) == (1, 1, True)
    assert file.read_bytes() == before
    assert openlib("export", "--table", "authors", "--to", file, "--replace")[0] == 0
    assert file.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--table", "books", "--to", "out.csv"), "--table books: the warehouse has subjects, works, "),
        (("--table", "works", "--to", "out.txt"), "must end in .csv, .xlsx or .parquet"),
        (("--table", "works", "--to", "."), "must end in"),
        (("love", "--table", "works", "--to", "out.csv"), "give either subjects or --table"),
        (("--to", "out"), "give either subjects or --table"),
    ],
)
def test_wrong_use_is_told_in_a_line(openlib: Say, arguments: tuple[str, ...], told: str) -> None:
    status, out, error = openlib("export", *arguments)
    assert (status, out) == (2, "")
    assert told in error.splitlines()[-1]


def test_without_a_warehouse_it_says_what_to_run(openlib: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLIB_STORAGE", str(tmp_path / "empty"))
    status, _, error = openlib("export", "--table", "works", "--to", tmp_path / "out.csv")
    assert (status, error.count("\n"), "there is no warehouse yet; make it with: openlib run" in error) == (1, 1, True)
    assert not (tmp_path / "out.csv").exists()


def one_column(values: pa.Array, folder: Path) -> tuple[Table, Path]:
    table = Table("one", Layer.GOLD, "a value", ("value",), (Column("value", values.type, ""),), purpose="")
    pq.write_table(pa.table({"value": values}), folder / "one.parquet")
    return table, folder / "one.parquet"


def test_a_table_that_a_sheet_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    table, file = one_column(pa.array(range(1_048_576)), tmp_path)
    with pytest.raises(sheets.TooManyRowsError, match=r"^one: 1,048,576 rows, .* 1,048,575 below .*\.csv or"):
        sheets.write_sheet(tmp_path / "out.xlsx", table, table_file(file))
    assert not (tmp_path / "out.xlsx").exists()


def test_a_text_longer_than_a_cell_is_cut_and_counted(tmp_path: Path) -> None:
    table, file = one_column(pa.array(["a" * 32_767, "b" * 32_768, "=1+1", "007", "", None]), tmp_path)
    told = sheets.write_sheet(tmp_path / "out.xlsx", table, table_file(file))
    assert told == ["one: 1 texts were cut to the 32,767 characters of a cell"]
    (sheet,) = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)][:4] == [
        "a" * 32_767,
        "b" * 32_767,
        "=1+1",
        "007",
    ]
    assert {cell.data_type for (cell,) in sheet.iter_rows(min_row=2, max_row=5)} == {"s"}


def test_sql_shows_years_as_years_and_lists_and_nothing_by_the_rules_of_csv(openlib: Say) -> None:
    query = "SELECT 1722 AS year, 2500 AS works, ['a', 'b'] AS l, []::VARCHAR[] AS e, '' AS t, NULL AS n, 1722.0 AS r"
    _, table, _ = openlib("sql", query)
    assert "1722" in table
    assert "1,722" not in table
    _, lines, _ = openlib("sql", query, "--format", "csv")
    assert lines == 'year,works,l,e,t,n,r\n1722,2500,a | b,"","",,1722.0\n'


def test_years_of_the_warehouse_have_no_separators(made: Pipeline, openlib: Say) -> None:
    _, table, _ = openlib("sql", "SELECT first_publish_year FROM works WHERE first_publish_year >= 1000")
    years = [line.strip() for line in table.splitlines() if line.strip()[:1].isdigit()]
    assert sorted(years) == sorted(str(row[2]) for row in rows(made, "works") if row[2] is not None and row[2] >= 1000)


def test_without_a_terminal_a_row_is_a_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(("payload", "title"), [("x" * 50_000, "long"), ("y", "short")])
    *_, long, short, _ = capsys.readouterr().out.splitlines()
    assert (long.count("x"), long.split()[-1], short.split()) == (50_000, "long", ["y", "short"])


def test_what_a_terminal_would_obey_is_in_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(("title",), [("a\x1b]0;b\x07c\x9b2Jd\re",), ("f\r\ng\th",)])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()][3:5] == [
        "a\ufffd]0;b\ufffdc\ufffd2Jd\ufffde",
        "f",
    ]
