"""What a run of subjects in this process says of each, whatever step went wrong."""

import dagster as dg
import pytest

from openlib_assets.cli.runs import run_subjects
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
