"""What a run of subjects in this process says of each, whatever step went wrong."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

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
