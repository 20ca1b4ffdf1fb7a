"""Versions of a warehouse that are made up: as many works as wanted, at once, with all that tables refer to."""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.contract import SQL_TYPES, WAREHOUSE_TABLES, Column, Table
from openlib_assets.lake.table_files import file_digest, write_table
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.refreshing import CODE
from openlib_assets.lake.warehouse.versions import Version
from openlib_assets.storage import Storage

# Of a subject: how many works it has, and which fetch saw them; the next one finds other numbers of readers.
Subjects = Mapping[str, tuple[int, int]]

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
# Every tenth work is one of all subjects; every third has a second author, who has written its neighbours, too.
_LISTED = """
CREATE TEMP TABLE listed AS
SELECT subject, fetched_at, seen, i,
       CASE WHEN i % 10 = 0 THEN 'OL' || i || 'W' ELSE 'OL' || number || lpad(i::VARCHAR, 8, '0') || 'W' END
           AS work_key,
       replace(work_key, 'W', 'A') AS first_author,
       1900 + i % 120 AS year,
       'The ' || i || ' books: a title "of" many, ' || subject AS title,
       '978' || lpad((i * 7919 % 10000000000)::VARCHAR, 10, '0') AS isbn13
FROM fetched, range(fetched.works) AS works (i);

CREATE TEMP TABLE latest AS
SELECT unnest(arg_max(listed, (fetched_at, subject))) FROM listed GROUP BY work_key;

CREATE TEMP TABLE written AS
SELECT first_author AS author_key, work_key, year, 1 AS author_position, subject FROM listed
UNION
SELECT 'OL' || (i // 9) || 'A' AS author_key, work_key, year, 2 AS author_position, subject
FROM listed
WHERE i % 3 = 0 AND i % 10 <> 0;

CREATE TEMP VIEW authors AS
SELECT author_key, 'Author ' || author_key AS author_name, count(DISTINCT work_key) AS book_count,
       book_count AS dated_book_count, min(year) AS first_year, max(year) AS last_year,
       count(DISTINCT year) AS active_years
FROM written
GROUP BY author_key
"""
_TABLES = {
    "subjects": "SELECT *, 'subject' AS kind, subject AS name, works AS works_dated, works AS authors FROM fetched",
    "works": """
        SELECT latest.*, year AS first_publish_year, 'ok' AS year_status, i % 40 AS edition_count,
               writers AS author_count, i % 2 = 0 AS has_fulltext,
               ['Fiction, general', subject, 'with "marks"'] AS subjects,
               CASE WHEN i % 10 > 0 THEN ['eng', 'ger'] END AS languages, ['Tor', NULL, ''] AS publishers,
               300 + i % 7 AS pages_median, i / 3 AS ratings_average, seen * 1000 + i % 100 AS want_to_read,
               subject AS fetched_for
        FROM latest
        JOIN (SELECT work_key, count(DISTINCT author_key) AS writers FROM written GROUP BY work_key) USING (work_key)
    """,
    "work_subjects": "FROM listed",
    "authors": "FROM authors",
    "work_authors": "SELECT author_key, work_key, min(author_position) AS author_position FROM written GROUP BY ALL",
    "work_isbns": "SELECT work_key, unnest([isbn13, replace(isbn13, '978', '979')]) AS isbn13 FROM latest",
    "author_yearly_counts": """
        SELECT author_key, 'Author ' || author_key AS author_name, year, count(DISTINCT work_key) AS book_count
        FROM written
        GROUP BY ALL
    """,
    "author_averages": "FROM authors",
    "subject_author_yearly_counts": """
        SELECT subject, author_key, 'Author ' || author_key AS author_name, year, count(*) AS book_count
        FROM written
        GROUP BY ALL
    """,
    "stocking_list": """
        SELECT *, i + 1 AS rank, ['Author ' || first_author] AS author_names, round(seen / (i + 1), 4) AS score,
               CASE WHEN i % 1000 = 999 THEN lag(work_key) OVER (PARTITION BY subject ORDER BY i) END AS duplicate_of
        FROM listed
    """,
    "order_list": "SELECT *, i + 1 AS rank, ['Author ' || first_author] AS author_names FROM listed WHERE i < 200",
    "subject_history": """
        SELECT subject, works, works AS works_dated, fetched_at - to_days(past::INTEGER) AS fetched_at,
               strftime(fetched_at - to_days(past::INTEGER), '%Y%m%dT%H%M%SZ') AS snapshot
        FROM fetched, range(3) AS past (past)
    """,
}
# Of columns that nothing is told of.
_EMPTY = {"VARCHAR": "''", "VARCHAR[]": "[]", "TIMESTAMPTZ": "'2026-01-01'", "BOOLEAN": "false"}


def publish(storage: Storage, subjects: Subjects, now: datetime | None = None) -> Version:
    """Publish the next version, of subjects as they are told of."""
    before = versions.current(storage)
    now = now or datetime.now(UTC)
    name = versions.next_name(now, before)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE fetched (subject VARCHAR, number BIGINT, works BIGINT, seen BIGINT, fetched_at TIMESTAMPTZ)"
        )
        for subject, (works, seen) in subjects.items():
            number = zlib.crc32(subject.encode())
            connection.execute(
                "INSERT INTO fetched VALUES (?, ?, ?, ?, ?)",
                [subject, number, works, seen, _BEGAN + timedelta(days=31 * seen)],
            )
        connection.execute(_LISTED)
        made = {table.name: _write(connection, storage, name, table) for table in WAREHOUSE_TABLES}
    version = Version(
        name,
        CODE,
        {subject: str(about) for subject, about in subjects.items()},
        {table: digest for table, (digest, _) in made.items()},
        {table: rows for table, (_, rows) in made.items()},
    )
    versions.publish(storage, version, now)
    return version


def _write(connection: duckdb.DuckDBPyConnection, storage: Storage, version: str, table: Table) -> tuple[str, int]:
    """Write a table, null or empty in columns that nothing is told of; return its digest and number of rows."""
    made = f"({_TABLES[table.name]})"
    told = {name for name, *_ in connection.sql(f"DESCRIBE {made}").fetchall()}
    columns = ", ".join(_column(column, column.name in told) for column in table.columns)
    rows = f"SELECT {columns} FROM {made} ORDER BY {', '.join(table.key)}"  # noqa: S608 - of here
    with storage.writing(layout.warehouse_file(version, table.name)) as file:
        count = write_table(file, connection.sql(rows).to_arrow_reader(65_536), table.schema)
        return file_digest(file), count


def _column(column: Column, is_told: bool) -> str:
    kind = SQL_TYPES[column.type]
    empty = "NULL" if column.nullable else _EMPTY.get(kind, "0")
    return f"{column.name if is_told else empty}::{kind} AS {column.name}"
