"""Subjects from a dump against the same from the API: every table, but for what a dump does not tell."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest

from openlib_assets.cli.runs import execute
from openlib_assets.defs.partitions import run_tags
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import GOLD, SILVER, Pipeline, Place, assert_same_rows
from openlib_assets_tests.tools.dump_lakes import Rows, build_lake
from openlib_assets_tests.tools.dump_lines import DATE
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.reference_catalogue import catalogue

# With a dump there is nothing to rank by whether an e-book is free.
RANKING = {"stocking_list": {"config": {"weights": {"no_free": 0.0}}}}
# What a dump does not tell, or tells of itself.
ITS_OWN = {
    "rejected_works": ("payload",),
    "books": ("has_fulltext",),
    "subject_summary": ("fetched_at", "source", "proven_by", "window_seconds"),
    "work_details": ("ebook_access",),
    "stocking_list": ("no_free",),
}
OF_EBOOKS = re.compile("; (a free e-book exists|an e-book can be borrowed|no free e-book)")
LANGUAGE = "eng"
# Of the forms that the sandbox's editions have.
NOT_PRINTED = {"electronic resource", "[microform] /", "Audio Cassette", "CD-ROM", "Audio CD", "eBook"}
KINDS = ("", "person:", "place:", "time:")


@dataclass(frozen=True)
class Both:
    """Some subjects, each fetched from the API and from the dump, and the tables of the dump by the reference."""

    subjects: Sequence[str]
    api: Pipeline
    dump: Pipeline
    truth: dict[str, Rows]


@pytest.fixture(
    scope="module",
    params=[(6, 300), pytest.param((30, 20_000), marks=pytest.mark.dumps)],
    ids=["6 subjects", "30 subjects"],
)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    subjects, largest = request.param
    sizes = {f"{KINDS[number % 4]}of_{number}": 1 + number * number for number in range(subjects - 1)}
    config = SandboxConfig({**sizes, "place:são_paulo_(brazil)": largest}, settled=True)
    with Sandbox(config) as sandbox, ExitStack() as stack:
        sandbox.write_dumps(folder / "files", date.fromisoformat(DATE), mess=0.01)
        api, dump = (
            Pipeline(
                Place(str(folder / source), {}),
                stack.enter_context(temporary_instance()),
                sandbox.url,
                OPENLIB_SOURCE=source,
            )
            for source in ("api", "dump")
        )
        run(api, list(config.subjects))
        asked = len(sandbox.requests)
        build_lake(dump.storage, folder / "files", DATE)
        run(dump, list(config.subjects))
        assert len(sandbox.requests) == asked
        yield Both(list(config.subjects), api, dump, catalogue(folder / "files", DATE))


def run(pipeline: Pipeline, subjects: Sequence[str]) -> None:
    pipeline.instance.add_dynamic_partitions("subjects", subjects)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("all_assets")
        assert execute(pipeline.instance, job, {**quiet, "ops": RANKING}, run_tags(subjects)).success


def rows(pipeline: Pipeline, table: str, subject: str) -> Rows:
    """Return a table of a subject without what a dump does not tell."""
    layer = "silver" if table in SILVER else "gold" if table in GOLD else "serving"
    path = f"{layer}/{table}/subject={quote(subject, safe='')}/part-0.parquet"
    found = pipeline.table(path).drop_columns(list(ITS_OWN.get(table, ()))).to_pylist()
    return [{**row, "reason": OF_EBOOKS.sub("", row["reason"])} if table == "stocking_list" else row for row in found]


@pytest.mark.parametrize("table", [*SILVER, *GOLD])
def test_a_table_from_the_dump_equals_that_from_the_api(both: Both, table: str) -> None:
    for subject in both.subjects:
        assert_same_rows(rows(both.dump, table, subject), rows(both.api, table, subject))


def test_what_only_the_api_tells_is_unknown_and_the_source_is_said(both: Both) -> None:
    for subject in both.subjects:
        key = f"subject={quote(subject, safe='')}/part-0.parquet"
        assert set(both.dump.table(f"silver/books/{key}")["has_fulltext"].to_pylist()) == {None}
        assert set(both.dump.table(f"silver/work_details/{key}")["ebook_access"].to_pylist()) == {None}
        assert set(both.dump.table(f"gold/stocking_list/{key}")["no_free"].to_pylist()) == {None}
        (summary,) = both.dump.table(f"gold/subject_summary/{key}").to_pylist()
        assert summary["source"] == f"dump:{DATE}/works/{subject}"
        assert summary["proven_by"] == f"the dump of {DATE}"


def test_what_is_ordered_is_the_newest_printed_edition_of_the_dump(both: Both) -> None:
    editions: dict[str, Rows] = defaultdict(list)
    for edition in both.truth["catalogue_editions"]:
        if edition["isbn13"] and LANGUAGE in edition["languages"]:
            editions[edition["work_key"]].append(edition)
    ordered = 0
    for subject in both.subjects:
        for row in rows(both.dump, "order_list", subject):
            best = min(editions[row["work_key"]], key=preference, default=None)
            ordered += best is not None
            assert row["edition_key"] == (best and best["edition_key"])
            if best:
                assert row["isbn13"] in best["isbn13"]
                assert row["language"] == LANGUAGE
                assert (row["title"], row["publish_date"]) == (best["title"], best["publish_date"])
                assert row["publisher"] == next(iter(best["publishers"]), None)
    assert ordered > 3 * len(both.subjects)


def preference(edition: dict[str, Any]) -> tuple[bool, int, str]:
    """Tell which edition to order: of all, the least."""
    return edition["format"] in NOT_PRINTED, -(edition["publish_year"] or 0), edition["edition_key"]
