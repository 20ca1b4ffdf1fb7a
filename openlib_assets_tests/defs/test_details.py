"""What the search says of works is a part of a subject that may be missing: then everything else is made without it."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.asset_graph_view.asset_graph_view import AssetGraphView
from dagster._core.definitions.data_version import CachingStaleStatusResolver

from openlib_assets.cli.subject_states import subject_states
from openlib_assets.defs.steps.run_state import said_by_steps
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    BRONZE,
    GOLD,
    SILVER,
    Pipeline,
    PlaceMaker,
    assert_tables_equal,
    failure_texts,
    reference_tables,
    snapshot_paths,
)
from openlib_assets_tests.tools.instances import temporary_instance

OFF = {"OPENLIB_DETAILS": "off"}
MADE_OF_DETAILS = ("work_isbns", "work_details", "stocking_list", "order_list", "subject_report")
DOCUMENTS = "fields=key%2Csubtitle"


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One instance for all tests: each has subjects of its own."""
    with temporary_instance() as instance:
        yield instance


def refusing(subject: str) -> FaultPlan:
    """The search gives the keys of a subject's works, but no documents."""
    return FaultPlan(planned=(Planned("http_403", match=f"{subject}%22&{DOCUMENTS}", times=1000),))


def made(result: dg.JobExecutionResult, subject: str) -> set[str]:
    """Return the assets that a run recorded for a subject."""
    return {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key and event.partition == subject
    }


def assert_exact(pipeline: Pipeline, sandbox: Sandbox, subject: str) -> None:
    """Compare all tables with what they are by other means, of the snapshot of details that there is, if any."""
    assert_tables_equal(pipeline, subject, reference_tables(pipeline, subject, list(sandbox.works(subject))))


def documents_asked(sandbox: Sandbox, since: int = 0) -> int:
    return sum(DOCUMENTS in request.query for request in sandbox.requests[since:])


def test_where_they_are_not_asked_for_all_else_is_made_and_what_was_asked_before_stays_in_use(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    subject, place = "o1", new_place("local")
    with Sandbox(SandboxConfig({subject: 12})) as sandbox:
        off, on = Pipeline(place, instance, sandbox.url, **OFF), Pipeline(place, instance, sandbox.url)
        result = off.run(subject)
        assert result.success, failure_texts(result)
        assert documents_asked(sandbox) == 0
        assert made(result, subject) == {"raw_works", *SILVER, *GOLD, "order_list", "subject_csv", "subject_report"}
        assert_exact(off, sandbox, subject)
        assert stale(off, subject) == set()

        result = on.run(subject)
        assert result.success, failure_texts(result)
        assert made(result, subject) == {*BRONZE, *MADE_OF_DETAILS}, "nothing else is made of them"
        assert on.table(f"silver/work_details/subject={subject}/part-0.parquet")["languages"].null_count == 0
        assert_exact(on, sandbox, subject)

        asked = len(sandbox.requests)
        sandbox.add_work(subject)
        result = off.run(subject)
        assert result.success, failure_texts(result)
        assert documents_asked(sandbox, asked) == 0
        assert len(snapshot_paths(off, subject, "raw_details")) == 1
        assert_exact(off, sandbox, subject)
        assert off.table(f"silver/work_details/subject={subject}/part-0.parquet")["languages"].null_count == 1


def stale(pipeline: Pipeline, subject: str) -> set[str]:
    """Return the assets that the UI would call unsynced."""
    view = AssetGraphView.for_test(pipeline.definitions, pipeline.instance)
    resolver = CachingStaleStatusResolver(pipeline.instance, view.asset_graph, view)
    names = (*BRONZE, *SILVER, *GOLD, "subject_csv", "subject_report")
    return {name for name in names if resolver.get_status(dg.AssetKey(name), subject).value == "STALE"}


def test_where_they_are_refused_their_step_is_red_with_the_reason_and_everything_else_is_complete(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with Sandbox(SandboxConfig({"r1": 11, "r2": 12}, faults=refusing("r2"))) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        result = pipeline.run("r1", "r2")
        assert not result.success
        ((step, text),) = failure_texts(result).items()
        assert step == "raw_details"
        assert text.startswith(f"r2: {sandbox.url}/search.json?q=subject_key%3A%22r2%22&{DOCUMENTS}")
        assert "HTTP 403" in text
        assert len(text.splitlines()) == 1
        assert documents_asked(sandbox) == 2, "no layer asks again"
        everything = {*BRONZE, *SILVER, *GOLD, "order_list", "subject_csv", "subject_report"}
        assert made(result, "r1") == everything
        assert made(result, "r2") == everything - {"raw_details"}
        for subject in ("r1", "r2"):
            assert_exact(pipeline, sandbox, subject)
        states = {state.subject: state.state for state in subject_states(instance, [], ["r1", "r2"])}
        assert (states["r1"], states["r2"]) == ("fetched", "details failed since")

        # The next run asks again, and what it finds goes into the tables that are made of it.
        sandbox.change_faults(FaultPlan())
        result = pipeline.run("r2")
        assert result.success, failure_texts(result)
        assert made(result, "r2") == {*BRONZE, *MADE_OF_DETAILS}
        assert_exact(pipeline, sandbox, "r2")

        # Where they fail again, the last that there are stay in use; the works are new.
        sandbox.change_faults(refusing("r2"))
        sandbox.add_work("r2")
        result = pipeline.run("r2")
        assert list(failure_texts(result)) == ["raw_details"]
        assert len(snapshot_paths(pipeline, "r2")) == 2
        assert_exact(pipeline, sandbox, "r2")
        assert "r2" in said_by_steps(result.all_events)["raw_details"].failed


@pytest.mark.parametrize(("gone", "is_red"), [(3, False), (21, True)])
def test_works_that_only_one_of_the_two_has_warn_and_are_red_from_more_than_twenty_on(
    gone: int, is_red: bool, *, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    subject = f"g{gone}"
    with Sandbox(SandboxConfig({subject: 120})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        works = list(sandbox.works(subject))

        @sandbox.on_request
        def remove_before_the_documents(_number: int, _path: str, query: str) -> None:
            if DOCUMENTS in query and sandbox.count(subject) == len(works):
                for work in works[:gone]:
                    sandbox.remove_work(subject, work["key"])

        result = pipeline.run(subject)
        assert result.success == (not is_red)
        evaluations = {
            evaluation.asset_key.to_user_string(): evaluation
            for evaluation in result.get_asset_check_evaluations()
            if evaluation.check_name == "contract_holds"
            and evaluation.asset_key.path[-1] in ("raw_details", "work_details")
        }
        said = {name: value.value for name, value in evaluations["raw_details"].metadata.items()}
        assert said["agrees_with_raw_works: without_details"] == gone
        assert said["agrees_with_raw_works: only_in_details"] == 0
        if is_red:
            assert failure_texts(result)["raw_details"].startswith(
                f"{subject}: raw_details: check agrees_with_raw_works failed: works 120, without_details 21"
            )
            assert snapshot_paths(pipeline, subject, "raw_details") == []
        else:
            assert not evaluations["work_details"].passed
            assert evaluations["work_details"].severity == dg.AssetCheckSeverity.WARN
            said = {name: value.value for name, value in evaluations["work_details"].metadata.items()}
            assert said["works_have_details: works_without_details"] == gone
        assert_tables_equal(pipeline, subject, reference_tables(pipeline, subject, works))
