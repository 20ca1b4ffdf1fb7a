"""What a report says where a dump is built: what its authors wrote in all, and that its works come from a dump."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import dagster as dg
import pytest

from openlib_assets.cli.across_subjects import run_across_subjects
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import Storage
from openlib_assets_tests.conftest import Pipeline, PlaceMaker
from openlib_assets_tests.report.test_report import Report, report_path
from openlib_assets_tests.tools.dump_lakes import build_lake
from openlib_assets_tests.tools.dump_lines import author, by, edition, work, write_dump
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.pages import read_data

JULY, AUGUST, SEPTEMBER, DECEMBER = "2026-07-31", "2026-08-31", "2026-09-30", "2026-12-31"
NOTHING = {"book_count": None, "avg_books_per_active_year": None, "avg_books_per_calendar_year": None}


def build(
    storage: Storage, folder: Path, date: str, author_key: str, years: Sequence[int], *, also: Sequence[str] = ()
) -> None:
    """Build a dump in which an author has a work of each year, on tea; the first one is also on other subjects."""
    lines = {
        "works": [
            work(f"OL{n}W", title=f"Tea {n}", subjects=["Tea", *(() if n else also)], authors=by(author_key))
            for n in range(len(years))
        ],
        "editions": [edition(f"OL{n}M", f"OL{n}W", publish_date=str(year)) for n, year in enumerate(years)],
        "authors": [author(author_key, "Ada")],
    }
    build_lake(storage, write_dump(folder, date, lines), date)


@pytest.fixture(scope="module")
def pipeline(new_place: PlaceMaker) -> Iterator[Pipeline]:
    """A subject from the API, made before there was a dump."""
    with temporary_instance() as instance, Sandbox(SandboxConfig({"cups": 30})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("cups").success
        yield pipeline


def report_of(pipeline: Pipeline, subject: str) -> Report:
    text = report_path(pipeline.place, subject).read_text(encoding="utf-8")
    return Report(" ".join(text.split()), [], {"books": []})


def materialized(result: dg.JobExecutionResult) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}


def test_beside_an_authors_averages_of_the_subject_stand_those_of_the_whole_work(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    before = report_of(pipeline, "cups")
    assert "in_all_by" not in before.data
    assert "In all:" not in before.text
    key = before.data["authors"][0]["author_key"]
    build(pipeline.storage, tmp_path, JULY, key, [1990, 1992, 1992])
    # Nothing of the subject is new, and its report is made again all the same.
    assert materialized(pipeline.run("cups")) == {"raw_works", "raw_details", "subject_report"}
    report = report_of(pipeline, "cups")
    assert report.data["in_all_by"] == JULY
    assert f'<p class="muted" data-in-all="{JULY}">In all: of whatever subject, by all of Open Library' in report.text
    shown = {row.pop("author_key"): row.pop("in_all") for row in report.data["authors"]}
    in_all = {"book_count": 3, "avg_books_per_active_year": 1.5, "avg_books_per_calendar_year": 1.0}
    assert shown == dict.fromkeys(shown, NOTHING) | {key: in_all}
    assert report.data["authors"] == [
        {name: value for name, value in row.items() if name != "author_key"} for row in before.data["authors"]
    ]
    # Then it stays until there is another dump.
    assert materialized(pipeline.run("cups")) == {"raw_works", "raw_details"}
    build(pipeline.storage, tmp_path, AUGUST, key, [1990, 1992, 1992, 1992])
    assert materialized(pipeline.run("cups")) == {"raw_works", "raw_details", "subject_report"}
    report = report_of(pipeline, "cups")
    assert report.data["in_all_by"] == AUGUST
    assert report.data["authors"][0]["in_all"]["book_count"] == 4


def test_a_report_on_works_from_a_dump_says_so_and_claims_nothing_of_ebooks(pipeline: Pipeline, tmp_path: Path) -> None:
    build(pipeline.storage, tmp_path, SEPTEMBER, "OL1A", [1990, 1992, 1993, 1994])
    from_dump = Pipeline(
        pipeline.place, pipeline.instance, pipeline.variables["OPENLIB_API_URL"], OPENLIB_SOURCE=f"dump:{SEPTEMBER}"
    )
    assert from_dump.run("tea").success
    report = report_of(pipeline, "tea")
    assert f"</a> has under this subject in its dump of {SEPTEMBER}.</p>" in report.text
    assert report.figure("E-books") == "not known"
    assert 'data-groups="ebooks"' not in report.text
    assert [line for line in report.findings() if "e-book" in line] == []
    assert report.data["authors"][0]["in_all"]["book_count"] == 4
    by_api = report_of(pipeline, "cups")
    assert 'data-source="api">Every work that' in by_api.text
    assert 'data-groups="ebooks"' in by_api.text
    with from_dump.environment():
        run_across_subjects(from_dump.instance, from_dump.definitions)
    rows = {
        row["name"]: row for row in read_data(Path(pipeline.place.root, "reports/index.html").read_text())["subjects"]
    }
    assert rows["tea"]["source"] == f"dump of {SEPTEMBER}"
    assert rows["tea"]["works_scanned"] is None
    assert rows["cups"]["source"].startswith("API, 20")
    assert rows["cups"]["works_scanned"] is not None


def test_related_subjects_stand_beside_how_often_they_stand_anywhere(pipeline: Pipeline, tmp_path: Path) -> None:
    cells = re.compile(r'data-lift-of="([^"]*)">([^<]*)<')
    rows = related_rows(report_of(pipeline, "cups").text)
    (key, name, works), *others = rows
    build(pipeline.storage, tmp_path, DECEMBER, "OL1A", [1990, 1991, 1992, 1993, 1994], also=[name])
    assert materialized(pipeline.run("cups")) == {"raw_works", "raw_details", "subject_report"}
    report = report_of(pipeline, "cups")
    assert f'<span data-lift="{DECEMBER}">' in report.text
    # On one of five works there.
    shown = {unescape(cell): text for cell, text in cells.findall(report.text)}
    assert shown == {key: f"{works / 30 * 5:,.1f}"} | {other[0]: "" for other in others}


def related_rows(text: str) -> list[tuple[str, str, int]]:
    """Return key, name and works of the related subjects of a report."""
    row = re.compile(
        r'<tr data-related>.*?/subjects/([^"]+)"><bdi>(.*?)</bdi>.*?<td class="number">([0-9]+)</td>', re.DOTALL
    )
    return [(unquote(key), unescape(name), int(works)) for key, name, works in row.findall(text)]
