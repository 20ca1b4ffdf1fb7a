"""Records that are odd JSON or none: both engines read the same of them, but for what is listed here."""

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.dumps.spark.rendering import spark_sql
from openlib_assets.lake.functions import all_functions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

_READ_ALIKE = [
    "",
    "null",
    "[]",
    '"text"',
    "{}",
    "{} x",
    '{"title": "cut',
    '{"title": "A"',
    '{"title": "A"}}',
    '{"title": "A"}]',
    '{"title": "A"}}]}',
    '{"title": "A"}]}',
    '{"title": "A"} {"title": "B"}',
    ' {"title": "A"} ',
    '{"title": 5}',
    '{"title": 1.50}',
    '{"title": 10000000000000000000000}',
    '{"title": true}',
    '{"title": null}',
    '{"title": {"a": [1, "x"]}}',
    '{"title": ["a"]}',
    '{"title": "\\ud800"}',
    '{"title": "\\u00e9 \\n \\"quoted\\""}',
    '{"Title": "A"}',
    '{"covers": [1, null, "2", -1, [3], {"a": 4}]}',
    '{"covers": 5}',
    '{"covers": []}',
    '{"subjects": "x"}',
    '{"subjects": ["a", 1, null, {"b": 2}, ["c"], true]}',
    '{"authors": [{"author": {"key": "/authors/OL1A"}}, {"author": "/authors/OL2A"}, {}, null, "x"]}',
    '{"authors": {"author": "/authors/OL1A"}}',
    "{'title': 'A'}",
    '{"title": "A" "subtitle": "B"}',
    '// no\n{"title": "A"}',
    '{"title": 01}',
    '{"title": .5}',
    '{"title": "tab\tin it"}',
]
_READ_OTHERWISE = {
    "no numbers of JSON": ['{"title": NaN}', '{"title": Infinity}'],
    "a comma before a bracket": ['{"title": "A",}', '{"subjects": ["a",]}'],
    "brackets within each other": ['{"title": ' + "[" * 1001 + "]" * 1001 + "}"],
    "a small number where a text is due": ['{"title": 0.00000001}'],
    "a fraction or a truth value among the ids of covers": ['{"covers": [1.5]}', '{"covers": [true]}'],
}


@pytest.fixture(scope="module")
def read(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What DuckDB and Spark read of each record."""
    records = [*_READ_ALIKE, *(record for some in _READ_OTHERWISE.values() for record in some)]
    file = tmp_path_factory.mktemp("records") / "records.parquet"
    pq.write_table(pa.table({"record": records}), file)
    query = """
        SELECT
            record,
            read IS NULL OR NOT starts_with(ltrim(record), '{') AS is_none,
            read.title AS title,
            read.covers AS covers,
            read.subjects AS subjects,
            listed_author_keys(read.authors) AS author_keys
        FROM (SELECT record, work_record(record) AS read FROM records) AS records
    """
    with duckdb.connect() as connection:
        connection.execute(all_functions())
        connection.execute(f"CREATE VIEW records AS FROM '{file}'")
        ours = connection.sql(query).to_arrow_table().to_pylist()
    spark.read.parquet(str(file)).createOrReplaceTempView("records")
    theirs = [row.asDict() for row in spark.sql(spark_sql(query)).collect()]
    return {row.pop("record"): row for row in ours}, {row.pop("record"): row for row in theirs}


@pytest.mark.parametrize("record", _READ_ALIKE)
def test_both_engines_read_the_same(read: tuple[dict[str, Any], dict[str, Any]], record: str) -> None:
    ours, theirs = read
    assert theirs[record] == ours[record]


@pytest.mark.parametrize("why", _READ_OTHERWISE)
def test_the_engines_differ_in(read: tuple[dict[str, Any], dict[str, Any]], why: str) -> None:
    ours, theirs = read
    for record in _READ_OTHERWISE[why]:
        assert theirs[record] != ours[record]
