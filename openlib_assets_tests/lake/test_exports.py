"""CSV files, byte by byte: those of rule 8 in plain Python, and those that DuckDB made by SQL before."""

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openlib_assets.lake.contract import CSV_TABLES, Column, Layer, Table
from openlib_assets.lake.exports import csv_files
from openlib_assets.lake.exports.csv_files import write_csv_file
from openlib_assets.lake.table_files import table_file
from openlib_assets_tests.tools.reference import csv_text

# Every type that a table of the contract has.
TABLE = Table(
    "mixed",
    Layer.GOLD,
    "anything",
    ("text",),
    (
        Column("text", pa.string(), ""),
        Column("whole", pa.int64(), ""),
        Column("flag", pa.bool_(), ""),
        Column("real", pa.float64(), ""),
        Column("texts", pa.list_(pa.string()), ""),
    ),
    purpose="",
)
NAMES = [column.name for column in TABLE.columns]

# What CSV, spreadsheets or our own ways could stumble over, often.
TEXTS = st.one_of(st.text(alphabet="\",;|\r\n\t =+-@'\\\0\ufeff\u2028\U0001f680é", max_size=6), st.text())
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | TEXTS,
            "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
            "flag": st.none() | st.booleans(),
            "real": st.none() | st.floats(allow_nan=False),
            "texts": st.none() | st.lists(TEXTS, max_size=4),
        }
    ),
    max_size=12,
)
NOTHING: dict[str, Any] = dict.fromkeys(NAMES)


def written(table: Table, rows: pa.Table, *, excel_safe: bool = False) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        parquet = Path(folder) / "table.parquet"
        pq.write_table(rows, parquet)
        write_csv_file(file, table, table_file(parquet), excel_safe=excel_safe)
        return file.read_bytes()


def arrow(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=pa.schema([(c.name, c.type) for c in TABLE.columns]))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB, started once."""
    with duckdb.connect() as connection:
        yield connection


@given(rows=ROWS)
@example(rows=[NOTHING, NOTHING | {"text": "", "texts": []}, NOTHING | {"texts": [""]}, NOTHING | {"texts": ["", ""]}])
@example(
    rows=[NOTHING | {"real": value} for value in (1e16, 1e15, 1e-5, 1e-4, 0.1, 1 / 3, -0.0, 5e-324, 1e22, 123456789.0)]
)
def test_a_file_is_that_of_the_rule_and_that_of_duckdb(
    duck: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
) -> None:
    table = arrow(rows)
    found = written(TABLE, table)
    assert found == csv_text(NAMES, rows).encode()
    assert found == written_by_duckdb(duck, table)


@given(ROWS)
def test_what_was_written_is_read_again(rows: list[dict[str, Any]]) -> None:
    text = written(TABLE, arrow(rows)).decode()
    fields = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert fields[0] == NAMES
    assert [row[0] for row in fields[1:]] == [row["text"] or "" for row in rows]
    assert [row[4] for row in fields[1:]] == [" | ".join(row["texts"] or []) for row in rows]


def test_many_batches_are_written_whole_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {
            "text": f"{n}\r\n",
            "whole": n,
            "flag": n % 2 == 0,
            "real": n / 7,
            "texts": None if n % 3 == 0 else [str(n)] * (n % 4),
        }
        for n in range(100)
    ]
    monkeypatch.setattr(csv_files, "_BATCH_ROWS", 7)
    # Cut, so that no batch begins where its buffers do.
    assert written(TABLE, arrow(rows).slice(5)) == csv_text(NAMES, rows[5:]).encode()


def test_a_file_for_spreadsheets_is_marked_as_utf_8_and_safe_on_request_only() -> None:
    rows = [NOTHING | {"text": "=1", "texts": ["=1", "=2"], "whole": -1}, NOTHING | {"text": "007", "real": -0.5}]
    safe = [rows[0] | {"text": "'=1", "texts": ["'=1", "'=2"]}, rows[1] | {"text": "'007"}]
    assert written(TABLE, arrow(rows)) == csv_text(NAMES, rows).encode()
    assert written(TABLE, arrow(rows), excel_safe=True) == b"\xef\xbb\xbf" + csv_text(NAMES, safe).encode()


def test_every_type_that_is_exported_is_tried_here() -> None:
    assert {column.type for table in CSV_TABLES for column in table.columns} == {
        column.type for column in TABLE.columns
    }


def written_by_duckdb(duck: duckdb.DuckDBPyConnection, rows: pa.Table) -> bytes:
    """Return the file as SQL made it, before Python's csv did."""
    fields = " || ',' || ".join(_by_duckdb(column) for column in TABLE.columns)
    duck.register("rows", rows)
    lines = duck.sql(f"SELECT {fields} || chr(10) AS line FROM rows").fetchall()  # noqa: S608 - names from above
    return "".join([",".join(NAMES) + "\n", *(line for (line,) in lines)]).encode()


def _by_duckdb(column: Column) -> str:
    if not (pa.types.is_list(column.type) or pa.types.is_string(column.type)):
        return f"coalesce(CAST({column.name} AS VARCHAR), '')"
    text = f"array_to_string({column.name}, ' | ')" if pa.types.is_list(column.type) else column.name
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    return (
        f"""CASE WHEN {text} = '' OR regexp_matches({text}, '[",\\r\\n]') THEN {quoted} ELSE coalesce({text}, '') END"""
    )
