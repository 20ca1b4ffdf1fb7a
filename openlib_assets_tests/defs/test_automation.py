"""What happens by itself: tables follow their raw_works, and subjects that nobody refreshed are marked."""

import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.declarative_automation.serialized_objects import AutomationConditionEvaluationWithRunIds
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import serialize_value

from openlib_assets.cli.subject_states import subject_states
from openlib_assets.defs.instance.automation_history import forget_evaluations, is_partition
from openlib_assets.defs.sensors import overdue_subjects
from openlib_assets.lake.contract import REFRESH_DAYS, REFRESHED_LATELY, WAREHOUSE_TABLES
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import GOLD, SILVER, Pipeline, PlaceMaker
from openlib_assets_tests.tools.copies import copy_of
from openlib_assets_tests.tools.instances import temporary_instance

DERIVED = {*SILVER, *GOLD, "subject_csv", "subject_report"}
WAREHOUSE = [f"warehouse/{table.name}" for table in WAREHOUSE_TABLES]
ACROSS = {*WAREHOUSE, "catalog", "comparison"}
RAW_WORKS = dg.AssetKey("raw_works")
DAY = 86_400.0


SIZES = {"love": 30, "sea": 10, "war": 20}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        yield sandbox


@pytest.fixture
def it(instance: dg.DagsterInstance, sandbox: Sandbox, new_place: PlaceMaker) -> Pipeline:
    return Pipeline(new_place("local"), instance, sandbox.url)


class Daemon:
    """Evaluates the automation conditions, tick by tick, as the daemon does; starts nothing."""

    def __init__(self, pipeline: Pipeline, *assets: str, cursor: Any = None) -> None:
        self._pipeline = pipeline
        self._assets = assets or ("raw_works", *DERIVED)
        self.cursor = cursor

    def tick(self) -> dict[str, set[str]]:
        """Return the subjects that are to be made, by asset; `None` stands for all in one."""
        instance = self._pipeline.instance
        with pytest.MonkeyPatch.context() as patch:
            # The daemon reads the partitions once a tick; what stands for it here, a thousand times.
            patch.setattr(instance, "get_dynamic_partitions", cache(instance.get_dynamic_partitions))
            result = dg.evaluate_automation_conditions(
                self._pipeline.definitions,
                instance,
                dg.AssetSelection.assets(*map(dg.AssetKey.from_user_string, self._assets)),
                cursor=self.cursor,
            )
        self.cursor = result.cursor
        keys = {name: dg.AssetKey.from_user_string(name) for name in self._assets}
        requested = {name: result.get_requested_partitions(key) for name, key in keys.items()}
        return {name: {str(key) for key in keys} for name, keys in requested.items() if keys}


def all_for(*subjects: str) -> dict[str, set[str]]:
    return {name: set(subjects) for name in DERIVED}


@pytest.fixture
def daemon(it: Pipeline) -> Daemon:
    """A daemon that has been there since before the first subject."""
    daemon = Daemon(it)
    assert daemon.tick() == {}
    return daemon


@dataclasses.dataclass(frozen=True)
class Made:
    """A pipeline with all subjects, made in one run, and the daemon's cursors from before and after that run."""

    pipeline: Pipeline
    before: Any
    across_before: Any
    after: Any
    requested: dict[str, set[str]]


