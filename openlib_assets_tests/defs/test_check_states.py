"""What Dagster's UI shows of the checks of each subject, read by the function that its pages ask."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from openlib_assets.cli.runs import execute
from openlib_assets.cli.subject_states import subject_states
from openlib_assets.defs.partitions import subjects
from openlib_assets.defs.sensors import overdue_subjects
from openlib_assets.lake.contract import REFRESH_DAYS
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker, environment
from openlib_assets_tests.tools.deployment import shipped_instance

FALLS, STAYS, GROWS = "c1", "c2", "c3"
SUBJECTS = (FALLS, STAYS, GROWS)
PASSED, FAILED = "SUCCEEDED", "FAILED"


class Checked:
    """Subjects that were made once, one of which falls by more than a fifth, on an instance as it is shipped."""

    def __init__(self, sandbox: Sandbox, pipeline: Pipeline) -> None:
        self.sandbox = sandbox
        self.pipeline = pipeline
        graph = pipeline.definitions.resolve_asset_graph()
        self.checks = [
            check for check in graph.asset_check_keys if graph.get(check.asset_key).partitions_def == subjects
        ]

    def states(self, check: dg.AssetCheckKey) -> dict[str, str]:
        """Return the state of a check that the UI shows for each subject; one that it calls missing has none."""
        instance = self.pipeline.instance
        with partition_loading_context(dynamic_partitions_store=instance):
            state = instance.event_log_storage.get_asset_check_state([(check, subjects)])[check]
            return {
                key: status.value
                for status, of in state.subsets.items()
                for key in of.subset_value.get_partition_keys()
            }

    def all_states(self, subject: str) -> dict[str, str | None]:
        """Return the state of each check of a subject, by asset and name."""
        return {check.to_user_string(): self.states(check).get(subject) for check in self.checks}

    def run_range(self, first: str, last: str) -> dg.JobExecutionResult:
        """Run subjects as a backfill does, of one subject too."""
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        with self.pipeline.environment():
            return execute(self.pipeline.instance, self.pipeline.definitions.resolve_job_def("all_assets"), quiet, tags)


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory, new_place: PlaceMaker) -> Iterator[Checked]:
    home: Path = tmp_path_factory.mktemp("home") / "home"
    shipped_instance(home)
    sizes = dict(zip(SUBJECTS, (30, 31, 32), strict=True))
    with environment({"DAGSTER_HOME": str(home)}):
        opened = dg.DagsterInstance.from_config(str(home))
    with opened as instance, Sandbox(SandboxConfig(sizes)) as sandbox:
        it = Checked(sandbox, Pipeline(new_place("local"), instance, sandbox.url))
        instance.add_dynamic_partitions("subjects", list(SUBJECTS))
        yield it


def test_what_passed_is_shown_as_passed_for_one_subject_of_a_backfill_and_for_several(it: Checked) -> None:
    assert it.run_range(FALLS, FALLS).success
    assert set(it.all_states(FALLS).values()) == {PASSED}
    assert it.run_range(STAYS, GROWS).success
    for subject in SUBJECTS:
        assert set(it.all_states(subject).values()) == {PASSED}, subject


@pytest.mark.parametrize("together", [False, True])
def test_a_fetch_that_fails_a_check_shows_it_and_leaves_the_others_as_they_are(together: bool, it: Checked) -> None:
    for record in list(it.sandbox.works(FALLS))[:10]:
        it.sandbox.remove_work(FALLS, record["key"])
    it.sandbox.add_work(GROWS)
    assert not (it.run_range(FALLS, GROWS) if together else it.pipeline.run(FALLS)).success
    states = it.all_states(FALLS)
    assert {check for check, state in states.items() if state == FAILED} == {"raw_works:did_not_fall"}
    assert {states[check.to_user_string()] for check in it.checks if check.asset_key.path == ["raw_works"]} == {
        PASSED,
        FAILED,
    }
    for subject in (STAYS, GROWS):
        assert set(it.all_states(subject).values()) == {PASSED}, subject


def test_an_overdue_subject_is_shown_as_failed_until_it_is_fetched(
    it: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = dg.AssetCheckKey(dg.AssetKey("raw_works"), "refreshed_lately")
    ahead = time.time() + (REFRESH_DAYS + 1) * 86_400
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: ahead)
        with dg.build_sensor_context(instance=it.pipeline.instance) as context:
            result = overdue_subjects(context)
    assert isinstance(result, dg.SensorResult)
    for event in result.asset_events or ():
        it.pipeline.instance.report_runless_asset_event(event)
    assert it.states(check) == dict.fromkeys(SUBJECTS, FAILED)
    assert it.pipeline.run(STAYS).success
    assert it.states(check) == {FALLS: FAILED, STAYS: PASSED, GROWS: FAILED}


def test_a_snapshot_that_arrived_is_as_old_as_its_fetch(instance: dg.DagsterInstance) -> None:
    now, raw_works = time.time(), dg.AssetKey("raw_works")
    instance.add_dynamic_partitions("subjects", ["old", "new"])
    for subject, days in (("old", REFRESH_DAYS + 1), ("new", REFRESH_DAYS - 1)):
        fetched = dg.MetadataValue.timestamp(now - days * 86_400)
        instance.report_runless_asset_event(
            dg.AssetMaterialization(raw_works, partition=subject, metadata={"verified_at": fetched})
        )
    states = {state.subject: state.state for state in subject_states(instance, [], ["old", "new"])}
    assert states == {"old": "overdue", "new": "fetched"}
    with dg.build_sensor_context(instance=instance) as context:
        result = overdue_subjects(context)
    assert isinstance(result, dg.SensorResult)
    assert [event.partition for event in result.asset_events or ()] == ["old"]
