"""The warehouse as Dagster sees it: what is recorded of each table, and of which subjects it is made."""

import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from openlib_assets.cli.across_subjects import across_subjects_is_current
from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.refreshing import Refreshed, refresh
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.tools.instances import temporary_instance

# By its name it is hidden by the asset of that name.
_MODULE = sys.modules["openlib_assets.defs.assets.warehouse"]
SIZES = {"sea": 30, "war": 20}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def pipeline(module_place: Place, sandbox: Sandbox) -> Iterator[Pipeline]:
    """Two subjects, and what is made across them. The tests tell one story, in the order of the file."""
    with temporary_instance() as instance:
        pipeline = Pipeline(module_place, instance, sandbox.url)
        assert pipeline.run(*SIZES).success
        assert run_across(pipeline).success
        yield pipeline


def run_across(pipeline: Pipeline) -> dg.ExecuteInProcessResult:
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("across_subjects")
        return job.execute_in_process(instance=pipeline.instance, raise_on_error=False)


def recorded(pipeline: Pipeline, table: str) -> tuple[dict[str, Any], str]:
    """Return the metadata and the data version of the last materialization of a table."""
    event = pipeline.instance.get_latest_materialization_event(dg.AssetKey(["warehouse", table]))
    assert event
    assert event.asset_materialization
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    return metadata, (event.asset_materialization.tags or {})["dagster/data_version"]


def rows(pipeline: Pipeline, table: str) -> list[dict[str, Any]]:
    version = versions.current(pipeline.storage)
    assert version
    return list(pipeline.table(version.file(table)).to_pylist())


def test_each_table_tells_rows_bytes_seconds_and_version_and_shows_its_first_rows(pipeline: Pipeline) -> None:
    version = versions.current(pipeline.storage)
    assert version
    for table in WAREHOUSE_TABLES:
        told, data_version = recorded(pipeline, table.name)
        path = version.file(table.name)
        assert told["dagster/row_count"] == len(rows(pipeline, table.name))
        assert told["dagster/uri"] == pipeline.storage.uri(path)
        assert told["bytes"] == len(pipeline.storage.read(path))
        assert (told["version"], told["schema version"], told["subjects"]) == (version.name, 2, 2)
        assert told["seconds"] > 0
        assert told["preview"].startswith(f"| {' | '.join(table.schema.names)} |")
        assert data_version == pipeline.storage.digest(path)


def test_every_check_of_a_table_passed(pipeline: Pipeline) -> None:
    for table in WAREHOUSE_TABLES:
        key = dg.AssetCheckKey(dg.AssetKey(["warehouse", table.name]), "contract_holds")
        (record,) = pipeline.instance.event_log_storage.get_asset_check_execution_history(key, 1)
        assert record.evaluation
        assert record.evaluation.passed
        assert any(name.startswith("key_is_unique: ") for name in record.evaluation.metadata)


def test_nothing_new_is_recorded_and_makes_nothing(pipeline: Pipeline) -> None:
    before, states = recorded(pipeline, "works"), pipeline.place.states()
    assert across_subjects_is_current(pipeline.instance, pipeline.storage, None)
    assert run_across(pipeline).success
    (told, data_version) = recorded(pipeline, "works")
    assert (told["state"], data_version) == ("unchanged", before[1])
    assert told["dagster/row_count"] == before[0]["dagster/row_count"]
    assert pipeline.place.states() == states


def test_after_a_change_that_subject_alone_is_read(pipeline: Pipeline, sandbox: Sandbox) -> None:
    before = sandbox.count("sea")
    sandbox.add_work("sea")
    assert pipeline.run("sea").success
    assert not across_subjects_is_current(pipeline.instance, pipeline.storage, None)
    assert run_across(pipeline).success
    assert recorded(pipeline, "works")[0]["subjects read"] == 1
    sizes = {row["subject"]: row["works"] for row in rows(pipeline, "subjects")}
    assert sizes == {"sea": before + 1, "war": 20}


# It is the instance that tells it: on S3 there is nothing more to see.
@pytest.mark.parametrize("module_place", ["local"], indirect=True)
def test_a_subject_that_is_recorded_while_it_is_made_is_in_it(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.add_work("sea")
    assert pipeline.run("sea").success
    others = iter(["sea"])

    def refresh_as_another_run_ends(*args: Any) -> Refreshed:
        made = refresh(*args)
        for subject in others:
            sandbox.add_work(subject)
            assert pipeline.run(subject).success
        return made

    with monkeypatch.context() as patch:
        patch.setattr(_MODULE, "refresh", refresh_as_another_run_ends)
        assert run_across(pipeline).success
    sizes = {row["subject"]: row["works"] for row in rows(pipeline, "subjects")}
    assert sizes == {subject: sandbox.count(subject) for subject in SIZES}
    assert recorded(pipeline, "works")[0]["subjects read"] == 2
    assert not across_subjects_is_current(pipeline.instance, pipeline.storage, None), "what else was made in that run"
    assert run_across(pipeline).success
    assert across_subjects_is_current(pipeline.instance, pipeline.storage, None)
    pipeline.instance.delete_dynamic_partition("subjects", "war")
    assert not across_subjects_is_current(pipeline.instance, pipeline.storage, None), "who was removed is still there"
    pipeline.instance.add_dynamic_partitions("subjects", ["war"])


def test_a_subject_that_is_no_longer_registered_leaves(pipeline: Pipeline) -> None:
    pipeline.instance.delete_dynamic_partition("subjects", "sea")
    assert run_across(pipeline).success
    assert [row["subject"] for row in rows(pipeline, "subjects")] == ["war"]
    assert {row["subject"] for row in rows(pipeline, "subject_history")} == {"war"}