@pytest.fixture(scope="module")
def made(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    cache = str(tmp_path_factory.mktemp("cache"))
    with Sandbox(SandboxConfig(SIZES)) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        daemon, across = Daemon(pipeline), Daemon(pipeline, *ACROSS)
        assert daemon.tick() == across.tick() == {}
        before = daemon.cursor
        assert pipeline.run(*SIZES).success
        requested = daemon.tick()
        yield Made(pipeline, before, across.cursor, daemon.cursor, requested)


@pytest.fixture
def again(made: Made, sandbox: Sandbox) -> Iterator[Pipeline]:
    """A copy of that pipeline, to go on with."""
    with copy_of(made.pipeline, sandbox.url) as pipeline:
        yield pipeline


@pytest.fixture
def watching(made: Made, again: Pipeline) -> Daemon:
    """A daemon that was there all the time, and has seen that there is nothing to do."""
    assert made.requested == {}
    return Daemon(again, cursor=made.after)


def test_after_a_fetch_everything_else_is_made_once(it: Pipeline, daemon: Daemon) -> None:
    assert it.run("love", job="extract").success
    assert daemon.tick() == all_for("love")
    assert daemon.tick() == {}
    assert it.run("love", job="rebuild_from_bronze").success
    assert daemon.tick() == {}


def test_a_subject_without_details_is_made_all_the_same(it: Pipeline, daemon: Daemon) -> None:
    """They are left out by the setting, or the snapshot arrived from elsewhere without them."""
    off = Pipeline(it.place, it.instance, it.variables["OPENLIB_API_URL"], OPENLIB_DETAILS="off")
    assert off.run("love", job="extract").success
    assert daemon.tick() == all_for("love")
    assert daemon.tick() == {}


def test_a_new_subject_is_not_fetched_by_itself(it: Pipeline, daemon: Daemon) -> None:
    it.instance.add_dynamic_partitions("subjects", ["love"])
    assert daemon.tick() == {}
    assert daemon.tick() == {}


def test_a_run_of_everything_leaves_nothing_to_do(again: Pipeline, watching: Daemon, sandbox: Sandbox) -> None:
    sandbox.add_work("sea")
    assert again.run(*SIZES).success
    assert watching.tick() == {}


def test_a_fetch_that_finds_nothing_new_starts_nothing(again: Pipeline, watching: Daemon) -> None:
    assert again.run("love", job="extract").success
    assert watching.tick() == {}


def test_after_a_partial_backfill_only_what_changed_follows(
    again: Pipeline, watching: Daemon, sandbox: Sandbox
) -> None:
    sandbox.add_work("love")
    sandbox.add_work("war")
    assert again.run(*SIZES, job="extract").success
    assert watching.tick() == all_for("love", "war")
    assert watching.tick() == {}


def test_a_table_that_alone_was_made_again_takes_along_what_is_made_from_it(
    again: Pipeline, watching: Daemon, sandbox: Sandbox
) -> None:
    sandbox.add_work("love")
    assert again.run("love", job="extract").success
    with again.environment():
        books = again.definitions.resolve_job_def("rebuild_from_bronze")
        done = books.execute_in_process(
            instance=again.instance, partition_key="love", asset_selection=[dg.AssetKey("books")], raise_on_error=False
        )
    assert done.success
    # Itself among them, since rejected_works, from which it is made too, is made again.
    assert watching.tick() == all_for("love")


def test_a_table_made_from_the_snapshot_before_within_the_same_tick_is_made_again(
    made: Made, again: Pipeline, sandbox: Sandbox
) -> None:
    daemon = Daemon(again, cursor=made.before)
    sandbox.add_work("love")
    assert again.run("love", job="extract").success
    assert daemon.tick() == all_for("love")
    assert daemon.tick() == {}
    assert again.run("love", job="rebuild_from_bronze").success
    assert daemon.tick() == {}


def test_what_failed_is_not_tried_again_and_again(again: Pipeline, watching: Daemon, sandbox: Sandbox) -> None:
    sandbox.remove_work("love", next(iter(sandbox.works("love")))["key"])
    assert again.run("love", job="extract").success
    assert watching.tick() == all_for("love")
    # Whoever was asked failed without a trace.
    assert watching.tick() == {}
    assert watching.tick() == {}


def test_what_is_made_across_subjects_follows_once_for_all_of_them(
    made: Made, again: Pipeline, sandbox: Sandbox
) -> None:
    daemon = Daemon(again, *ACROSS, cursor=made.across_before)
    assert daemon.tick() == {name: {"None"} for name in ACROSS}
    assert daemon.tick() == {}
    assert again.run("love", job="extract").success
    assert daemon.tick() == {}, "a fetch alone shows in neither"
    sandbox.add_work("sea")
    assert again.run("sea").success
    assert daemon.tick() == {name: {"None"} for name in ACROSS}
    across = [*WAREHOUSE, "catalog", "comparison"]
    for asset in ("books", *across):
        report(again, asset)
    assert daemon.tick() == {}
    for asset in (*across, "books"):
        report(again, asset)
    assert daemon.tick() == {name: {"None"} for name in ACROSS}, "also within a tick"


def report(pipeline: Pipeline, asset: str) -> None:
    """Record that an asset was made; of those by subject, for `sea`."""
    key, partition = dg.AssetKey.from_user_string(asset), None if asset in ACROSS else "sea"
    pipeline.instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))


