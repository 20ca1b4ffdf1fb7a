"""DuckDB's SQL as Spark's: all steps, what is spelled otherwise, and what is refused."""

import pytest

from openlib_assets.lake.dumps.spark.rendering import NotRenderedError, spark_sql, unordered
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.lake.transform import sql_text


@pytest.mark.parametrize("step", [*FILES, *STEPS], ids=lambda step: step.table)
def test_every_step_is_rendered_without_functions_of_our_own(step: object) -> None:
    text = spark_sql(sql_text(step.sql))  # type: ignore[attr-defined]  # both kinds of steps have SQL
    assert "listed_texts" not in text.lower()
    assert "index_key" not in text.lower()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT list_concat(a, b)", "SELECT CONCAT(COALESCE(a, ARRAY()), COALESCE(b, ARRAY()))"),
        ("SELECT l[1]", "SELECT TRY_ELEMENT_AT(l, 1)"),
        ("SELECT arg_min(a, b)", "SELECT MIN_BY(a, CASE WHEN NOT a IS NULL THEN b END)"),
        ("SELECT chr(65) || a // 10", "SELECT 'A' || a DIV 10"),
        ("SELECT regexp_full_match(a, '[0-9]|x')", r"SELECT REGEXP_LIKE(a, '^(?:[0-9]|x)\\z')"),
        ("SELECT regexp_replace(a, '(b)', '\\1c', 'g')", "SELECT REGEXP_REPLACE(a, '(b)', '$1c')"),
        ("SELECT suffix(a, 'M')", "SELECT ENDSWITH(a, 'M')"),
        ("SELECT TRY(a + b)", "SELECT a + b"),
        ("SELECT first_of_each(a)", "SELECT COALESCE(ARRAY_DISTINCT(a), ARRAY())"),
        (
            "SELECT list_transform(l, lambda x, i: {'i': i, 'x': x})",
            "SELECT TRANSFORM(l, (x, i) -> STRUCT((i + CAST(1 AS BIGINT)) AS i, x AS x))",
        ),
    ],
)
def test_what_is_spelled_otherwise(ours: str, theirs: str) -> None:
    assert spark_sql(ours) == theirs


def test_a_function_put_in_its_place_keeps_together() -> None:
    assert spark_sql("SELECT NOT is_date(day) OR b").startswith("SELECT NOT (REGEXP_LIKE(day,")


@pytest.mark.parametrize("expression", ["levenshtein(a, b)", "jaro_similarity(a, b)", "list_position(a, b)"])
def test_what_nobody_has_compared_is_refused(expression: str) -> None:
    with pytest.raises(NotRenderedError, match="not known to be the same in Spark: "):
        spark_sql(f"SELECT {expression}")


def test_a_query_is_told_from_its_order() -> None:
    query, order = unordered("SELECT a, b FROM t ORDER BY b, a")
    assert query == "SELECT a, b FROM t"
    assert order == ["b", "a"]
