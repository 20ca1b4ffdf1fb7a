"""Re-execution as Dagster's UI and daemon do it, any executor, and the launchpad's resources."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import RESUME_RETRY_TAG

from openlib_assets.definitions import GO_ON, build_defs
from openlib_assets.defs.partitions import run_tags
from openlib_assets.defs.steps.run_state import said_by_steps
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    Pipeline,
    Place,
    PlaceMaker,
    assert_same_rows,
    assert_tables_equal,
    environment,
    failure_texts,
    reference_tables,
)
from openlib_assets_tests.tools.deployment import PROJECT_ROOT, shipped_instance, subjects_of

SUBJECTS = ("f1", "f2", "f3")
SIZES = dict(zip(SUBJECTS, range(21, 24), strict=True))
REFUSED = FaultPlan(permanent={"f3": "http_403"})
# A process for each takes longer than all else.
MADE_IN_PROCESSES = ("rejected_works", "books", "author_books", "authors")
QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def all_assets(_root: str) -> dg.JobDefinition:
    """Return the job as a run's process builds it, from the environment; Dagster keeps one for each argument."""
    return build_defs().resolve_job_def("all_assets")


def in_processes(_root: str) -> dg.JobDefinition:
    """Return a job of some assets, each step in a process of its own, two at once."""
    defs = build_defs()
    return dg.Definitions(
        assets=defs.assets,
        resources=defs.resources,
        jobs=[dg.define_asset_job("some", selection=["raw_works", *MADE_IN_PROCESSES])],
        executor=dg.multiprocess_executor.configured({**GO_ON, "max_concurrent": 2}),
    ).resolve_job_def("some")


