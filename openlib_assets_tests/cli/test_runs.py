"""What a run of subjects in this process says of each, whatever step went wrong."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.api import execute_run
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

from openlib_assets.cli import runs
from openlib_assets.cli.runs import QUIET, execute, run_subjects
from openlib_assets.cli.stopped_runs import interrupted, stopped_runs
from openlib_assets.defs.partitions import subjects
from openlib_assets.lake import transform
from openlib_assets.lake.contract import BOOKS, Table
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker


@pytest.mark.parametrize("mistake", [ZeroDivisionError("a mistake"), dg.Failure("a mistake")])
@pytest.mark.parametrize("fault", [None, "details", "works"])
def test_a_step_that_fails_as_a_whole_fails_every_subject_whatever_else_failed(
    fault: str | None,
    mistake: Exception,
    *,
    instance: dg.DagsterInstance,
    new_place: PlaceMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def with_a_mistake(connection: object, table: Table, checks: object = None) -> object:
        if table == BOOKS:
            raise mistake
        return run_checks(connection, table, checks)  # type: ignore[arg-type]  # as it was given

    run_checks = transform.run_checks
    monkeypatch.setattr(transform, "run_checks", with_a_mistake)
    plans = {
        None: FaultPlan(),
        "details": FaultPlan(planned=(Planned("http_403", match="love%22&fields=key%2Csubtitle", times=1000),)),
        "works": FaultPlan(permanent={"love": "http_404"}),
    }
    with Sandbox(SandboxConfig({"love": 3, "tea": 3}, faults=plans[fault])) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        with pipeline.environment():
            results = run_subjects(instance, pipeline.definitions, pipeline.storage, ["love", "tea"], force=False)
    reasons = {result.subject: result.error or "" for result in results}
    assert reasons.keys() == {"love", "tea"}
    assert reasons["tea"].startswith("a mistake") or "a mistake (unexpected error" in reasons["tea"]
    assert ("a mistake" in reasons["love"]) == (fault != "works")


@pytest.mark.parametrize("removed", ["love", "tea", "zen"])
def test_a_subject_that_is_removed_while_it_is_run_is_told_of_and_so_are_the_others(
    removed: str, instance: dg.DagsterInstance, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removing(connection: object, table: Table, checks: object = None) -> object:
        if table == BOOKS:
            instance.delete_dynamic_partition("subjects", removed)
        return run_checks(connection, table, checks)  # type: ignore[arg-type]  # as it was given

    run_checks, keys = transform.run_checks, ["love", "tea", "zen"]
    monkeypatch.setattr(transform, "run_checks", removing)
    with Sandbox(SandboxConfig(dict.fromkeys(keys, 3))) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        with pipeline.environment():
            results = run_subjects(instance, pipeline.definitions, pipeline.storage, keys, force=False)
    reasons = {result.subject: result.error for result in results}
    assert (reasons.pop(removed) or "").startswith("it was removed while it was run, and may not be complete")
    if removed == "tea":
        assert set(reasons.values()) == {None}
    else:
        assert all((reason or "").startswith("removed since this run was asked for: ") for reason in reasons.values())


@pytest.mark.parametrize("is_known", [True, False])
def test_a_subject_that_is_removed_and_added_again_while_it_is_run_is_told_of(
    is_known: bool,
    instance: dg.DagsterInstance,
    new_place: PlaceMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def removing(*given: Any) -> Any:
        instance.delete_dynamic_partition("subjects", "tea")
        instance.add_dynamic_partitions("subjects", ["tea"])
        return execute_run(*given)

    keys = ["love", "tea", "zen"]
    with Sandbox(SandboxConfig(dict.fromkeys(keys, 3))) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        with pipeline.environment():
            if is_known:
                run_subjects(instance, pipeline.definitions, pipeline.storage, keys, force=False)
            monkeypatch.setattr(runs, "execute_run", removing)
            results = run_subjects(instance, pipeline.definitions, pipeline.storage, keys, force=False)
    reasons = {result.subject: result.error for result in results}
    assert (reasons.pop("tea") or "").startswith("it was removed while it was run, and may not be complete")
    assert reasons == {"love": None, "zen": None}


def test_an_unknown_subject_that_a_stopped_run_registered_does_not_stay(
    instance: dg.DagsterInstance, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(SandboxConfig({"tea": 3})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        with pipeline.environment():
            instance.add_dynamic_partitions("subjects", ["tea", "nosuch"])
            stopped = instance.create_run_for_job(
                pipeline.definitions.resolve_job_def("all_assets"), tags={"dagster/partition": "nosuch"}
            )
            monkeypatch.setattr(runs, "stopped_runs", lambda *_: {"nosuch": stopped.run_id})
            results = run_subjects(instance, pipeline.definitions, pipeline.storage, ["tea", "nosuch"], force=False)
    assert {result.subject: result.error is None for result in results} == {"tea": True, "nosuch": False}
    assert instance.get_dynamic_partitions("subjects") == ["tea"]


def test_a_run_that_is_deleted_while_it_is_at_work_says_so_in_a_line(
    instance: dg.DagsterInstance, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleting(connection: object, table: Table, checks: object = None) -> object:
        for run in instance.get_runs():
            instance.delete_run(run.run_id)
        return run_checks(connection, table, checks)  # type: ignore[arg-type]  # as it was given

    run_checks = transform.run_checks
    monkeypatch.setattr(transform, "run_checks", deleting)
    with Sandbox(SandboxConfig({"tea": 3})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        with (
            pipeline.environment(),
            pytest.raises(runs.RunDeletedError, match=r"^run \S+ was deleted in Dagster while it was at work; run it"),
        ):
            run_subjects(instance, pipeline.definitions, pipeline.storage, ["tea"], force=False)


class Interrupted(InProcessExecutor):
    """Gets a signal before its first step."""

    def execute(self, *_: Any) -> Iterator[dg.DagsterEvent]:
        yield from ()
        raise dg.DagsterExecutionInterruptedError


@pytest.mark.parametrize("signalled", [True, False])
def test_a_run_that_was_interrupted_between_two_steps_is_gone_on_with(
    instance: dg.DagsterInstance, *, signalled: bool
) -> None:
    @dg.executor(name="interrupted", requirements=[])
    def interrupts(context: dg.InitExecutorContext) -> dg.Executor:
        return Interrupted(retries=RetryMode.DISABLED)

    @dg.asset(partitions_def=subjects)
    def subject_csv() -> None:
        raise ZeroDivisionError

    instance.add_dynamic_partitions("subjects", ["love"])
    assets = dg.Definitions([subject_csv], executor=interrupts if signalled else dg.in_process_executor)
    job = assets.resolve_implicit_global_asset_job_def()
    result = execute(instance, job, QUIET, {"dagster/partition": "love"})
    assert interrupted(result) == signalled
    assert stopped_runs(instance, ["love"]) == ({"love": result.run_id} if signalled else {})
