"""What to order, in Dagster: made again only when something that it rests on has changed, and red alone."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.cli.runs import execute
from openlib_assets.defs.partitions import run_tags
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker, failure_texts
from openlib_assets_tests.tools import reference_orders
from openlib_assets_tests.tools.copies import copy_of
from openlib_assets_tests.tools.instances import temporary_instance

SUBJECTS = ("tea", "ice")
SIZES = dict.fromkeys(SUBJECTS, 60)
REFUSED = FaultPlan(planned=(Planned("http_403", match="editions.key", times=99),))


@dataclasses.dataclass(frozen=True)
class Ordered:
    """A pipeline whose subjects were all fetched and made."""

    sandbox: Sandbox
    pipeline: Pipeline

    def made(self, job: str = "all_assets", **config: Any) -> tuple[set[str], int]:
        """Run the first subject again; give what was made, and how many requests for editions were sent."""
        before = len(self.sandbox.requests)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with self.pipeline.environment():
            definition = self.pipeline.definitions.resolve_job_def(job)
            result = execute(self.pipeline.instance, definition, quiet | config, run_tags(SUBJECTS[:1]))
        assert result.success, failure_texts(result)
        made = {
            event.asset_key.to_user_string()  # type: ignore[union-attr]
            for event in result.get_asset_materialization_events()
        }
        asked = sum("editions.key" in request.query for request in self.sandbox.requests[before:])
        return made - {"raw_works", "raw_details"}, asked

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the first subject."""
        rows: list[dict[str, Any]] = self.pipeline.table(f"{path}/subject={SUBJECTS[0]}/part-0.parquet").to_pylist()
        return rows


@pytest.fixture(scope="module")
def made(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Both subjects made; not to be changed."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with Sandbox(SandboxConfig(SIZES)) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run(*SUBJECTS).success
        yield pipeline


@pytest.fixture
def ordered(made: Pipeline) -> Iterator[Ordered]:
    with Sandbox(SandboxConfig(SIZES)) as sandbox, copy_of(made, sandbox.url) as pipeline:
        yield Ordered(sandbox, pipeline)


def test_editions_are_asked_for_again_only_after_a_change(ordered: Ordered, tmp_path: Path) -> None:
    lists = {"stocking_list", "order_list"}
    after = lists | {"subject_report"}
    assert ordered.made() == (set(), 0)

    ordered.pipeline.variables["OPENLIB_LANGUAGES"] = "ger,eng"
    made, asked = ordered.made()
    assert made - {"subject_report"} == {"order_list"}
    assert asked >= 2
    assert {row["language"] for row in ordered.rows("serving/order_list")} == {"ger", "eng", None}

    weights = {"demand": 0.0, "recency": 1.0, "author": 0.0, "no_free": 0.0}
    made, asked = ordered.made(ops={"stocking_list": {"config": {"weights": weights}}})
    assert lists <= made <= after
    assert asked
    for row in ordered.rows("gold/stocking_list"):
        assert row["score"] == (row["recency"] or 0.0)
    assert lists <= ordered.made()[0] <= after, "other weights: those that hold if nobody says otherwise"

    # What the store sells is ranked, and not ordered.
    file = tmp_path / "store.csv"
    sold = {key for book in ordered.sandbox.write_store_catalogue(file, 400) for key in book.work_keys}
    ordered.pipeline.variables["OPENLIB_STORE_CATALOGUE"] = str(file)
    with ordered.pipeline.environment():
        job = ordered.pipeline.definitions.resolve_job_def("read_store_catalogue")
        assert job.execute_in_process(instance=ordered.pipeline.instance).success
    assert lists <= ordered.made()[0] <= after
    listed = ordered.rows("gold/stocking_list")
    surely = {row["work_key"] for row in listed if row["in_store"] == "yes"}
    assert surely
    assert surely <= {key.removeprefix("/works/") for key in sold}
    assert {row["in_store"] for row in listed} == {"yes", "review", "no"}
    kept = {row["work_key"] for row in reference_orders.order_list(listed, {}, ["ger", "eng"])}
    assert {row["work_key"] for row in ordered.rows("serving/order_list")} == kept
    assert kept

    # Without requests, tables can be made again from bronze; editions are not.
    made, asked = ordered.made(job="rebuild_from_bronze")
    assert "stocking_list" in made
    assert asked == 0


def test_a_subject_whose_editions_are_refused_keeps_its_older_list_and_all_else_is_made(
    ordered: Ordered,
) -> None:
    before = ordered.pipeline.digests("serving") | ordered.pipeline.digests("exports")
    elsewhere = {record["key"].removeprefix("/works/") for record in ordered.sandbox.works(SUBJECTS[1])}
    keys = [row["work_key"] for row in ordered.rows("gold/stocking_list")]
    work = next(key for key in keys if key not in elsewhere)
    ordered.sandbox.change_work(SUBJECTS[0], f"/works/{work}", title="Another title")
    ordered.sandbox.change_faults(REFUSED)
    result = ordered.pipeline.run(*SUBJECTS)
    texts = failure_texts(result)
    assert set(texts) == {"order_list"}
    assert texts["order_list"].startswith(f"{SUBJECTS[0]}: ")
    assert "HTTP 403" in texts["order_list"]
    assert "\n" not in texts["order_list"]
    assert len(texts["order_list"]) < 400
    after = ordered.pipeline.digests("serving") | ordered.pipeline.digests("exports")
    assert {path for path in before if before[path] != after[path]} == {f"exports/{SUBJECTS[0]}/books.csv"}
    assert "Another title" in {row["title"] for row in ordered.rows("gold/stocking_list")}
    assert b"Another title" in ordered.pipeline.storage.read(f"reports/{SUBJECTS[0]}/index.html")
    ordered.sandbox.change_faults(FaultPlan())
    assert ordered.made()[1]
    kept = reference_orders.order_list(ordered.rows("gold/stocking_list"), {}, ["eng"])
    assert [row["work_key"] for row in ordered.rows("serving/order_list")] == [row["work_key"] for row in kept]
