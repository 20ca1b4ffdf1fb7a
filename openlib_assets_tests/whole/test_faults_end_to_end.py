"""Whatever goes wrong on the way: a run ends exact, or red with a line that says why; never short and green."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap

from openlib_assets.defs.steps.checks import CONTRACT_HOLDS
from openlib_assets.openlibrary.listings import DOCUMENT_FIELDS
from openlib_assets.sandbox import TRANSIENT, FaultPlan, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import (
    BRONZE,
    GOLD,
    SILVER,
    Pipeline,
    PlaceMaker,
    assert_same_rows,
    assert_tables_equal,
    failure_text,
    failure_texts,
    reference_tables,
    snapshot_paths,
)
from openlib_assets_tests.tools.deployment import shipped_instance
from openlib_assets_tests.tools.instances import temporary_instance

SUBJECT = "love"
WORKS = 61
# Ten pages: each overlaps the one before by one work.
SMALL_PAGES = {"OPENLIB_PAGE_SIZE": "7"}
# What `assert_exact` compares, and what that is made from.
TABLES = (*BRONZE, *SILVER, *GOLD)
# Where an answer does not come; all others come, on a busy machine too.
IMPATIENT = {"OPENLIB_TIMEOUT": "0.5"}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One instance for all tests: what they look at is a run's own, or in their own storage."""
    with temporary_instance() as instance:
        yield instance


@contextmanager
def deployed(
    config: SandboxConfig, instance: dg.DagsterInstance, new_place: PlaceMaker, **variables: str
) -> Iterator[tuple[Sandbox, Pipeline]]:
    """Return a sandbox and the pipeline that reads it, on a storage of its own."""
    with Sandbox(config) as sandbox:
        yield sandbox, Pipeline(new_place("local"), instance, sandbox.url, **variables)


def url_of(sandbox: Sandbox) -> str:
    return f"{sandbox.url}/subjects/{SUBJECT}.json"


def assert_exact(sandbox: Sandbox, pipeline: Pipeline) -> None:
    assert_tables_equal(pipeline, SUBJECT, reference_tables(pipeline, SUBJECT, list(sandbox.works(SUBJECT))))


def assert_snapshots_exact(sandbox: Sandbox, pipeline: Pipeline) -> None:
    """Compare the one snapshot of works, and that of details, record by record, with what the sandbox has."""
    wanted = {"raw_works": sandbox.works(SUBJECT), "raw_details": sandbox.documents(SUBJECT, DOCUMENT_FIELDS)}
    for table, has in wanted.items():
        (path,) = snapshot_paths(pipeline, SUBJECT, table)
        records = [json.loads(payload) for payload in pipeline.table(path)["payload"].to_pylist()]
        for record in records:
            record.pop("availability", None)
        assert_same_rows(records, list(has))


def assert_exact_or_red(result: dg.JobExecutionResult, sandbox: Sandbox, pipeline: Pipeline) -> bool:
    """Check that a run ended exact, or red: without any data, or only without details; tell whether it was exact."""
    if not result.success and set(failure_texts(result)) != {"raw_details"}:
        assert_red_without_data(result, sandbox, pipeline)
        return False
    if result.success:
        assert_snapshots_exact(sandbox, pipeline)
    else:
        assert snapshot_paths(pipeline, SUBJECT, "raw_details") == []
    return bool(result.success)


def assert_red_without_data(result: dg.JobExecutionResult, sandbox: Sandbox, pipeline: Pipeline) -> str:
    """Check that a run ended red and left no data; give the one line that says why."""
    assert not result.success
    assert result.get_asset_materialization_events() == []
    assert [path for path in pipeline.place.states() if not path.startswith("_staging/")] == []
    line = failure_text(result)
    assert line.startswith(f"{SUBJECT}: {url_of(sandbox)}")
    assert len(line.splitlines()) == 1
    return line


