"""Values of every SQL type, as text and as CSV."""

import csv
import io

import duckdb
import pytest

from openlib_assets.lake.exports.csv_lines import csv_lines, marked, text_of

VALUES = {
    "NULL": None,
    "''": "",
    "'a'": "a",
    "1722": "1722",
    "-1::HUGEINT": "-1",
    "true": "true",
    "0.1::DOUBLE": "0.1",
    "1e16::DOUBLE": "1e+16",
    "1000000.50::DECIMAL(10, 2)": "1000000.50",
    "0::DECIMAL(18, 10)": "0.0000000000",
    "DATE '1999-12-31'": "1999-12-31",
    "TIME '23:59:00'": "23:59:00",
    "TIMESTAMP '1999-12-31 23:59:00'": "1999-12-31 23:59:00",
    "TIMESTAMPTZ '1999-12-31 23:59:00+00'": "1999-12-31 23:59:00+00:00",
    "'\\xAA'::BLOB": "\\xaa",
    "['Fiction']": "Fiction",
    "['a', NULL, 'b']": "a |  | b",
    "[1.5::DOUBLE, 2]": "1.5 | 2.0",
    "[]": "",
    "[['a'], ['b']]": '[["a"], ["b"]]',
    "{'a': 1, 'b': [DATE '1999-12-31'], 'c': NULL}": '{"a": 1, "b": ["1999-12-31"], "c": null}',
    "MAP {'a': 1}": '{"a": 1}',
    "'6f9619ff-8b86-d011-b42d-00c04fc964ff'::UUID": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
}


@pytest.fixture(scope="module")
def row() -> tuple[object, ...]:
    """The values as DuckDB gives them."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT {', '.join(VALUES)}").fetchone()
    assert found is not None
    return found


def test_a_value_of_any_type_has_a_text(row: tuple[object, ...]) -> None:
    assert [text_of(value) for value in row] == list(VALUES.values())


def test_a_line_tells_null_and_an_empty_text_apart_and_can_be_read_again(row: tuple[object, ...]) -> None:
    line = csv_lines([[marked(text_of(value)) for value in row]])
    assert line.startswith(',"",a,1722,')
    assert next(csv.reader(io.StringIO(line))) == [text or "" for text in VALUES.values()]
