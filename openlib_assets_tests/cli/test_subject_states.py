"""The states that `openlib subjects list` shows, after runs in which something of a subject could not be made."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.context.system import StepExecutionContext
from dagster._core.execution.plan import execute_plan

from openlib_assets.cli.subject_states import TABLES_FAILED, subject_states
from openlib_assets.defs.steps.writing import locked
from openlib_assets.lake.contract import BOOKS
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import SILVER, Pipeline, PlaceMaker

# What fails here, and what it is made from.
ASSETS = ("raw_works", "raw_details", *SILVER, "subject_summary", "stocking_list", "order_list")
NO_EDITIONS = FaultPlan(planned=(Planned("http_403", match="lang=", times=1000),))


def states(instance: dg.DagsterInstance) -> tuple[str, ...]:
    """Return the states of two subjects."""
    return tuple(state.state for state in subject_states(instance, [], ["a", "b"]))


def test_a_subject_whose_tables_failed_says_so_until_a_run_makes_them_or_finds_them_as_they_should_be(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    place = new_place("local")
    with Sandbox(SandboxConfig({"a": 8, "b": 8})) as sandbox:
        pipeline = Pipeline(place, instance, sandbox.url)

        def succeeds(*subjects: str) -> bool:
            return pipeline.run(*subjects, only=ASSETS).success

        assert succeeds("a", "b")
        assert states(instance) == ("fetched", "fetched")

        # The fetch fails, and with it all that is made of it; the next one finds it as it was, and makes nothing.
        sandbox.change_faults(FaultPlan(permanent={"b": "http_403"}))
        assert not succeeds("a", "b")
        assert states(instance) == ("fetched", "failed since")
        sandbox.change_faults(FaultPlan())
        assert succeeds("b")
        assert states(instance) == ("fetched", "fetched")

        # Only a table fails; one that has nothing new is not taken for failed, too.
        (authors,) = Path(place.root, "silver/authors/subject=a").iterdir()
        authors.unlink()
        authors.parent.rmdir()
        authors.parent.touch()
        assert not succeeds("a", "b")
        assert states(instance) == (TABLES_FAILED, "fetched")
        assert succeeds("b")
        assert states(instance) == (TABLES_FAILED, "fetched")
        authors.parent.unlink()
        assert succeeds("a")
        assert states(instance) == ("fetched", "fetched")

        # Only the order list fails, without which all else is made.
        sandbox.add_work("b")
        sandbox.change_faults(NO_EDITIONS)
        assert not succeeds("a", "b")
        assert states(instance) == ("fetched", TABLES_FAILED)
        sandbox.change_faults(FaultPlan())
        assert succeeds("a", "b")
        assert states(instance) == ("fetched", "fetched")


@pytest.mark.parametrize("has_it", [True, False])
def test_a_run_that_was_refused_while_another_one_made_the_subject_is_no_failure(
    has_it: bool,
    instance: dg.DagsterInstance,
    new_place: PlaceMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sandbox(SandboxConfig({"a": 8, "b": 8})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        refused = iter(["b"])

        def refuse() -> None:
            for subject in refused:
                with locked(pipeline.storage, subject, waits=False):
                    assert not pipeline.run(subject, only=ASSETS).success

        def beside(step: StepExecutionContext, *given: Any) -> Iterator[dg.DagsterEvent]:
            if step.step.key == BOOKS.name:
                refuse()
            yield from events_of(step, *given)

        events_of: Callable[..., Iterator[dg.DagsterEvent]] = execute_plan.dagster_event_sequence_for_step
        if has_it:
            monkeypatch.setattr(execute_plan, "dagster_event_sequence_for_step", beside)
        assert pipeline.run("a", "b", only=ASSETS).success
        refuse()
        assert states(instance) == ("fetched", "fetched" if has_it else "failed since")
