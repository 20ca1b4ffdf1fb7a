"""What came, went or changed between two fetches."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest

from openlib_assets.cli.runs import execute
from openlib_assets.defs.partitions import run_tags
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    Pipeline,
    PlaceMaker,
    assert_same_rows,
    reference_tables,
    snapshot_paths,
)

SUBJECT = "place:venice"
PATH = "gold/subject_changes/subject=place%3Avenice/part-0.parquet"


def changes(pipeline: Pipeline) -> dict[str, str]:
    return {row["work_key"]: row["change"] for row in pipeline.table(PATH).to_pylist()}


def bare(work: Mapping[str, Any]) -> str:
    return str(work["key"]).removeprefix("/works/")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({SUBJECT: 60})) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(instance: dg.DagsterInstance, new_place: PlaceMaker, sandbox: Sandbox) -> Pipeline:
    """The subject, fetched once."""
    return fetched(Pipeline(new_place("local"), instance, sandbox.url), sandbox)


def fetched(pipeline: Pipeline, sandbox: Sandbox, *, force: bool = False) -> Pipeline:
    """Fetch the subject, make of it what the changes need and nothing else, and compare with the reference."""
    needed = {dg.AssetKey(name) for name in ("raw_works", "rejected_works", "books", "subject_changes")}
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("all_assets").get_subset(asset_selection=needed)
        pipeline.instance.add_dynamic_partitions("subjects", [SUBJECT])
        config = {"ops": {"raw_works": {"config": {"force": force}}}}
        assert execute(pipeline.instance, job, config, run_tags([SUBJECT])).success
    wanted = reference_tables(pipeline, SUBJECT, list(sandbox.works(SUBJECT)))["subject_changes"]
    assert_same_rows(pipeline.table(PATH).to_pylist(), wanted)
    return pipeline


def test_what_came_went_and_changed_is_told_with_the_names_of_both_snapshots(
    instance: dg.DagsterInstance, new_place: PlaceMaker, sandbox: Sandbox
) -> None:
    pipeline = fetched(Pipeline(new_place("s3"), instance, sandbox.url), sandbox)
    works = [work for work in sandbox.works(SUBJECT) if len({author["key"] for author in work["authors"]}) > 1]
    gone, retitled, reordered, counted, undated = works[:5]
    sandbox.remove_work(SUBJECT, gone["key"])
    sandbox.change_work(SUBJECT, retitled["key"], title="Another title")
    sandbox.change_work(SUBJECT, reordered["key"], authors=reordered["authors"][::-1])
    sandbox.change_work(SUBJECT, counted["key"], edition_count=counted["edition_count"] + 1)
    sandbox.change_work(SUBJECT, undated["key"], first_publish_year=None)
    new = sandbox.add_work(SUBJECT)
    fetched(pipeline, sandbox)
    assert changes(pipeline) == {
        bare(gone): "removed",
        bare(new): "added",
        **dict.fromkeys(map(bare, (retitled, reordered, counted, undated)), "changed"),
    }
    titles = {row["work_key"]: row["title"] for row in pipeline.table(PATH).to_pylist()}
    assert titles[bare(gone)] == (None if gone["title"] == "__None__" else gone["title"])
    assert titles[bare(retitled)] == "Another title"
    names = [path.split("snapshot=")[1].split("/")[0] for path in snapshot_paths(pipeline, SUBJECT)]
    told = {(row["previous_snapshot"], row["current_snapshot"]) for row in pipeline.table(PATH).to_pylist()}
    assert told == {tuple(names)}


def test_the_first_snapshot_has_no_rows(pipeline: Pipeline) -> None:
    assert changes(pipeline) == {}


def test_what_is_not_a_column_of_books_changes_nothing(pipeline: Pipeline, sandbox: Sandbox) -> None:
    work = next(sandbox.works(SUBJECT))
    sandbox.change_work(SUBJECT, work["key"], ia_collection=["another"])
    fetched(pipeline, sandbox)
    assert len(snapshot_paths(pipeline, SUBJECT)) == 2, "it does make a new snapshot"
    assert changes(pipeline) == {}


def test_a_text_online_that_one_snapshot_does_not_know_of_is_no_change(pipeline: Pipeline, sandbox: Sandbox) -> None:
    unknown, turned = (work for work in [*sandbox.works(SUBJECT)][:2])
    sandbox.change_work(SUBJECT, unknown["key"], has_fulltext=None)
    sandbox.change_work(SUBJECT, turned["key"], has_fulltext=not turned["has_fulltext"])
    fetched(pipeline, sandbox)
    assert changes(pipeline) == {bare(turned): "changed"}
    sandbox.change_work(SUBJECT, unknown["key"], has_fulltext=unknown["has_fulltext"])
    fetched(pipeline, sandbox)
    assert changes(pipeline) == {}
    retitled = {"has_fulltext": None, "title": "Another title"}
    sandbox.change_work(SUBJECT, unknown["key"], **retitled)
    fetched(pipeline, sandbox)
    assert changes(pipeline) == {bare(unknown): "changed"}


def test_only_the_snapshot_before_counts(pipeline: Pipeline, sandbox: Sandbox) -> None:
    first, second = (work["key"] for work in [*sandbox.works(SUBJECT)][:2])
    sandbox.change_work(SUBJECT, first, title="One")
    fetched(pipeline, sandbox)
    sandbox.change_work(SUBJECT, second, title="Two")
    fetched(pipeline, sandbox)
    assert changes(pipeline) == {second.removeprefix("/works/"): "changed"}
    fetched(pipeline, sandbox)
    assert changes(pipeline) == {second.removeprefix("/works/"): "changed"}, "an unchanged subject keeps them"
    fetched(pipeline, sandbox, force=True)
    assert changes(pipeline) == {}, "a forced snapshot of the same works"
