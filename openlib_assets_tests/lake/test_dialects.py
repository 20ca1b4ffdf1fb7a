"""The aggregates' SQL in other dialects: it parses there, gives what the project's own gives, and is of proven parts.

DuckDB executes each dialect's text as sqlglot reads it. `spark/` has the one in which another engine executes it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot.dialects.dialect import Dialect

from openlib_assets.lake.contract import Table
from openlib_assets.lake.transform import sql_text
from openlib_assets_tests.tools import analysts, dialects
from openlib_assets_tests.tools.dialects import AGGREGATES, DIALECTS, NotPortableError

in_every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
for_each_aggregate = pytest.mark.parametrize("table", AGGREGATES, ids=lambda table: table.name)
for_each_subject = pytest.mark.parametrize("subject", analysts.SUBJECTS)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of all subjects."""
    root = tmp_path_factory.mktemp("analysts") / "root"
    analysts.write_tables(root)
    return root


@pytest.fixture(scope="module")
def warehouse(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the tables of all subjects in one schema, `subject` being a column."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE SCHEMA {dialects.SCHEMA}")
        for name in analysts.SOURCES:
            files = f"{analysts.folder(root, name)}/*/part-0.parquet"
            rows = f"read_parquet('{files}', hive_partitioning = true, hive_types = {{'subject': VARCHAR}})"
            connection.execute(f"CREATE VIEW {dialects.SCHEMA}.{name} AS FROM {rows}")
        yield connection


@for_each_subject
@for_each_aggregate
def test_duckdb_makes_the_same_of_the_tables_of_all_subjects(
    warehouse: duckdb.DuckDBPyConnection, root: Path, table: Table, subject: str
) -> None:
    found = warehouse.execute(dialects.translated(table, "duckdb", subject)).fetchall()
    analysts.assert_same_cells(found, analysts.kept_rows(root, table, subject))


@in_every_dialect
@for_each_subject
@for_each_aggregate
def test_each_dialect_read_back_makes_the_same(
    warehouse: duckdb.DuckDBPyConnection, root: Path, table: Table, subject: str, dialect: str
) -> None:
    text = dialects.translated(table, dialect, subject)
    found = warehouse.execute(dialects.written(sqlglot.parse_one(text, read=dialect), "duckdb")).fetchall()
    analysts.assert_same_cells(found, analysts.kept_rows(root, table, subject))


@for_each_aggregate
def test_the_subjects_hold_what_may_go_wrong(root: Path, table: Table) -> None:
    names = [row[1] for subject in analysts.SUBJECTS for row in analysts.kept_rows(root, table, subject)]
    assert None in names
    assert not all(name.isascii() for name in names if name)
    keys = [row[0] for row in analysts.kept_rows(root, table, "by_hand")]
    assert len({key.casefold() for key in keys}) < len(set(keys)), "keys that differ only in their case"
    assert keys != sorted(keys, key=lambda key: key.encode("utf-16-be")), "code points and UTF-16 differ in order"