def overdue(instance: dg.DagsterInstance, cursor: str | None) -> Any:
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        result: Any = overdue_subjects(context)
        return result, context.cursor if isinstance(result, dg.SkipReason) else result.cursor


def test_a_subject_not_fetched_for_long_is_marked_once_and_again_after_the_next_fetch(
    it: Pipeline, sandbox: Sandbox
) -> None:
    assert it.run("love", "sea", job="extract").success
    result, cursor = overdue(it.instance, None)
    assert isinstance(result, dg.SkipReason)
    with days_later(REFRESH_DAYS - 0.5):
        result, cursor = overdue(it.instance, cursor)
        assert isinstance(result, dg.SkipReason)
    with days_later(REFRESH_DAYS + 1.5):
        states = subject_states(it.instance, [], ["love", "sea"])
        assert [state.state for state in states] == ["overdue", "overdue"]
        result, cursor = overdue(it.instance, cursor)
        assert [event.partition for event in result.asset_events] == ["love", "sea"]
        for event in result.asset_events:
            assert (event.asset_key, event.check_name, event.passed) == (RAW_WORKS, REFRESHED_LATELY, False)
            assert event.severity == dg.AssetCheckSeverity.WARN
            assert event.metadata["days_since_fetch"].value == REFRESH_DAYS + 1
        result, cursor = overdue(it.instance, cursor)
        assert isinstance(result, dg.SkipReason)
    assert it.run("love", job="extract").success
    assert json.loads(overdue(it.instance, cursor)[1]) == {}


def test_the_mark_of_an_overdue_subject_shows_on_its_partition_until_the_next_fetch(it: Pipeline) -> None:
    assert it.run("love", job="extract").success
    key = dg.AssetCheckKey(RAW_WORKS, REFRESHED_LATELY)
    with days_later(REFRESH_DAYS + 1):
        result, _ = overdue(it.instance, None)
        for event in result.asset_events:
            it.instance.report_runless_asset_event(event)
        assert latest_evaluation(it.instance, key) == ("love", False)
    assert it.run("love", job="extract").success
    assert latest_evaluation(it.instance, key) == ("love", True)


def latest_evaluation(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> tuple[str | None, bool]:
    record = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)[0]
    assert record.event is not None
    evaluation = record.event.get_dagster_event().asset_check_evaluation_data
    return evaluation.partition, evaluation.passed


@contextmanager
def days_later(days: float) -> Iterator[None]:
    """Let the clock be ahead."""
    ahead = time.time() + days * DAY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: ahead)
        yield


def test_every_asset_has_a_freshness_policy_of_the_same_length(it: Pipeline) -> None:
    graph = it.definitions.resolve_asset_graph()
    for name in (*DERIVED, "raw_works"):
        policy = graph.get(dg.AssetKey(name)).freshness_policy
        assert isinstance(policy, TimeWindowFreshnessPolicy)
        assert policy.fail_window.to_timedelta().days == REFRESH_DAYS


