"""Related subjects: those that stand beside a subject on its works, and those to fetch next."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from string import Template

from duckdb import DuckDBPyConnection

from openlib_assets.lake.transform import sql_text
from openlib_assets.openlibrary.subject_keys import is_key, subject_key
from openlib_assets.report.counts import Row

# Of a subject, besides itself; the rarer ones are on few works, and say little.
_MOST = 40
_MOST_IN_REPORT = 20
# Of all fetched subjects together.
_MOST_TO_FETCH = 100
# Among them are the subject itself, or those that are fetched, and keys that cannot be partitions.
_SPARE = 20


def beside_one(connection: DuckDBPyConnection, subject: str) -> list[Row]:
    """Return the subjects beside one on most of its works: `key`, `name`, `works`; the connection knows its `books`."""
    connection.execute("CREATE TEMP VIEW subject_lists AS SELECT '' AS subject, work_key, subjects FROM books")
    found = connection.execute(_frequent_subjects(_MOST_IN_REPORT + _SPARE)).to_arrow_table().to_pylist()
    return [row for row in found if is_key(row["key"]) and row["key"] != subject][:_MOST_IN_REPORT]


def beside_fetched(connection: DuckDBPyConnection, subjects: str) -> list[Row]:
    """Return the subjects beside some fetched ones, and how many times as often as by chance they stand there.

    The connection knows `books` of all fetched subjects. `subjects` is the query for those that are told of.
    """
    _count_frequent_subjects(connection, f"FROM books WHERE subject IN ({subjects})", _MOST + 1)
    return list(_usable(connection, "related_subjects"))


def to_fetch(connection: DuckDBPyConnection) -> list[Row]:
    """Return the subjects that are not fetched and stand on most works.

    The connection knows `works` and `subjects` of the warehouse, and `books` of all fetched subjects.
    """
    once = "SELECT '' AS subject, work_key, subjects FROM works"
    fetched = connection.execute("SELECT count(*) FROM subjects").fetchall()[0][0]
    _count_frequent_subjects(connection, once, _MOST_TO_FETCH + _SPARE + fetched)
    return list(_usable(connection, "subjects_to_fetch"))[:_MOST_TO_FETCH]


def _count_frequent_subjects(connection: DuckDBPyConnection, subject_lists: str, most: int) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW subject_lists AS {subject_lists}")
    frequent = _frequent_subjects(most)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE frequent_subjects AS {frequent}")
    occurrences = sql_text("comparison/subject_occurrences")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE subject_occurrences AS {occurrences}")


def _frequent_subjects(most: int) -> str:
    """Return the query for the subjects that most works in `subject_lists` have."""
    tags = _tags_left_out()
    beginnings = [tag.removesuffix("*") for tag in tags if tag.endswith("*")]
    # Not as parameters (lake/arrow_values.py), and not as a table: a query for each small subject is planned anew.
    return Template(sql_text("report/related_subjects")).substitute(
        most=most,
        tags=_literals(subject_key(tag) for tag in tags),
        beginnings=_literals([f"(?i)^(?:{'|'.join(map(re.escape, beginnings))})"]),
    )


def _usable(connection: DuckDBPyConnection, name: str) -> Iterator[Row]:
    for row in connection.execute(sql_text(f"comparison/{name}")).to_arrow_table().to_pylist():
        if is_key(row["key"]):
            yield row


@cache
def _tags_left_out() -> list[str]:
    text = files("openlib_assets.report").joinpath("tags_left_out.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _literals(texts: Iterable[str]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
