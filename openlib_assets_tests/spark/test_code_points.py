"""Every code point beside and within what the rules read: where the engines differ, it is listed here.

DuckDB, Spark's functions for case, and Java's regular expressions each know another version of Unicode.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.dumps.spark.rendering import spark_sql
from openlib_assets.lake.functions import all_functions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

# All planes with characters, but for most of what is ideographs of the third and fourth, and without surrogates.
_CODES = [*range(0xD800), *range(0xE000, 0x20400), *range(0x31300, 0x32400), *range(0xE0000, 0xE0200), 0x10FFFF]
# Capital letters of Unicode 14 to 17 that Spark makes small, and DuckDB does not know.
_NEW_CAPITALS = {
    *(0x1C89, 0xA7CB, 0xA7CC, 0xA7CE, 0xA7D2, 0xA7D4, 0xA7DA, 0xA7DC),
    *range(0x10D50, 0x10D66),
    *range(0x16EA0, 0x16EB9),
}
# A letter without case to Spark, as it is in newer versions of Unicode, and a small one to DuckDB.
_WITHOUT_CASE = {0x0295}
# Digits of Unicode 14, which Java 17 does not know.
_NEW_DIGITS = set(range(0x16AC0, 0x16ACA))
# A hyphen of Unicode 14, as well.
_NEW_HYPHEN = {0x2E5D}

# What is made of a text with a code point in it, by name.
_EXPRESSIONS = {
    "key": "index_key(one)",
    "key within": "index_key('a' || one || 'b')",
    "sigma before": "index_key('ΑΣ' || one)",
    "sigma behind": "index_key(one || 'Σ.')",
    "year behind": "year_digits(one || '1985')",
    "year before": "year_digits('1985' || one)",
    "year of": "year_of_digits(nullif(year_digits(one || one || one || one), ''))",
    "ISBN within": "listed_isbns(['0-306-40615' || one || '-2'], [])",
    "ISBN behind": "listed_isbns([], [one || '9780306406157'])",
    "ISBN of one form within": "listed_isbns([], ['979' || one || '1034742325'])",
    "ISBN of one form behind": "listed_isbns([], [one || '9791034742325'])",
    "name": "nonblank(one)",
    "ends": "stripped(one || ' a' || one || ' b' || one)",
}


@pytest.fixture(scope="module")
def differing(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, set[int]]:
    """The code points of which both engines make something else, for each expression; and what Java does not know."""
    folder = tmp_path_factory.mktemp("codes")
    codes = pa.table({"code": pa.array(_CODES, pa.int64()), "one": [chr(code) for code in _CODES]})
    made = ", ".join(f"{expression} AS made_{number}" for number, expression in enumerate(_EXPRESSIONS.values()))
    query = f"SELECT code, one, {made} FROM codes"  # noqa: S608 - of this file
    pq.write_table(codes, folder / "codes.parquet")
    spark.read.parquet(str(folder / "codes.parquet")).repartition(2).createOrReplaceTempView("codes")
    spark.sql(spark_sql(query)).write.parquet(str(folder / "theirs"))
    unknown = spark.table("codes").where(r"regexp_like(one, r'\p{Cn}')").select("code").collect()
    with duckdb.connect() as connection:
        connection.execute(all_functions())
        connection.register("codes", codes)
        connection.execute(f"CREATE TABLE ours AS {query}")
        connection.execute(f"CREATE TABLE theirs AS FROM '{folder}/theirs/*.parquet'")
        found = {}
        for number, name in enumerate(_EXPRESSIONS):
            same = f"ours.made_{number} IS NOT DISTINCT FROM theirs.made_{number}"
            rows = connection.execute(f"SELECT code FROM ours FULL JOIN theirs USING (code) WHERE NOT ({same})")  # noqa: S608
            found[name] = {code for (code,) in rows.fetchall()}
            (many,) = connection.execute(f"SELECT count(DISTINCT made_{number}) FROM ours").fetchall()[0]  # noqa: S608
            assert many, name
    return found | {"unknown to Java": {row.code for row in unknown}}


@pytest.mark.parametrize("name", ["key", "key within"])
def test_subject_keys_differ_by_new_capitals(differing: Mapping[str, set[int]], name: str) -> None:
    assert differing[name] == _NEW_CAPITALS


@pytest.mark.parametrize("name", ["sigma before", "sigma behind"])
def test_a_last_sigma_depends_on_what_is_a_letter_to_java(differing: Mapping[str, set[int]], name: str) -> None:
    assert differing[name] > _NEW_CAPITALS
    assert differing[name] - _NEW_CAPITALS - _WITHOUT_CASE <= differing["unknown to Java"]


@pytest.mark.parametrize("name", ["year behind", "year before"])
def test_years_differ_beside_letters_that_java_does_not_know(differing: Mapping[str, set[int]], name: str) -> None:
    assert differing[name]
    assert differing[name] <= differing["unknown to Java"]


def test_years_of_new_digits_are_none_to_java(differing: Mapping[str, set[int]]) -> None:
    assert differing["year of"] == _NEW_DIGITS


@pytest.mark.parametrize("name", ["ISBN within", "ISBN behind"])
def test_what_stands_beside_an_isbn_of_two_forms_matters_to_no_engine(
    differing: Mapping[str, set[int]], name: str
) -> None:
    assert differing[name] == set()


@pytest.mark.parametrize("name", ["ISBN of one form within", "ISBN of one form behind"])
def test_a_new_hyphen_is_left_out_of_no_isbn_of_one_form_by_java(differing: Mapping[str, set[int]], name: str) -> None:
    assert differing[name] == _NEW_HYPHEN


@pytest.mark.parametrize("name", ["name", "ends"])
def test_other_rules_agree_on_every_code_point(differing: Mapping[str, set[int]], name: str) -> None:
    assert differing[name] == set()
