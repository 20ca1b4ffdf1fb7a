"""The instance's event log: the same as Dagster's own, only quicker."""

import multiprocessing
import queue
import signal
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import (
    AssetMaterializationPlannedData,
    DagsterEvent,
)
from dagster._core.storage.event_log import SqliteEventLogStorage

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets.defs.instance.home import prepare_home
from openlib_assets.defs.steps.records import just_recorded, latest_record
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker
from openlib_assets_tests.tools.events import COUNTS, RUN, an_event, change, materialization, of_type, rows
from openlib_assets_tests.tools.forked import forks
from openlib_assets_tests.tools.recorders import EVENTS, record_and_be_killed, record_many, record_what_is_said

SUBJECTS = {"love": 5, "sea": 3}
_CHECKS = "SELECT asset_key, check_name, partition, execution_status FROM asset_check_executions ORDER BY 1, 2, 3"
_PATIENCE_SECONDS = 300


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return prepare_home()


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, EventLogStorage)
        yield instance


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLogStorage]:
    log = EventLogStorage(str(tmp_path))
    yield log
    log.dispose()


def materialized(instance: dg.DagsterInstance, partition: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("a", partition=partition))


def recorded(home: Path) -> list[Any]:
    return [row[0] for row in rows(home / "history/runs/index.db", "SELECT partition FROM event_logs ORDER BY id")]


def test_it_remembers_the_record_that_it_stored_last_as_others_read_it(instance: dg.DagsterInstance) -> None:
    log = instance.event_log_storage
    assert isinstance(log, EventLogStorage)
    for partition in ("p1", "p2", "p1"):
        materialized(instance, partition)
        stored = latest_record(instance, dg.AssetKey("a"), partition)
        assert log.last_materialization == stored == just_recorded(instance, dg.AssetKey("a"), partition)
    assert just_recorded(instance, dg.AssetKey("a"), "p2") == latest_record(instance, dg.AssetKey("a"), "p2")
    assert just_recorded(instance, dg.AssetKey("b"), "p1") is None


def test_it_records_what_dagsters_own_records(
    home: Path, tmp_path: Path, new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    kept = {}
    (tmp_path / "other").mkdir()
    with Sandbox(SandboxConfig(SUBJECTS)) as sandbox, dg.DagsterInstance.local_temp(str(tmp_path / "other")) as other:
        assert type(other.event_log_storage) is SqliteEventLogStorage
        for name, each in (("mine", instance), ("dagsters", other)):
            result = Pipeline(new_place("local"), each, sandbox.url).run(*SUBJECTS, job="extract")
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
        result = Pipeline(new_place("local"), instance, sandbox.url).run(*SUBJECTS, job="extract")
    # what subjects log while they are fetched comes from threads of their own, which may pass each other
    times = [entry.timestamp for entry in instance.all_logs(result.run_id) if entry.is_dagster_event]
    assert len(times) > 30
    assert times == sorted(times)


PLANNED = AssetMaterializationPlannedData(dg.AssetKey("a"), partition="p")
CHECK_PLANNED = AssetCheckEvaluationPlanned(asset_key=dg.AssetKey("a"), check_name="c")
CHECK = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("a"), check_name="c", passed=True, metadata={}, partition="p")


@pytest.mark.parametrize(
    ("event", "in_the_index"),
    [
        (None, []),
        (of_type(dg.DagsterEventType.STEP_START), []),
        (of_type(dg.DagsterEventType.RUN_START), ["event_logs"]),
        (of_type(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, PLANNED), ["event_logs", "asset_keys"]),
        (materialization("p"), ["event_logs", "asset_keys"]),
        (
            of_type(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, CHECK_PLANNED),
            ["event_logs", "asset_check_executions"],
        ),
        (of_type(dg.DagsterEventType.ASSET_CHECK_EVALUATION, CHECK), ["event_logs", "asset_check_executions"]),
    ],
    ids=["line", "step", "run", "planned", "materialization", "check planned", "check"],
)
def test_an_event_is_there_for_everybody_once_it_was_recorded(
    log: EventLogStorage, tmp_path: Path, event: DagsterEvent | None, in_the_index: list[str]
) -> None:
    log.store_event(an_event(event))
    assert rows(tmp_path / f"{RUN}.db", COUNTS["event_logs"]) == [(1,)]
    for table, count in COUNTS.items():
        assert rows(tmp_path / "index.db", count) == [(int(table in in_the_index),)]


