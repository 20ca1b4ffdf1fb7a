"""The instance's event log: the same as Dagster's own, only quicker."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from dagster._core.storage.event_log import SqliteEventLogStorage

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets.defs.instance.home import prepare_home
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker

SUBJECTS = {"love": 5, "sea": 3}
_CHECKS = "SELECT asset_key, check_name, partition, execution_status FROM asset_check_executions ORDER BY 1, 2, 3"
PATIENCE_SECONDS = 20


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home()


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


def log_of(instance: dg.DagsterInstance) -> EventLogStorage:
    assert isinstance(instance.event_log_storage, EventLogStorage)
    return instance.event_log_storage


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Read a database as somebody else does."""
    engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def materialized(instance: dg.DagsterInstance, partition: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("a", partition=partition))


def recorded(home: Path) -> list[Any]:
    return [row[0] for row in rows(home / "history/runs/index.db", "SELECT partition FROM event_logs ORDER BY id")]


def test_it_records_what_dagsters_own_records(
    home: Path, tmp_path: Path, new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    kept = {}
    (tmp_path / "other").mkdir()
    with Sandbox(SandboxConfig(SUBJECTS)) as sandbox, dg.DagsterInstance.local_temp(str(tmp_path / "other")) as other:
        assert type(other.event_log_storage) is SqliteEventLogStorage
        for name, each in (("mine", instance), ("dagsters", other)):
            result = Pipeline(new_place("local"), each, sandbox.url).run(*SUBJECTS)
            assert result.success
            base = (home if name == "mine" else tmp_path / "other") / "history/runs"
            kept[name] = [
                rows(base / file, query)
                for file in (f"{result.run_id}.db", "index.db")
                for query in (
                    "SELECT dagster_event_type, step_key, asset_key, partition FROM event_logs ORDER BY 1, 2, 3, 4",
                    _CHECKS,
                    "SELECT asset_key FROM asset_keys ORDER BY 1",
                    "SELECT asset_key, key FROM asset_event_tags ORDER BY 1, 2",
                )
            ]
    assert kept["mine"] == kept["dagsters"]
    assert [len(table) > 0 for table in kept["mine"]] == [True, False, False, False, True, True, True, True]


def test_the_order_of_a_runs_events_is_kept(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    with Sandbox(SandboxConfig(SUBJECTS)) as sandbox:
        result = Pipeline(new_place("local"), instance, sandbox.url).run(*SUBJECTS)
    times = [entry.timestamp for entry in instance.all_logs(result.run_id)]
    assert len(times) > 100
    assert times == sorted(times)


def test_an_event_that_waits_is_seen_by_whoever_reads_here(instance: dg.DagsterInstance, home: Path) -> None:
    materialized(instance, "love")
    assert recorded(home) == []
    records = instance.fetch_materializations(dg.AssetKey("a"), limit=5).records
    assert [record.partition_key for record in records] == ["love"]


def test_an_event_that_waits_is_recorded_soon_without_another(instance: dg.DagsterInstance, home: Path) -> None:
    materialized(instance, "love")
    wait_for(lambda: recorded(home) == ["love"])
    materialized(instance, "sea")
    wait_for(lambda: recorded(home) == ["love", "sea"])


def test_what_waits_when_the_instance_is_closed_is_recorded(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        materialized(instance, "love")
    assert recorded(home) == ["love"]


def test_a_failure_to_record_reaches_the_next_who_records(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteEventLogStorage, "store_event", broken)
        materialized(instance, "love")
        wait_for(lambda: log_of(instance)._failure is not None)
    with pytest.raises(OSError, match="no space left"):
        materialized(instance, "sea")
    materialized(instance, "war")
    assert [r.partition_key for r in instance.fetch_materializations(dg.AssetKey("a"), limit=5).records] == ["war"]


def test_somebody_who_watches_a_run_is_told_of_its_events(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    with Sandbox(SandboxConfig(SUBJECTS)) as sandbox:
        it = Pipeline(new_place("local"), instance, sandbox.url)
        instance.add_dynamic_partitions("subjects", list(SUBJECTS))
        job = it.definitions.resolve_job_def("extract")
        run = instance.create_run_for_job(job, tags={"dagster/partition": "love"})
        told: list[str | None] = []
        with dg.DagsterInstance.get() as watcher:
            watcher.watch_event_logs(run.run_id, None, lambda entry, _: told.append(entry.dagster_event_type))
            with it.environment():
                list(execute_run_iterator(InMemoryJob(job), run, instance))
            wait_for(lambda: dg.DagsterEventType.RUN_SUCCESS in told)
    assert dg.DagsterEventType.ASSET_MATERIALIZATION in told


def record_many(number: int) -> None:
    with dg.DagsterInstance.get() as instance:
        for place in range(150):
            materialized(instance, f"{number}-{place}")


def test_several_processes_record_at_once_and_nothing_is_lost(instance: dg.DagsterInstance, home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=record_many, args=(number,)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(recorded(home)) == sorted(f"{number}-{place}" for number in range(3) for place in range(150))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