def test_the_sensors_that_look_after_the_tables_are_on_from_the_start(it: Pipeline) -> None:
    sensors = {sensor.name: sensor for sensor in it.definitions.sensors or ()}
    for name in ("storage_events", "overdue_subjects", "failed_runs", "keep_fresh"):
        assert sensors[name].default_status == dg.DefaultSensorStatus.RUNNING


def test_more_than_ten_thousand_subjects_are_listed_and_looked_after() -> None:
    """Dagster refuses to give more than ten thousand records at once, and SQLite more than some variables."""
    keys = [f"s{number}" for number in range(10_500)]
    with temporary_instance() as instance:
        instance.add_dynamic_partitions("subjects", keys)
        instance.report_runless_asset_event(dg.AssetMaterialization(RAW_WORKS, partition="s0"))
        copy_to(instance, "s0", keys[1:-1])
        states = {state.subject: state.state for state in subject_states(instance, (), set(keys[:-1]))}
        assert states == dict.fromkeys(keys[:-1], "fetched") | {keys[-1]: "never fetched"}
        with days_later(REFRESH_DAYS + 1):
            result, _ = overdue(instance, None)
            assert {event.partition for event in result.asset_events} == set(keys[:-1])


def copy_to(instance: dg.DagsterInstance, partition: str, others: Sequence[str]) -> None:
    """Record for other partitions what is recorded for one, in one statement: one by one takes a minute."""
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    table = SqlEventLogStorageTable
    with storage.index_connection() as connection:
        row = connection.execute(table.select().where(table.c.partition == partition)).mappings().one()
        rows = [
            {**row, "id": None, "partition": other, "event": row["event"].replace(f'"{partition}"', f'"{other}"')}
            for other in others
        ]
        connection.execute(table.insert(), rows)


@pytest.mark.parametrize("keys", [{"love", "sea"}, {"sea"}])
def test_a_subject_is_found_among_partitions_that_dagster_lists_one_by_one(keys: set[str]) -> None:
    told = SerializableEntitySubset(key=dg.AssetKey("books"), value=DefaultPartitionsSubset(keys))
    written = json.loads(serialize_value(told))
    assert is_partition(written, "sea")
    assert not is_partition(written, "books")


def test_what_dagster_keeps_of_automation_can_be_read_after_a_subject_was_removed(
    sandbox: Sandbox, new_place: PlaceMaker, tmp_path: Path
) -> None:
    rejected_works = dg.AssetKey("rejected_works")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        it, storage = Pipeline(new_place("local"), instance, sandbox.url), instance.schedule_storage
        assert storage

        def tick(cursor: Any = None) -> Any:
            selection = dg.AssetSelection.assets(rejected_works)
            return dg.evaluate_automation_conditions(it.definitions, instance, selection, cursor=cursor)

        def kept() -> list[int]:
            """Return of how many subjects each evaluation is true, as Dagster's UI does."""
            with partition_loading_context(dynamic_partitions_store=instance):
                records = storage.get_auto_materialize_asset_evaluations(rejected_works, limit=10)
                return [record.get_evaluation_with_run_ids().evaluation.true_subset.size for record in records]

        before = tick()
        assert it.run("love", "sea", job="extract").success
        told = [one.serializable_evaluation for one in tick(before.cursor).results]
        with partition_loading_context(dynamic_partitions_store=instance):
            storage.add_auto_materialize_asset_evaluations(
                1, [AutomationConditionEvaluationWithRunIds(one, frozenset()) for one in told]
            )
        assert kept() == [2]
        instance.delete_dynamic_partition("subjects", "sea")
        for name in ("war", "rejected_works", "name", "subjects"):
            assert not forget_evaluations(instance, name), "what is no partition there"
        with pytest.raises(dg.DagsterInvalidInvocationError, match="sea"):
            kept()
        assert forget_evaluations(instance, "sea")
        assert kept() == []
