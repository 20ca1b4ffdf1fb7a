"""Re-execution as Dagster's UI and daemon do it, any executor, and the launchpad's resources."""

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus
from dagster._core.storage.tags import RESUME_RETRY_TAG

from openlib_assets.cli.runs import execute
from openlib_assets.defs.jobs import ACROSS
from openlib_assets.defs.partitions import run_tags, subjects
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
from openlib_assets_tests.tools import jobs
from openlib_assets_tests.tools.deployment import PROJECT_ROOT, shipped_instance, subjects_of
from openlib_assets_tests.tools.forked import forks
from openlib_assets_tests.tools.instances import temporary_instance

SUBJECTS = ("f1", "f2")
SIZES = dict(zip(SUBJECTS, (21, 22), strict=True))
REFUSED = FaultPlan(permanent={"f2": "http_403"})
QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Deployed:
    """Two subjects, of which Open Library refuses the last, on an instance on disk."""

    def __init__(self, sandbox: Sandbox, place: Place, instance: dg.DagsterInstance) -> None:
        self.sandbox = sandbox
        self.instance = instance
        self.pipeline = Pipeline(place, instance, sandbox.url)
        # Of processes that do not have those of this one.
        self.variables: dict[str, str] = {}
        self._seen = len(sandbox.requests)
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
                    jobs.__name__, job, (self.pipeline.place.root,), self.variables, str(PROJECT_ROOT)
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