@in_every_dialect
@for_each_aggregate
def test_the_text_stays_the_same_when_its_dialect_reads_and_writes_it(table: Table, dialect: str) -> None:
    text = dialects.translated(table, dialect, dialects.EXAMPLE_SUBJECT)
    (read,) = sqlglot.parse(text, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    assert read is not None
    assert dialects.written(read, dialect) == text


@in_every_dialect
@for_each_aggregate
def test_the_file_is_the_query_below_what_a_row_is(table: Table, dialect: str) -> None:
    about, query = dialects.documented(table, dialect).split("\nWITH ", 1)
    assert all(line.startswith("--") for line in about.splitlines())
    assert about.splitlines()[0] == sql_text(table.sql).splitlines()[0]
    assert f"WITH {query}" == dialects.translated(table, dialect, dialects.EXAMPLE_SUBJECT) + "\n"


@in_every_dialect
@for_each_aggregate
def test_every_table_is_read_for_one_subject_only(table: Table, dialect: str) -> None:
    query = sqlglot.parse_one(dialects.translated(table, dialect, "a"), read=dialect)
    reads = [part for part in query.find_all(sqlglot.exp.Select) if part.args["from_"].this.db]
    assert sorted(read.args["from_"].this.name for read in reads) == sorted(table.made_from)
    assert all(read.args["where"].sql() == "WHERE subject = 'a'" for read in reads)


@for_each_aggregate
def test_no_name_is_a_reserved_word(table: Table) -> None:
    # Spark looks for itself (`spark/`). Of Snowflake's words sqlglot has no list.
    known = [Dialect[name].generator_class.RESERVED_KEYWORDS for name in ("athena", "bigquery", "duckdb", "redshift")]
    assert all("select" in words for words in known)
    reserved = set[str]().union(*known)
    query = sqlglot.parse_one(dialects.translated(table, "duckdb", "a"), read="duckdb")
    assert not {name.name.lower() for name in query.find_all(sqlglot.exp.Identifier)} & reserved


def test_what_is_allowed_is_what_the_aggregates_use() -> None:
    used = set[str]().union(*(dialects.used(sqlglot.parse_one(sql_text(t.sql), read="duckdb")) for t in AGGREGATES))
    assert {f"{kind}.{use}" for kind, uses in dialects.PORTABLE.items() for use in uses.split()} == used


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        # Translated without a word into something else, or into what the dialect refuses.
        ("SELECT year FROM books QUALIFY row_number() OVER (ORDER BY year) = 1 ORDER BY year LIMIT 3", "Qualify"),
        ("SELECT len(subjects) AS n FROM books", "Length"),
        ("SELECT quantile_cont(year, 0.5) AS median FROM books", "PercentileCont"),
        ("SELECT year, count(*) AS n FROM books GROUP BY ALL", "Group.all"),
        ("SELECT * EXCLUDE (title) FROM books", "Star.except_"),
        ("SELECT * REPLACE (year + 1 AS year) FROM books", "Star.replace"),
        ("COPY books TO 'books.parquet'", "Copy"),
        ("SELECT books.year FROM books ASOF JOIN authors ON books.year >= authors.first_year", "Join.method=ASOF"),
        # Other results, or other types of them, here and there.
        ("SELECT year // 10 AS decade FROM books", "IntDiv"),
        ("SELECT book_count / active_years AS average FROM books", "Div.this=Column"),
        ("SELECT year % 10 AS digit FROM books", "Mod"),
        ("SELECT CAST(year AS HUGEINT) AS year FROM books", "INT128"),
        ("SELECT CAST(year AS INTEGER) AS year FROM books", "DType.INT"),
        ("SELECT CAST(year AS VARCHAR) AS year FROM books", "DType.TEXT"),
        ("SELECT CAST(has_fulltext AS BIGINT) AS has_fulltext FROM books", "DType.BIGINT"),
        ("SELECT TRY_CAST(title AS DOUBLE) AS title FROM books", "TryCast"),
        ("SELECT has_fulltext = true AS has_fulltext FROM books", "Boolean"),
        ("SELECT avg(year) AS year FROM books", "Avg"),
        ("SELECT sum(DISTINCT year) AS years FROM books", "Sum.this=Distinct"),
        ("SELECT count(DISTINCT year) AS years FROM books", "Count.this=Distinct"),
        ("SELECT count(*) FILTER (WHERE year = 1) AS years FROM books", "Filter"),
        ("SELECT max(title) AS title FROM books", "Max"),
        ("SELECT lower(title) AS title FROM books", "Lower"),
        ("SELECT title || '!' AS title FROM books", "DPipe"),
        ("SELECT title FROM books WHERE title LIKE 'a%'", "Like"),
        ("SELECT title FROM books WHERE title < 'a'", "LT"),
        ("SELECT [year] AS years FROM books", "Array"),
        ("SELECT no_such_function(year) AS year FROM books", "Anonymous"),
        # Another order, or other rows.
        ("SELECT year FROM books ORDER BY year DESC", "Ordered.desc"),
        ("SELECT year FROM books ORDER BY year NULLS FIRST", "Ordered.nulls_first"),
        ("SELECT title FROM books ORDER BY title COLLATE nocase", "Collate"),
        ("SELECT year FROM books ORDER BY ALL", "Ordered.this=Var"),
        ("SELECT year FROM books ORDER BY 1", "Ordered.this=Literal"),
        ("SELECT year FROM books GROUP BY 1", "Group.expressions=Literal"),
        ("SELECT year FROM books LIMIT 3", "Limit"),
        ("SELECT DISTINCT year FROM books", "Select.distinct"),
        ("SELECT DISTINCT ON (year) year FROM books", "Distinct.on"),
        ("SELECT books.year FROM books FULL JOIN authors ON books.a = authors.a", "Join.side=FULL"),
        ("SELECT books.year FROM books NATURAL JOIN authors", "Join.method=NATURAL"),
        ("SELECT books.year FROM books POSITIONAL JOIN authors", "Join.method=POSITIONAL"),
        ("SELECT year FROM books JOIN authors USING (author_key)", "Join.using"),
        ("SELECT year FROM books UNION SELECT year FROM authors", "Union"),
        ("SELECT year FROM books USING SAMPLE 10", "Select.sample"),
        ("WITH RECURSIVE years AS (SELECT year FROM books) SELECT year FROM years", "With.recursive"),
        # Names of DuckDB's own.
        ('SELECT "year" FROM books', "Identifier.quoted"),
        ("SELECT year FROM openlib.books", "Table.db"),
        ("SELECT COLUMNS(*) FROM books", "Columns"),
        ("FROM books", "Select.expressions=Star"),
        ("PIVOT books ON year USING sum(book_count)", "Pivot"),
    ],
)
def test_what_is_not_proven_is_refused(query: str, reason: str) -> None:
    with pytest.raises(NotPortableError, match=re.escape(reason)):
        dialects.require_portable(sqlglot.parse_one(query, read="duckdb"))
