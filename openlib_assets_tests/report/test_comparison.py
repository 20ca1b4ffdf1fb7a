"""The comparison of subjects that no pipeline made: growth, years, pairs and bridging authors where they are odd."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pytest

from openlib_assets.lake.transform import sql_text
from openlib_assets.report.comparison import comparison_html, comparison_numbers
from openlib_assets_tests.tools.pages import read_data


@pytest.mark.parametrize("works", [1, 20, 21, 60, 140, 1001])
def test_a_stray_year_does_not_spoil_the_years_of_a_subject(works: int) -> None:
    with made_up_catalog({"tea": range(works)}) as connection:
        connection.execute("UPDATE works SET first_publish_year = 1001 + work_key::INT")
        (row,) = comparison_numbers(connection)["subjects"]
    assert row["middle_years"] == [1000 + -(-percent * works // 100) for percent in (5, 95)]


def test_growth_is_told_where_both_decades_have_books_enough() -> None:
    def growth(recent: int, before: int) -> float | None:
        with made_up_catalog({"tea": range(recent + before)}) as connection:
            connection.execute("UPDATE works SET first_publish_year = 2010 WHERE work_key::INT >= ?", [recent])
            found: float | None = read_data(comparison_html(comparison_numbers(connection)))["subjects"][0]["growth"]
            return found

    assert growth(30, 20) == 50
    assert growth(20, 40) == -50
    assert growth(300, 19) is None
    assert growth(19, 300) is None


def test_pairs_of_the_largest_subjects_are_drawn_however_many_share_more() -> None:
    large: dict[str, Iterable[int]] = {
        f"large_{place}": [0, *range(100 * place, 100 * place + 50)] for place in range(1, 16)
    }
    small = {f"small_{place}": range(9000, 9005) for place in range(12)}
    with made_up_catalog({**large, **small}) as connection:
        numbers = comparison_numbers(connection)
    pairs = {(row["subject"], row["other_subject"]): row["works"] for row in numbers["overlaps"]}
    assert len(pairs) == 50 + 15 * 14 / 2
    assert all(pairs[one, other] == 1 for one in large for other in large if one < other)
    page = comparison_html(numbers)
    # The diagonal is left out; the least share is all but invisible.
    opacities = [float(found) for found in re.findall(r'<rect [^>]*opacity="([\d.]+)"', page)]
    assert len(opacities) == 15 * 14
    assert 0.1 < min(opacities) == max(opacities) < 0.3
    assert "the table 50 pairs" in page


def test_hundreds_of_subjects_that_share_nothing_are_said_to() -> None:
    with made_up_catalog({f"subject_{place}": [place] for place in range(300)}) as connection:
        page = comparison_html(comparison_numbers(connection))
    assert len(read_data(page)["subjects"]) == 300
    assert "No two of the 15 largest subjects have a work in common." in page


def test_one_subject_has_none_to_be_compared_with() -> None:
    with made_up_catalog({"tea": [1]}) as connection:
        assert "It takes two subjects to compare." in comparison_html(comparison_numbers(connection))


def test_an_author_of_works_in_several_subjects_is_told_once() -> None:
    with made_up_catalog({"a": [1], "b": [2], "c": [3]}) as connection:
        connection.execute("DELETE FROM authors WHERE author_key <> 'by 1'")
        connection.execute("UPDATE authors SET author_name = 'b', book_count = 3")
        connection.execute("UPDATE work_authors SET author_key = 'by 1'")
        (bridge,) = comparison_numbers(connection)["bridging_authors"]
    assert (bridge["author_name"], bridge["subject_count"], bridge["works"]) == ("b", 3, 3)


def test_of_the_works_of_a_dump_scans_are_not_known_though_an_api_told_of_some() -> None:
    with made_up_catalog({"dump": [1, 2, 3], "api": [3, 4]}) as connection:
        connection.execute("UPDATE subjects SET source = 'dump:2026-08-31/tea' WHERE subject = 'dump'")
        connection.execute("UPDATE works SET has_fulltext = if(work_key IN ('3', '4'), work_key = '3', NULL)")
        scanned = {row["subject"]: row["works_scanned"] for row in comparison_numbers(connection)["subjects"]}
    assert scanned == {"dump": None, "api": 1}


@contextmanager
def made_up_catalog(subjects: Mapping[str, Iterable[int]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a catalog of subjects with these works, all of 2020, each by an author of its own; fetched in 2026."""
    with duckdb.connect() as connection:
        connection.execute(sql_text("helpers/subject_keys"))
        works = [(subject, str(work)) for subject, keys in subjects.items() for work in keys]
        connection.execute("CREATE TABLE work_subjects (subject VARCHAR, work_key VARCHAR)")
        connection.executemany("INSERT INTO work_subjects VALUES (?, ?)", works)
        connection.execute(
            """
            CREATE TABLE works AS
                SELECT DISTINCT work_key, 2020 AS first_publish_year, 'ok' AS year_status, false AS has_fulltext,
                       []::VARCHAR[] AS subjects
                FROM work_subjects;
            CREATE TABLE work_authors AS SELECT work_key, 'by ' || work_key AS author_key FROM works;
            CREATE TABLE authors AS SELECT author_key, NULL::VARCHAR AS author_name, 1 AS book_count FROM work_authors;
            CREATE TABLE subject_history (
                subject VARCHAR, snapshot VARCHAR, works_added BIGINT, works_removed BIGINT
            );
            CREATE TABLE subjects AS
                SELECT subject, count(*) AS works, 0 AS works_rejected, count(*) AS works_reported, count(*) AS authors,
                       count(*) AS works_dated, 2020 AS first_year, 2020 AS last_year,
                       TIMESTAMP '2026-01-01' AS fetched_at, 'https://openlibrary.org' AS source
                FROM work_subjects GROUP BY subject;
            """
        )
        yield connection