@contextmanager
def opened(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open an instance that other processes open too."""
    with environment({"DAGSTER_HOME": str(home)}), dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an instance with the settings that ship with the package."""
    home = tmp_path_factory.mktemp("shipped") / "home"
    shipped_instance(home)
    with opened(home):
        return home


@pytest.fixture
def instance(new_home: Path, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with opened(Path(shutil.copytree(new_home, tmp_path / "home"))) as instance:
        yield instance


@pytest.fixture
def quiet() -> Iterator[dg.DagsterInstance]:
    """An instance that does not capture what a run prints, for which it starts processes."""
    with temporary_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    """It begins with a refusal of the last subject."""
    shared_sandbox.change_faults(REFUSED)
    return shared_sandbox


@pytest.fixture
def deployed(sandbox: Sandbox, new_place: PlaceMaker, instance: dg.DagsterInstance) -> Deployed:
    return Deployed(sandbox, new_place("local"), instance)


@dataclasses.dataclass(frozen=True)
class Refused:
    """A run of which the last subject failed, and where it left its files and its records."""

    result: dg.JobExecutionResult
    asked: set[str]
    root: str
    home: Path


@pytest.fixture(scope="module")
def refused(
    shared_sandbox: Sandbox, new_home: Path, new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory
) -> Refused:
    home = Path(shutil.copytree(new_home, tmp_path_factory.mktemp("refused") / "home"))
    shared_sandbox.change_faults(REFUSED)
    with environment({"XDG_CACHE_HOME": str(home.parent)}), opened(home) as instance:
        deployed = Deployed(shared_sandbox, new_place("local"), instance)
        return Refused(deployed.run(), deployed.asked(), deployed.pipeline.place.root, home)


@pytest.fixture
def after_refusal(refused: Refused, sandbox: Sandbox, tmp_path: Path) -> Iterator[Deployed]:
    """A copy of what that run left."""
    place = Place(str(shutil.copytree(refused.root, tmp_path / "root")), {})
    with opened(Path(shutil.copytree(refused.home, tmp_path / "home"))) as instance:
        yield Deployed(sandbox, place, instance)


def test_from_failure_asks_for_the_failed_subject_alone_and_makes_what_it_lacked(
    after_refusal: Deployed, refused: Refused
) -> None:
    deployed = after_refusal
    assert list(failure_texts(refused.result)) == ["raw_works"], "the step that failed is the one that is red"
    deployed.assert_exact(["f1"])
    assert refused.asked == set(SUBJECTS)

    deployed.sandbox.change_faults(FaultPlan())
    states = deployed.pipeline.place.states()
    again = deployed.from_failure(refused.result)
    assert again.success, failure_texts(again)
    assert deployed.asked() == {"f2"}
    deployed.assert_exact()
    recorded = [event.partition for event in again.get_asset_materialization_events()]
    assert set(recorded) == {"f2"}
    after = deployed.pipeline.place.states()
    assert {path: after[path] for path in states if "f2" not in path} == {
        path: state for path, state in states.items() if "f2" not in path
    }


def test_from_failure_asks_for_the_failed_details_alone_and_makes_what_is_made_of_them(deployed: Deployed) -> None:
    no_details = Planned("http_403", match="f2%22&fields=key%2C", times=100)
    deployed.sandbox.change_faults(FaultPlan(planned=(no_details,)))
    failed = deployed.run()
    assert list(failure_texts(failed)) == ["raw_details"]
    deployed.assert_exact()

    deployed.sandbox.change_faults(FaultPlan())
    sent = len(deployed.sandbox.requests)
    again = deployed.from_failure(failed)
    assert again.success, failure_texts(again)
    requests = deployed.sandbox.requests[sent:]
    assert subjects_of(requests) == {"f2"}
    assert {request.path for request in requests} == {"/search.json"}
    deployed.assert_exact()
    recorded = {(event.asset_key, event.partition) for event in again.get_asset_materialization_events()}
    made = {asset.to_user_string() for asset, _ in recorded if asset}
    assert made == {"raw_details", "work_isbns", "work_details", "stocking_list", "order_list", "subject_report"}
    assert {partition for _, partition in recorded} == {"f2"}


def test_from_failure_while_the_fault_is_still_there_fails_again_and_says_the_new_reason(
    after_refusal: Deployed, refused: Refused
) -> None:
    after_refusal.sandbox.change_faults(FaultPlan(permanent={"f2": "http_404"}))
    again = after_refusal.from_failure(refused.result)
    assert after_refusal.asked() == {"f2"}
    assert "HTTP 404" in failure_texts(again)["raw_works"]
    assert "HTTP 403" in failure_texts(refused.result)["raw_works"]


def test_who_was_fetched_before_is_not_failed_by_another_that_fails_again(
    after_refusal: Deployed, refused: Refused
) -> None:
    again = after_refusal.from_failure(refused.result)
    assert list(failure_texts(again)) == ["raw_works"]
    with after_refusal.pipeline.environment():
        for asset in ("raw_works", "raw_details", "books", "subject_report"):
            states = after_refusal.instance.get_status_by_partition(dg.AssetKey(asset), list(SUBJECTS), subjects) or {}
            assert states["f1"] == AssetPartitionStatus.MATERIALIZED, asset
            assert states["f2"] != AssetPartitionStatus.MATERIALIZED, asset


def test_all_steps_asks_for_all_subjects_again(after_refusal: Deployed, refused: Refused) -> None:
    deployed = after_refusal
    deployed.sandbox.change_faults(FaultPlan())
    again = deployed.run(options=dg.ReexecutionOptions(parent_run_id=refused.result.run_id))
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
    failed = deployed.run(["f2"])
    assert list(failure_texts(failed)) == ["raw_works"]
    assert failed.get_step_success_events() == []
    assert not any(path.startswith(("silver", "gold", "exports")) for path in deployed.pipeline.place.states())


@pytest.fixture
def named_home(new_home: Path, tmp_path: Path) -> Path:
    """The same for processes that do not know this one's variables: its settings name the folder itself."""
    home = Path(shutil.copytree(new_home, tmp_path / "named"))
    settings = home / "dagster.yaml"
    settings.write_text(settings.read_text().replace("env: DAGSTER_HOME", f"'{home}'"))
    return home


def test_each_step_in_a_process_of_its_own_makes_the_same_and_tells_failures_right(
    sandbox: Sandbox, new_place: PlaceMaker, named_home: Path
) -> None:
    forks()
    with opened(named_home) as instance:
        deployed = Deployed(sandbox, new_place("local"), instance)
        deployed.variables = {**deployed.pipeline.variables, "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
        failed = deployed.run(job="in_processes")
    assert list(failure_texts(failed)) == ["raw_works"]
    wanted = reference_tables(deployed.pipeline, "f1", list(deployed.sandbox.works("f1")))
    for name in jobs.MADE_IN_PROCESSES:
        table = deployed.pipeline.table(f"silver/{name}/subject=f1/part-0.parquet")
        assert_same_rows(table.to_pylist(), wanted[name])
    told = said_by_steps(failed.all_events)
    assert told["raw_works"].failed.keys() == {"f2"}
    assert {asset for asset, said in told.items() if said.left_out == {"f2"}} == set(jobs.MADE_IN_PROCESSES)


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
        assert deployed.run(["f1"], job="extract").success
        assert len(list(place.open().paths("bronze/raw_works"))) == 1, "and the next run is where it was again"


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_root_in_the_launchpad_that_openlib_storage_could_not_be_is_refused_in_one_line(
    kind: str, new_place: PlaceMaker, quiet: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {
        "": "resources.storage.config.root='': give",
        " ": "resources.storage.config.root=' ': give",
        "ftp://bucket/lake": "resources.storage.config.root='ftp://bucket/lake': give",
        "s3://AKIAKEY:SECRET@bucket/lake": "resources.storage.config.root: leave keys and secrets out of it: "
        "they come from AWS's variables; give",
    }
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    pipeline = Pipeline(new_place(kind), quiet, "http://127.0.0.1:9")
    quiet.add_dynamic_partitions("subjects", list(SUBJECTS))
    # One begins with what is fetched, one with what is made of other tables, one has nothing of single subjects.
    for job, tags in (("all_assets", run_tags(SUBJECTS)), ("rebuild_from_bronze", run_tags(SUBJECTS)), (ACROSS, {})):
        for root, said in refused.items():
            config = {**QUIET, "resources": {"storage": {"config": {"root": root}}}}
            with pipeline.environment():
                result = execute(quiet, pipeline.definitions.resolve_job_def(job), config, tags)
            assert set(failure_texts(result).values()) == {
                f"{said} a folder or s3://bucket/prefix, or leave it out for OPENLIB_STORAGE"
            }
    assert list(pipeline.storage.paths("")) == []
    assert list(working.iterdir()) == []