def test_nothing_is_lost_when_the_process_is_killed_at_once(home: Path) -> None:
    process = forks().Process(target=record_and_be_killed, args=(str(home), "love"))
    process.start()
    process.join(_PATIENCE_SECONDS)
    assert process.exitcode == -signal.SIGKILL
    assert recorded(home) == ["love"]


@pytest.mark.parametrize("database", ["index.db", ".db"], ids=["index", "run"])
def test_an_event_that_cannot_be_stored_fails_its_own_caller_and_is_nowhere(
    instance: dg.DagsterInstance, home: Path, database: str
) -> None:
    materialized(instance, "p0")
    refused = "BEFORE INSERT ON event_logs WHEN NEW.partition = 'p3' BEGIN SELECT RAISE(ABORT, 'no p3 here'); END"
    change(home / "history/runs" / database, f"CREATE TRIGGER refuse {refused}")
    for number in (1, 2):
        materialized(instance, f"p{number}")
    with pytest.raises(sqlite3.DatabaseError, match="no p3 here"):
        materialized(instance, "p3")
    for number in (4, 5):
        materialized(instance, f"p{number}")
    for file in ("index.db", ".db"):
        found = rows(home / "history/runs" / file, "SELECT partition FROM event_logs ORDER BY id")
        assert found == [("p0",), ("p1",), ("p2",), ("p4",), ("p5",)]


def test_threads_that_record_at_once_lose_nothing_and_get_only_their_own_errors(
    log: EventLogStorage, tmp_path: Path
) -> None:
    refused = "BEFORE INSERT ON event_logs WHEN NEW.partition LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'refused'); END"
    change(tmp_path / "index.db", f"CREATE TRIGGER refuse {refused}")
    failed = []

    def record(name: str) -> None:
        for place in range(40):
            try:
                log.store_event(an_event(materialization(f"{name}-{place}"), run_id=f"run-{name}"))
            except sqlite3.DatabaseError:
                failed.append(name)

    threads = [threading.Thread(target=record, args=(name,)) for name in ("bad", "good", "fine")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == ["bad"] * 40
    stored = [row[0] for row in rows(tmp_path / "index.db", "SELECT partition FROM event_logs")]
    assert sorted(stored) == sorted(f"{name}-{place}" for name in ("good", "fine") for place in range(40))


def teller(messages: queue.Queue[str]) -> Callable[[dg.EventLogEntry, str], None]:
    return lambda entry, _: messages.put(entry.message)


def test_whoever_watches_a_run_is_told_of_each_event_that_another_process_records(
    instance: dg.DagsterInstance, home: Path
) -> None:
    run = dg.DagsterRun(job_name="j", run_id=str(uuid.uuid4()))
    instance.add_run(run)
    base = str(home / "history/runs")
    told: dict[SqliteEventLogStorage, queue.Queue[str]] = {
        log: queue.Queue() for log in (EventLogStorage(base), SqliteEventLogStorage(base))
    }
    for log, messages in told.items():
        log.watch(run.run_id, None, teller(messages))
    mine, its = multiprocessing.Pipe()
    process = forks().Process(target=record_what_is_said, args=(str(home), run, its), daemon=True)
    process.start()
    its.close()
    for text in ("first", "second", "third"):
        mine.send(text)
        assert mine.recv() == "recorded"
        for messages in told.values():
            assert messages.get(timeout=_PATIENCE_SECONDS) == text
    mine.send("")
    process.join()
    for log in told:
        log.dispose()


def test_several_processes_record_in_a_new_run_at_once_and_nothing_is_lost(
    instance: dg.DagsterInstance, home: Path
) -> None:
    names = ("mine", "mine too", "dagsters")
    processes = [
        forks().Process(target=record_many, args=(str(home), name), kwargs={"with_dagsters_own": name == "dagsters"})
        for name in names
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    expected = sorted(f"{name}-{place}" for name in names for place in range(EVENTS))
    for file in (f"{RUN}.db", "index.db"):
        found = [row[0] for row in rows(home / "history/runs" / file, "SELECT partition FROM event_logs")]
        assert sorted(found) == expected
