"""Two real answers of Open Library through the whole pipeline."""

from collections.abc import Iterator

import pytest

from openlib_assets_tests.conftest import (
    CSV,
    Pipeline,
    PlaceMaker,
    assert_tables_equal,
    reference_tables,
)
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.recorded_server import recorded_answer, recorded_server
from openlib_assets_tests.tools.reference import csv_text

SUBJECTS = ("bestsellers", "science_fiction")


@pytest.fixture(scope="module")
def pipeline(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Both subjects, fetched in one run and made into everything."""
    answers = {subject: recorded_answer(subject) for subject in SUBJECTS}
    cache = str(tmp_path_factory.mktemp("cache"))
    with recorded_server(answers) as url, temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, url, XDG_CACHE_HOME=cache, OPENLIB_PAGE_SIZE="5")
        assert pipeline.run(*SUBJECTS).success
        yield pipeline


def rows(pipeline: Pipeline, table: str, subject: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pipeline.table(f"{table}/subject={subject}/part-0.parquet").to_pylist()
    return found


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_table_and_csv_file_equals_the_reference(pipeline: Pipeline, subject: str) -> None:
    wanted = reference_tables(pipeline, subject, recorded_answer(subject)["works"])
    assert_tables_equal(pipeline, subject, wanted)
    for name in CSV:
        found = pipeline.storage.read(f"exports/{subject}/{name}.csv").decode()
        assert found == csv_text(list(wanted[name][0]), wanted[name])


def test_wells_wrote_three_of_the_works_in_four_years(pipeline: Pipeline) -> None:
    (wells,) = (
        row for row in rows(pipeline, "gold/author_averages", "science_fiction") if row["author_key"] == "OL13066A"
    )
    assert wells == {
        "author_key": "OL13066A",
        "author_name": "H. G. Wells",
        "book_count": 3,
        "dated_book_count": 3,
        "first_year": 1895,
        "last_year": 1898,
        "active_years": 3,
        "span_years": 4,
        "avg_books_per_active_year": 1.0,
        "avg_books_per_calendar_year": 0.75,
    }
    years = [
        (row["year"], row["book_count"])
        for row in rows(pipeline, "gold/author_yearly_counts", "science_fiction")
        if row["author_key"] == "OL13066A"
    ]
    assert years == [(1895, 1), (1897, 1), (1898, 1)]


def test_brave_new_world_counts_for_each_of_the_nine_authors_it_lists(pipeline: Pipeline) -> None:
    pairs = [
        (row["author_position"], row["author_key"])
        for row in rows(pipeline, "silver/author_books", "science_fiction")
        if row["work_key"] == "OL64365W"
    ]
    assert sorted(pairs) == [
        (1, "OL19767A"),
        (2, "OL3127898A"),
        (3, "OL7366049A"),
        (4, "OL7232070A"),
        (5, "OL3647036A"),
        (6, "OL14449831A"),
        (7, "OL13750402A"),
        (8, "OL8261782A"),
        (9, "OL15092181A"),
    ]
    lines = pipeline.storage.read("exports/science_fiction/authors.csv").decode().splitlines()
    assert lines[0] == "author_key,author_name,book_count,first_year,last_year"
    assert "OL15092181A,[英]阿道司·赫胥黎,1,1800,1800" in lines
    assert 'OL7232070A,"Huxley, Aldous",1,1800,1800' in lines


def test_a_work_without_a_cover_has_none(pipeline: Pipeline) -> None:
    (book,) = (row for row in rows(pipeline, "silver/books", "bestsellers") if row["work_key"] == "OL13302987W")
    subjects = book.pop("subjects")
    assert subjects == next(
        work["subject"] for work in recorded_answer("bestsellers")["works"] if work["key"] == "/works/OL13302987W"
    )
    assert book == {
        "work_key": "OL13302987W",
        "title": "Schreiben für den Markt",
        "first_publish_year": 2005,
        "year_status": "ok",
        "edition_count": 1,
        "author_count": 1,
        "has_fulltext": False,
        "cover_id": None,
    }


def test_the_summaries_count_what_the_answers_hold(pipeline: Pipeline) -> None:
    totals = {}
    for subject in SUBJECTS:
        (summary,) = rows(pipeline, "gold/subject_summary", subject)
        totals[subject] = list(summary.values())[:10]
    assert totals == {
        "bestsellers": [7, 7, 0, 7, 0, 0, 0, 7, 1953, 2009],
        "science_fiction": [12, 12, 0, 12, 0, 0, 0, 18, 1800, 1949],
    }
