"""The job that builds a dump, on a real instance: partitions, metadata, checks, failures and going on after them."""

import shutil
from collections import namedtuple
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from openlib_assets.cli.runs import execute
from openlib_assets.defs.jobs import BUILD_DUMP
from openlib_assets.defs.partitions import DUMPS, run_tags
from openlib_assets.lake.contract import CATALOGUE_TABLES
from openlib_assets.lake.dumps.lakes import building, complete_lakes, publish_lake
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import waiting
from openlib_assets_tests.conftest import Pipeline, Place, failure_text
from openlib_assets_tests.tools import jobs
from openlib_assets_tests.tools.deployment import PROJECT_ROOT
from openlib_assets_tests.tools.dump_lakes import assert_same_tables, catalogue_tables
from openlib_assets_tests.tools.dump_lines import DATE
from openlib_assets_tests.tools.reference_catalogue import catalogue

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
TABLES = {table.name for table in CATALOGUE_TABLES}
MADE = {"dump_files", "dump_records", *TABLES}
Usage = namedtuple("Usage", "total used free")
# What needs it, directly or not.
AFTER_DEMAND = {name for name in TABLES if name not in ("catalogue_rejects", "catalogue_authors", "catalogue_editions")}
AFTER_DEMAND -= {"catalogue_isbns"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    with Sandbox(SandboxConfig({"love": 40, "person:ann": 10}, settled=True)) as sandbox:
        sandbox.write_dumps(folder, date.fromisoformat(DATE), mess=0.01)
    return folder


@pytest.fixture
def pipeline(files: Path, instance: dg.DagsterInstance, tmp_path: Path) -> Pipeline:
    """The project with the files of a dump in a folder; nobody answers for Open Library."""
    return Pipeline(Place(str(tmp_path / "root"), {}), instance, "http://127.0.0.1:9", OPENLIB_DUMPS=str(files))


def build(
    pipeline: Pipeline, options: dg.ReexecutionOptions | None = None, *, tables: Sequence[str] = ()
) -> dg.JobExecutionResult:
    pipeline.instance.add_dynamic_partitions(DUMPS, [DATE])
    with pipeline.environment():
        return dg.execute_job(
            dg.build_reconstructable_job(
                jobs.__name__, BUILD_DUMP, (pipeline.place.root,), reconstructor_working_directory=str(PROJECT_ROOT)
            ),
            pipeline.instance,
            run_config=QUIET,
            tags={"dagster/partition": DATE},
            reexecution_options=options,
            asset_selection=[dg.AssetKey(table) for table in tables] or None,
        )


def materialized(result: dg.JobExecutionResult) -> dict[str, dg.AssetMaterialization]:
    events = [event.materialization for event in result.get_asset_materialization_events()]
    return {event.asset_key.to_user_string(): event for event in events}


def versions(made: dict[str, dg.AssetMaterialization]) -> dict[str, str | None]:
    return {name: (event.tags or {}).get("dagster/data_version") for name, event in made.items()}


def test_the_job_tells_of_each_table_and_makes_none_twice(
    pipeline: Pipeline, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(pipeline)
    assert first.success
    wanted = catalogue(files, DATE)
    assert_same_tables(catalogue_tables(pipeline.storage, DATE), wanted)
    made = materialized(first)
    assert made.keys() == MADE
    assert {event.partition for event in made.values()} == {DATE}
    for name in TABLES:
        metadata = made[name].metadata
        assert metadata["dagster/partition_row_count"].value == len(wanted[name]), name
        assert metadata["state"].value == "made"
        assert metadata["engine"].value == "duckdb"
        assert f"/{name}/dump={DATE}" in str(metadata["dagster/uri"].value)
    assert made[CATALOGUE_TABLES[0].name].metadata["dump"].value == "other tables of it are still to be made"
    assert {made[name].metadata["dump"].value for name in TABLES} >= {"complete"}
    checks = first.get_asset_check_evaluations()
    assert {check.asset_key.to_user_string() for check in checks} == TABLES
    assert [check.check_name for check in checks if not check.passed] == []

    # Where nothing is to be made, no room is asked for.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    again = materialized(build(pipeline))
    assert {again[name].metadata["state"].value for name in MADE - {"dump_files"}} == {"unchanged"}
    assert versions(again) == versions(made)

    # Tables that were made from others than there are now, as those of a dump before, are not of one piece with them.
    with building(pipeline.storage, DATE) as current:
        assert publish_lake(current)
        assert not publish_lake(replace(current, before="2020-01-31"))


def test_a_table_that_fails_leaves_those_that_do_without_and_the_run_goes_on_from_there(
    pipeline: Pipeline, files: Path
) -> None:
    in_the_way = Path(pipeline.place.root) / "silver" / "catalogue_demand"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where a folder should be")
    failed = build(pipeline)
    assert not failed.success
    assert str(in_the_way) in failure_text(failed)
    assert materialized(failed).keys() == MADE - AFTER_DEMAND
    assert complete_lakes(pipeline.storage) == []

    in_the_way.unlink()
    resumed = build(pipeline, dg.ReexecutionOptions.from_failure(failed.run_id, pipeline.instance))
    assert resumed.success
    assert materialized(resumed).keys() == AFTER_DEMAND
    assert complete_lakes(pipeline.storage) == [DATE]
    assert_same_tables(catalogue_tables(pipeline.storage, DATE), catalogue(files, DATE))


def test_a_table_waits_for_another_build_that_began_between_two_tables(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = ["catalogue_rejects"]
    assert build(pipeline, tables=["dump_files", "dump_records"]).success
    with ExitStack() as other:
        other.enter_context(building(pipeline.storage, DATE))
        assert "is being built by another run" in failure_text(build(pipeline, tables=["dump_records", *tables]))
        monkeypatch.setattr(waiting, "_NEVER", SimpleNamespace(wait=lambda _: other.close()))
        assert materialized(build(pipeline, tables=tables)).keys() == {*tables}


def test_a_run_may_take_its_works_from_a_dump(pipeline: Pipeline) -> None:
    assert build(pipeline).success
    pipeline.instance.add_dynamic_partitions("subjects", ["love"])
    from_the_dump = {**QUIET, "resources": {"openlibrary": {"config": {"works_from": "dump"}}}}
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("all_assets")
        assert execute(pipeline.instance, job, from_the_dump, run_tags(["love"])).success
    (summary,) = pipeline.table("gold/subject_summary/subject=love/part-0.parquet").to_pylist()
    assert (summary["works"], summary["source"]) == (40, f"dump:{DATE}/works/love")


def test_a_run_that_goes_on_takes_nothing_that_came_from_another_source(pipeline: Pipeline) -> None:
    assert build(pipeline).success
    pipeline.instance.add_dynamic_partitions("subjects", ["love"])
    from_the_dump = {**QUIET, "resources": {"openlibrary": {"config": {"works_from": "dump"}}}}
    in_the_way = Path(pipeline.place.root) / "silver" / "books"
    in_the_way.write_text("a file where a folder should be")
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("all_assets")
        failed = execute(pipeline.instance, job, from_the_dump, run_tags(["love"]))
        in_the_way.unlink()
        from_the_api = execute(pipeline.instance, job, QUIET, run_tags(["love"]), goes_on_from=failed.run_id)
        assert pipeline.variables["OPENLIB_API_URL"] in failure_text(from_the_api)
        assert execute(pipeline.instance, job, from_the_dump, run_tags(["love"]), goes_on_from=failed.run_id).success