def latest(result: dg.JobExecutionResult, asset: str) -> dict[str, Any]:
    """Return the metadata that a run recorded for an asset."""
    (event,) = (event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey(asset))
    return {name: value.value for name, value in event.materialization.metadata.items()}


@pytest.mark.parametrize("fault", [fault for fault in TRANSIENT if fault != "cut_index"])
def test_each_fault_that_asking_again_overcomes_ends_exact(
    fault: str, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    plan = FaultPlan({fault: 0.5}, max_consecutive=3, stall_seconds=2)
    variables = SMALL_PAGES | (IMPATIENT if fault == "stall" else {})
    with deployed(SandboxConfig({SUBJECT: WORKS}, faults=plan), instance, new_place, **variables) as (sandbox, it):
        # What is made from the snapshot does not depend on how it was fetched.
        result = it.run(SUBJECT, job="extract")
        assert result.success, failure_text(result)
        served = [request.fault for request in sandbox.requests if request.fault]
        assert set(served) == {fault}
        assert len(served) >= 3
        assert_snapshots_exact(sandbox, it)
        fetches = [latest(result, table) for table in BRONZE]
        assert sum(fetch["requests"] for fetch in fetches) == len(sandbox.requests)
        # A redirect is followed within the same try.
        assert all((fetch["retries"] >= 3) == (fault != "redirect") for fetch in fetches)


@pytest.mark.parametrize("seed", range(3))
def test_all_transient_faults_together_end_exact_or_red(
    seed: int, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    chances = FaultPlan.parse("transient=0.6").probabilities
    plan = FaultPlan(chances, seed=seed, max_consecutive=3, stall_seconds=2)
    with deployed(SandboxConfig({SUBJECT: WORKS}, faults=plan), instance, new_place, **SMALL_PAGES, **IMPATIENT) as (
        sandbox,
        it,
    ):
        result = it.run(SUBJECT)
        assert len({request.fault for request in sandbox.requests if request.fault}) >= 5
        if assert_exact_or_red(result, sandbox, it) or snapshot_paths(it, SUBJECT):
            assert_exact(sandbox, it)


@pytest.mark.parametrize("chance", [0.3, 0.6, 1.0])
def test_an_index_that_cuts_list_and_count_alike_never_ends_short_and_green(
    chance: float, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    ended_exact = cut = 0
    for seed in range(4):
        plan = FaultPlan({"cut_index": chance}, seed=seed, max_consecutive=3)
        config = SandboxConfig({SUBJECT: 125}, faults=plan)
        with deployed(config, instance, new_place, OPENLIB_PAGE_SIZE="50") as (sandbox, it):
            result = it.run(SUBJECT, job="extract")
            cut += sum(request.fault == "cut_index" for request in sandbox.requests)
            ended_exact += assert_exact_or_red(result, sandbox, it)
    assert cut >= 4
    assert ended_exact


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("null_count", "work_count is None: the index did not answer"),
        ("short_page", "3 works instead of 7"),
        ("unordered", "works are not in the order of their keys, or repeated"),
        ("duplicate_work", "works are not in the order of their keys, or repeated"),
        ("html", "HTTP 200 with HTML in"),
        ("garbage_json", "HTTP 200 with not JSON in"),
        ("cut_body", "the answer was cut short"),
        ("reset", "the connection failed"),
        ("stall", "no answer in time"),
        ("http_429", "HTTP 429, too many requests"),
        ("http_503", "HTTP 503"),
    ],
)
def test_a_fault_that_stays_ends_red_with_url_reason_and_tries(
    fault: str, reason: str, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    plan = FaultPlan(permanent={SUBJECT: fault}, stall_seconds=2)
    variables = {**SMALL_PAGES, "OPENLIB_RETRY_WAIT": "0.01"} | (IMPATIENT if fault == "stall" else {})
    with deployed(SandboxConfig({SUBJECT: WORKS}, faults=plan), instance, new_place, **variables) as (sandbox, it):
        result = it.run(SUBJECT)
        line = assert_red_without_data(result, sandbox, it)
        assert reason in line
        assert line.endswith("(12 tries)")
        assert len(sandbox.requests) == 12


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("http_403", "HTTP 403, refused: set OPENLIB_CONTACT, since Open Library refuses clients without a contact"),
        ("http_404", "HTTP 404, not found: check OPENLIB_API_URL"),
        ("http_422", "HTTP 422"),
    ],
)
def test_an_answer_that_will_not_change_ends_red_at_once_and_is_not_retried_by_any_layer(
    fault: str, reason: str, instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    plan = FaultPlan(permanent={SUBJECT: fault})
    with deployed(SandboxConfig({SUBJECT: WORKS}, faults=plan), instance, new_place) as (sandbox, it):
        result = it.run(SUBJECT)
        line = assert_red_without_data(result, sandbox, it)
        assert line.endswith(f": {reason} (1 try)")
        assert len(sandbox.requests) == 1
        assert result.retry_attempts_for_node("raw_works") == 0


def test_a_subject_of_twenty_works_without_any_year_is_red_and_reaches_no_table(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    plan = FaultPlan(permanent={SUBJECT: "missing_years"})
    with deployed(SandboxConfig({SUBJECT: 20}, faults=plan), instance, new_place) as (_, it):
        result = it.run(SUBJECT)
        assert not result.success
        line = failure_text(result)
        assert line.startswith(f"{SUBJECT}: books: check some_year_is_known failed: works 20, works_with_a_year 0")
        assert len(line.splitlines()) == 1
        (evaluation,) = (
            evaluation
            for evaluation in result.get_asset_check_evaluations()
            if evaluation.asset_key == dg.AssetKey("books") and evaluation.check_name == CONTRACT_HOLDS
        )
        assert not evaluation.passed
        assert evaluation.severity == dg.AssetCheckSeverity.ERROR
        said = {name: value.value for name, value in evaluation.metadata.items()}
        assert said["failed"] == "check some_year_is_known failed: works 20, works_with_a_year 0"
        assert (said["some_year_is_known: works"], said["some_year_is_known: works_with_a_year"]) == (20, 0)
        # author_books does not depend on the years.
        assert {path.split("/")[1] for path in it.place.states() if not path.startswith("_")} == {
            *BRONZE,
            "rejected_works",
            "author_books",
        }


def test_a_smaller_subject_without_any_year_is_green_with_a_warning(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    plan = FaultPlan(permanent={SUBJECT: "missing_years"})
    with deployed(SandboxConfig({SUBJECT: 19}, faults=plan), instance, new_place) as (sandbox, it):
        result = it.run(SUBJECT)
        assert result.success, failure_text(result)
        warned = [evaluation for evaluation in result.get_asset_check_evaluations() if not evaluation.passed]
        assert [(evaluation.check_name, evaluation.severity) for evaluation in warned] == [
            ("years_are_plausible", dg.AssetCheckSeverity.WARN)
        ]
        assert warned[0].metadata["missing"].value == 19
        works = [{**record, "first_publish_year": None} for record in sandbox.works(SUBJECT)]
        assert_tables_equal(it, SUBJECT, reference_tables(it, SUBJECT, works))
        warnings = [
            event.user_message
            for event in instance.all_logs(result.run_id)
            if event.level == logging.WARNING and SUBJECT in event.user_message
        ]
        assert len(warnings) == 1
        assert warnings[0].startswith(f"{SUBJECT}: check years_are_plausible failed: works 19, missing 19")


def test_a_fall_of_more_than_a_fifth_is_red_until_it_is_forced(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with deployed(SandboxConfig({SUBJECT: 100}), instance, new_place, OPENLIB_DETAILS="off") as (sandbox, it):
        assert it.run(SUBJECT, job="extract").success
        keys = sandbox.keys(SUBJECT)
        for key in keys[:20]:
            sandbox.remove_work(SUBJECT, key)
        assert it.run(SUBJECT, only=TABLES).success, "a fifth is not more than a fifth"
        assert_exact(sandbox, it)

        for key in keys[20:37]:
            sandbox.remove_work(SUBJECT, key)
        before = it.place.states()
        result = it.run(SUBJECT)
        assert not result.success
        line = failure_texts(result)["raw_works"]
        assert line.startswith(f"{SUBJECT}: raw_works: check did_not_fall failed: works_before 80, works 63 ")
        assert len(line.splitlines()) == 1
        assert {path: state for path, state in it.place.states().items() if not path.startswith("_")} == before

        assert it.run(SUBJECT, force=True, only=TABLES).success
        assert len(snapshot_paths(it, SUBJECT)) == 3
        assert_exact(sandbox, it)
        assert it.run(SUBJECT, job="extract").success


def test_a_forced_run_writes_a_snapshot_although_nothing_changed(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with deployed(SandboxConfig({SUBJECT: 30}), instance, new_place) as (_, it):
        for runs in (1, 2):
            result = it.run(SUBJECT, job="extract", force=True)
            assert result.success
            assert len(snapshot_paths(it, SUBJECT)) == runs
            assert latest(result, "raw_works")["state"] == "new snapshot"


def test_a_subject_that_does_not_exist_is_red_and_leaves_no_file(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    with deployed(SandboxConfig({"other": 5}), instance, new_place) as (sandbox, it):
        result = it.run(SUBJECT)
        line = assert_red_without_data(result, sandbox, it)
        assert line == (
            f"{SUBJECT}: {url_of(sandbox)}: Open Library has no work under the subject 'love'; check its spelling, "
            "or look it up with: openlib subjects search"
        )
        assert it.place.states() == {}
        # An index that answers nothing looks the same: nobody is believed alone.
        assert len(sandbox.requests) == 2


def test_a_failed_run_is_completed_by_the_next_one(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    plan = FaultPlan({"http_503": 1.0}, max_consecutive=13)
    variables = {**SMALL_PAGES, "OPENLIB_DETAILS": "off"}
    with deployed(SandboxConfig({SUBJECT: 2}, faults=plan), instance, new_place, **variables) as (sandbox, it):
        # The page takes 14 tries, the second answer about the count takes as many; a run has 12 for each.
        assert [it.run(SUBJECT, only=TABLES).success for _ in range(3)] == [False, False, True]
        assert_exact(sandbox, it)
        assert [path for path in it.place.states() if path.startswith("_")] == []
        assert sum("limit=7" in request.query for request in sandbox.requests) == 14, "a page is fetched once"


CONTACT = "contact-for-open-library-only@example.org"


@pytest.mark.parametrize("subject", [SUBJECT, "refused"])
def test_contact_and_secret_are_nowhere_in_instance_storage_output_or_definitions(
    subject: str,
    *,
    tmp_path: Path,
    new_place: PlaceMaker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = new_place("s3")
    home = tmp_path / "home"
    shipped_instance(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    config = SandboxConfig({SUBJECT: 5, "refused": 5}, faults=FaultPlan(permanent={"refused": "http_403"}))
    with Sandbox(config) as sandbox, dg.DagsterInstance.get() as instance:
        it = Pipeline(place, instance, sandbox.url, OPENLIB_CONTACT=CONTACT)
        assert it.run(subject).success == (subject == SUBJECT)
        assert all(CONTACT in request.user_agent for request in sandbox.requests)
        assert sandbox.requests

        definitions = dg.serialize_value(RepositorySnap.from_def(it.definitions.get_repository_def()))
        said = "".join((*capfd.readouterr(), caplog.text, definitions))
        held = [file.read_bytes() for file in home.rglob("*") if file.is_file()]
        held += [it.storage.read(path) for path in it.storage.paths("")]
    # What must be found shows that this looks where things are.
    assert place.root.split("/")[2] in definitions
    assert any(subject.encode() in content for content in held)
    for hidden in (CONTACT, place.variables["AWS_SECRET_ACCESS_KEY"]):
        assert hidden not in said
        assert not any(hidden.encode() in content for content in held)