class Deployed:
    """Three subjects, of which Open Library refuses the last, on an instance on disk."""

    def __init__(self, sandbox: Sandbox, place: Place, instance: dg.DagsterInstance) -> None:
        self.sandbox = sandbox
        self.instance = instance
        self.pipeline = Pipeline(place, instance, sandbox.url)
        self._seen = 0
        instance.add_dynamic_partitions("subjects", list(SUBJECTS))

    def run(
        self,
        subjects: Sequence[str] = SUBJECTS,
        job: str = "all_assets",
        config: Mapping[str, Any] | None = None,
        options: dg.ReexecutionOptions | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.JobExecutionResult:
        with self.pipeline.environment():
            return dg.execute_job(
                dg.build_reconstructable_job(
                    __name__, job, (self.pipeline.place.root,), reconstructor_working_directory=str(PROJECT_ROOT)
                ),
                self.instance,
                run_config={**QUIET, **(config or {})},
                tags=dict(tags or run_tags(subjects)),
                raise_on_error=False,
                reexecution_options=options,
            )

    def from_failure(self, failed: dg.JobExecutionResult) -> dg.JobExecutionResult:
        """Run the failed steps and those after them again, with the tags that Dagster's UI and daemon give that run."""
        tags = {**failed.dagster_run.tags, RESUME_RETRY_TAG: "true"}
        return self.run(options=dg.ReexecutionOptions.from_failure(failed.run_id, self.instance), tags=tags)

    def asked(self) -> set[str]:
        """Return the subjects asked for since this was last asked."""
        asked = subjects_of(self.sandbox.requests[self._seen :])
        self._seen = len(self.sandbox.requests)
        return asked

    def assert_exact(self, subjects: Sequence[str] = SUBJECTS) -> None:
        for subject in subjects:
            works = list(self.sandbox.works(subject))
            assert_tables_equal(self.pipeline, subject, reference_tables(self.pipeline, subject, works))


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance with the settings that ship with the package, which other processes open too."""
    shipped_instance(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def deployed(new_place: PlaceMaker, instance: dg.DagsterInstance) -> Iterator[Deployed]:
    with Sandbox(SandboxConfig(SIZES, faults=REFUSED)) as sandbox:
        yield Deployed(sandbox, new_place("local"), instance)


def test_from_failure_asks_for_the_failed_subject_alone_and_makes_what_it_lacked(deployed: Deployed) -> None:
    failed = deployed.run()
    assert list(failure_texts(failed)) == ["raw_works"], "the step that failed is the one that is red"
    deployed.assert_exact([subject for subject in SUBJECTS if subject != "f3"])
    assert deployed.asked() == set(SUBJECTS)

    deployed.sandbox.change_faults(FaultPlan())
    states = deployed.pipeline.place.states()
    again = deployed.from_failure(failed)
    assert again.success, failure_texts(again)
    assert deployed.asked() == {"f3"}
    deployed.assert_exact()
    recorded = [event.partition for event in again.get_asset_materialization_events()]
    assert set(recorded) == {"f3"}
    after = deployed.pipeline.place.states()
    assert {path: after[path] for path in states if "f3" not in path} == {
        path: state for path, state in states.items() if "f3" not in path
    }


def test_from_failure_asks_for_the_failed_details_alone_and_makes_what_is_made_of_them(deployed: Deployed) -> None:
    no_details = Planned("http_403", match="f3%22&fields=key%2C", times=100)
    deployed.sandbox.change_faults(FaultPlan(planned=(no_details,)))
    failed = deployed.run()
    assert list(failure_texts(failed)) == ["raw_details"]
    deployed.assert_exact()

    deployed.sandbox.change_faults(FaultPlan())
    sent = len(deployed.sandbox.requests)
    again = deployed.from_failure(failed)
    assert again.success, failure_texts(again)
    requests = deployed.sandbox.requests[sent:]
    assert subjects_of(requests) == {"f3"}
    assert {request.path for request in requests} == {"/search.json"}
    deployed.assert_exact()
    recorded = {(event.asset_key, event.partition) for event in again.get_asset_materialization_events()}
    made = {asset.to_user_string() for asset, _ in recorded if asset}
    assert made == {"raw_details", "work_isbns", "work_details", "stocking_list", "order_list", "subject_report"}
    assert {partition for _, partition in recorded} == {"f3"}


def test_from_failure_while_the_fault_is_still_there_fails_again_and_says_the_new_reason(deployed: Deployed) -> None:
    failed = deployed.run()
    deployed.sandbox.change_faults(FaultPlan(permanent={"f3": "http_404"}))
    deployed.asked()
    again = deployed.from_failure(failed)
    assert deployed.asked() == {"f3"}
    assert "HTTP 404" in failure_texts(again)["raw_works"]
    assert "HTTP 403" in failure_texts(failed)["raw_works"]


def test_all_steps_asks_for_all_subjects_again(deployed: Deployed) -> None:
    failed = deployed.run()
    deployed.asked()
    deployed.sandbox.change_faults(FaultPlan())
    again = deployed.run(options=dg.ReexecutionOptions(parent_run_id=failed.run_id))
    assert again.success
    assert deployed.asked() == set(SUBJECTS)
    deployed.assert_exact()


def test_a_failure_further_down_is_repaired_without_asking_open_library(deployed: Deployed) -> None:
    deployed.sandbox.change_faults(FaultPlan())
    in_the_way = Path(deployed.pipeline.place.root, "gold/author_averages/subject=f2")
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_bytes(b"")
    failed = deployed.run()
    assert list(failure_texts(failed)) == ["author_averages"]
    deployed.asked()
    in_the_way.unlink()
    again = deployed.from_failure(failed)
    assert again.success
    assert deployed.asked() == set()
    deployed.assert_exact()
    recorded = {(event.asset_key, event.partition) for event in again.get_asset_materialization_events()}
    made = {asset.to_user_string() for asset, _ in recorded if asset}
    assert made == {"author_averages", "subject_csv", "subject_report"}
    assert {partition for _, partition in recorded} == {"f2"}


def test_a_subject_alone_that_fails_starts_nothing_after_it(deployed: Deployed) -> None:
    failed = deployed.run(["f3"])
    assert list(failure_texts(failed)) == ["raw_works"]
    assert failed.get_step_success_events() == []
    assert not any(path.startswith(("silver", "gold", "exports")) for path in deployed.pipeline.place.states())


def test_each_step_in_a_process_of_its_own_makes_the_same_and_tells_failures_right(deployed: Deployed) -> None:
    failed = deployed.run(job="in_processes")
    assert list(failure_texts(failed)) == ["raw_works"]
    for subject in ("f1", "f2"):
        works = list(deployed.sandbox.works(subject))
        wanted = reference_tables(deployed.pipeline, subject, works)
        for name in MADE_IN_PROCESSES:
            table = deployed.pipeline.table(f"silver/{name}/subject={subject}/part-0.parquet")
            assert_same_rows(table.to_pylist(), wanted[name])
    told = said_by_steps(failed.all_events)
    assert told["raw_works"].failed.keys() == {"f3"}
    assert {asset for asset, said in told.items() if said.left_out == {"f3"}} == set(MADE_IN_PROCESSES)


@pytest.mark.parametrize(("first", "second"), [("local", "s3"), ("s3", "local")])
def test_the_storage_set_in_the_launchpad_is_where_everything_goes_and_comes_from(
    first: str, second: str, new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    place, elsewhere = new_place(first), new_place(second)
    with (
        Sandbox(SandboxConfig({"f1": 21})) as sandbox,
        environment({**place.variables, **elsewhere.variables}),
    ):
        deployed = Deployed(sandbox, place, instance)
        override = {"resources": {"storage": {"config": {"root": elsewhere.root}}}}
        assert deployed.run(["f1"], config=override).success
        assert list(place.open().paths("")) == []
        there = Pipeline(elsewhere, instance, sandbox.url)
        assert_tables_equal(there, "f1", reference_tables(there, "f1", list(sandbox.works("f1"))))
        assert list(there.storage.paths("exports/f1"))
        assert deployed.run(["f1"]).success, "and the next run is where it was again"
        deployed.assert_exact(["f1"])
