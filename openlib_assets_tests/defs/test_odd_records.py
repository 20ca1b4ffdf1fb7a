"""A subject with odd records, from the source to the report: they are set aside and told of, and all others arrive."""

from typing import Any

import dagster as dg
import pytest

from openlib_assets_tests.conftest import Pipeline, PlaceMaker, assert_tables_equal, failure_text, reference_tables
from openlib_assets_tests.tools.recorded_server import recorded_server

SUBJECT = "tea"


def answer(odd: int, works: int = 30) -> dict[str, Any]:
    """An answer of the Subjects API in which some records have a title that is no text."""
    records = [
        {
            "key": f"/works/OL{100 + number}W",
            "title": 5 if number < odd else f"Title {number}",
            "first_publish_year": 1990 + number % 20,
            "edition_count": 1,
            "authors": [{"key": f"/authors/OL{number % 7 + 1}A", "name": f"Name {number % 7}"}],
            "subject": ["Tea"],
        }
        for number in range(works)
    ]
    return {"work_count": works, "works": records}


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_odd_records_are_set_aside_and_told_of(kind: str, new_place: PlaceMaker, instance: dg.DagsterInstance) -> None:
    answers = {SUBJECT: answer(odd=3)}
    with recorded_server(answers) as url:
        pipeline = Pipeline(new_place(kind), instance, url)
        result = pipeline.run(SUBJECT)
        assert result.success
        assert_tables_equal(pipeline, SUBJECT, reference_tables(pipeline, SUBJECT, answers[SUBJECT]["works"]))
    report = pipeline.storage.read(f"reports/{SUBJECT}/index.html").decode()
    assert 'data-count="works_rejected">3<' in report
    assert report.count("<li data-rejected>") == 3
    told = {evaluation.asset_key.path[-1]: evaluation for evaluation in result.get_asset_check_evaluations()}
    rejected = told["rejected_works"]
    assert not rejected.passed
    assert rejected.severity == dg.AssetCheckSeverity.WARN
    assert rejected.metadata["none_rejected: rejected"].value == 3


def test_a_subject_of_odd_records_alone_has_its_tables_and_a_report(
    new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    answers = {SUBJECT: answer(odd=2, works=2)}
    with recorded_server(answers) as url:
        pipeline = Pipeline(new_place("local"), instance, url)
        result = pipeline.run(SUBJECT)
        assert result.success, failure_text(result)
        assert_tables_equal(pipeline, SUBJECT, reference_tables(pipeline, SUBJECT, answers[SUBJECT]["works"]))
    (summary,) = pipeline.table(f"gold/subject_summary/subject={SUBJECT}/part-0.parquet").to_pylist()
    assert (summary["works_reported"], summary["works"], summary["works_rejected"]) == (2, 0, 2)
    assert 'data-count="works_rejected">2<' in pipeline.storage.read(f"reports/{SUBJECT}/index.html").decode()


def test_many_odd_records_fail_the_subject_and_leave_its_tables(
    new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    answers = {SUBJECT: answer(odd=0)}
    with recorded_server(answers) as url:
        pipeline = Pipeline(new_place("local"), instance, url)
        assert pipeline.run(SUBJECT).success
        before = pipeline.table(f"silver/books/subject={SUBJECT}/part-0.parquet")
        answers[SUBJECT] = answer(odd=21)
        result = pipeline.run(SUBJECT)
        assert not result.success
        assert "check few_rejected failed: works 30, rejected 21" in failure_text(result)
        assert pipeline.table(f"silver/books/subject={SUBJECT}/part-0.parquet").equals(before)
