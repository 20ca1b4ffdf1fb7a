"""What somebody clicks who runs things by hand: a backfill in which a subject fails, its repair, another storage.

The tests tell one story, in the order of the file, on one instance.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES

from openlib_assets.defs.sensors import overdue_subjects
from openlib_assets.lake.contract import REFRESH_DAYS
from openlib_assets.sandbox import FaultPlan, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import environment as variables_of
from openlib_assets_tests.tools.deployment import (
    Dagster,
    dagster_dev,
    environment,
    openlib,
    shipped_instance,
    subjects_of,
    wait_until,
)
from openlib_assets_tests.ui.conftest import kept_if_it_fails, page_of, take_screenshot
from openlib_assets_tests.ui.dagster_pages import checks_by_subject, launch_alone, open_launchpad, re_execute, shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.ui

SUBJECTS = ("fine", "refused", "well")
JOB = "all_assets"
FALLEN = 10
_SECONDS = 600
_POLL_SECONDS = 0.5
_OK = 200


@dataclass(frozen=True)
class Deployed:
    """`dagster dev` with three registered subjects, of which Open Library refuses one."""

    server: Dagster
    variables: Mapping[str, str]
    storage: Path
    sandbox: Sandbox
    opened: dg.DagsterInstance

    def held(self) -> set[str]:
        return {folder.name for folder in self.storage.glob("exports/*")}

    def asked(self, since: int) -> set[str]:
        """Return the subjects asked for since there were so many requests."""
        return subjects_of(self.sandbox.requests[since:])

    @contextlib.contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Lend the instance, which was opened once: what waits asks it often. The variables are the server's."""
        with variables_of(self.variables):
            yield self.opened

    def runs(self) -> list[dg.DagsterRun]:
        """Return the runs that people started, the newest first: what sensors start is made across subjects."""
        with self.instance() as instance:
            return list(instance.get_runs(dg.RunsFilter(job_name=JOB)))

    def ended_run(self, number: int) -> dg.DagsterRun:
        """Wait until there are so many runs and all have ended; give the newest."""
        found: list[dg.DagsterRun] = []

        def ended() -> bool:
            found[:] = self.runs()
            return len(found) == number and all(run.is_finished for run in found)

        wait_until(ended, _SECONDS, what=f"{number} runs to their ends", every=_POLL_SECONDS)
        return found[0]

    def ended_backfill(self) -> str:
        """Wait until the backfill that somebody started has ended; give its id. Sensors start others after it."""
        with self.instance() as instance:
            first = min(instance.get_backfills(), key=lambda backfill: backfill.backfill_timestamp).backfill_id

        def ended() -> bool:
            with self.instance() as instance:
                backfill = instance.get_backfill(first)
                return backfill is not None and backfill.status in BULK_ACTION_TERMINAL_STATUSES

        wait_until(ended, _SECONDS, what="the backfill to its end", every=_POLL_SECONDS)
        return first


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("reexecution")
    plan = FaultPlan(permanent={"refused": "http_403"})
    with Sandbox(SandboxConfig(dict.fromkeys(SUBJECTS, 30), faults=plan)) as sandbox:
        shipped_instance(folder / "home")
        variables = environment(folder, sandbox.url)
        with variables_of(variables):
            instance = dg.DagsterInstance.get()
        with instance:
            instance.add_dynamic_partitions("subjects", list(SUBJECTS))
            with dagster_dev(variables) as server:
                yield Deployed(server, variables, folder / "data", sandbox, instance)


@pytest.fixture(scope="module")
def tab(browser: "Browser", deployed: Deployed) -> "Iterator[Page]":
    """A page of its own."""
    with page_of(browser, deployed.server.url) as page:
        yield page


@pytest.fixture(autouse=True)
def last_look(tab: "Page", request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep what stood on the screen when a test failed."""
    with kept_if_it_fails(tab, request):
        yield


@pytest.fixture(scope="module")
def failed(tab: "Page", deployed: Deployed) -> dg.DagsterRun:
    """Start a backfill of all subjects, and give its only run, which has ended."""
    tab.goto(f"/locations/openlib_assets/jobs/{JOB}")
    tab.get_by_role("button", name=re.compile("Materialize")).first.click()
    dialog = tab.get_by_role("dialog")
    # Of the store's catalogue, which nobody has set, nothing was ever made.
    dialog.get_by_role("button", name="Confirm").click()
    dialog.get_by_role("button", name="All", exact=True).click()
    dialog.get_by_text(f"{len(SUBJECTS)} partitions").first.wait_for()
    take_screenshot(tab, "20-backfill")
    dialog.get_by_role("button", name=re.compile("^Launch")).last.click()
    return deployed.ended_run(1)


def test_the_run_shows_the_step_that_failed_and_why(tab: "Page", deployed: Deployed, failed: dg.DagsterRun) -> None:
    assert failed.status == dg.DagsterRunStatus.FAILURE
    assert deployed.held() == {"fine", "well"}
    tab.goto(f"/runs/{failed.run_id}")
    for text in ("Failure", "Errored (1)"):
        shown(tab, text)
    tab.get_by_text(re.compile("HTTP 403, refused")).first.wait_for()
    take_screenshot(tab, "21-backfill-red")


def test_the_events_of_checks_name_their_subject(tab: "Page", failed: dg.DagsterRun) -> None:
    tab.goto(f"/runs/{failed.run_id}")
    tab.get_by_placeholder(re.compile("^Filter")).last.fill("'author_averages' passed")
    for subject in ("fine", "well"):
        row = tab.get_by_role("row").filter(has=tab.get_by_text("Subject", exact=True))
        row.filter(has=tab.get_by_text(subject, exact=True)).first.wait_for()
    take_screenshot(tab, "24-events-of-checks")


@pytest.mark.parametrize("asset", ["raw_works", "subject_summary"])
def test_checks_have_passed_for_the_subjects_that_are_complete(tab: "Page", failed: dg.DagsterRun, asset: str) -> None:
    checks_by_subject(tab, asset, "contract_holds")
    for text in ("Passed (2)", "Execution Failed (1)", "Failed (0)", "Missing (0)", "Skipped (0)"):
        shown(tab, text)
    take_screenshot(tab, f"25-checks-{asset}")


def test_the_backfill_has_failed_and_the_partitions_tell_which_subject(
    tab: "Page", deployed: Deployed, failed: dg.DagsterRun
) -> None:
    tab.goto(f"/runs/b/{deployed.ended_backfill()}?tab=runs")
    for text in ("Failed", "3 partitions", failed.run_id[:8]):
        shown(tab, text)
    take_screenshot(tab, "26-backfill-page")
    tab.goto("/assets/raw_works?view=partitions")
    for text in ("Failed (1)", "Materialized (2)"):
        shown(tab, text)
    take_screenshot(tab, "27-partitions")


def test_from_asset_failure_is_refused_where_each_asset_was_made_of_some_subject(
    tab: "Page", deployed: Deployed, failed: dg.DagsterRun
) -> None:
    re_execute(tab, failed, "From asset failure")
    shown(tab, "No assets or asset checks needed to be retried in the failed run.", exact=False)
    take_screenshot(tab, "28-from-asset-failure-refused")
    assert len(deployed.runs()) == 1


def test_from_failure_asks_for_the_failed_subject_alone(tab: "Page", deployed: Deployed, failed: dg.DagsterRun) -> None:
    deployed.sandbox.change_faults(FaultPlan())
    since = len(deployed.sandbox.requests)
    re_execute(tab, failed, "From failure")
    again = deployed.ended_run(2)
    tab.goto(f"/runs/{again.run_id}")
    shown(tab, "Success")
    take_screenshot(tab, "22-from-failure-green")
    assert again.parent_run_id == failed.run_id
    assert again.status == dg.DagsterRunStatus.SUCCESS
    assert deployed.asked(since) == {"refused"}
    assert deployed.held() == set(SUBJECTS)
    checks_by_subject(tab, "raw_works", "contract_holds")
    shown(tab, "Passed (3)")
    take_screenshot(tab, "29-checks-repaired")


def test_all_steps_asks_for_all_and_a_subject_that_fell_shows_that_check_as_failed(
    tab: "Page", deployed: Deployed, failed: dg.DagsterRun
) -> None:
    for record in list(deployed.sandbox.works("well"))[:FALLEN]:
        deployed.sandbox.remove_work("well", record["key"])
    since = len(deployed.sandbox.requests)
    re_execute(tab, failed, "All steps in root run")
    assert deployed.ended_run(3).status == dg.DagsterRunStatus.FAILURE
    assert deployed.asked(since) == set(SUBJECTS)
    checks_by_subject(tab, "raw_works", "did_not_fall")
    for text in ("Failed (1)", "Passed (2)", "Execution Failed (0)"):
        shown(tab, text)
    take_screenshot(tab, "30-did-not-fall")
    checks_by_subject(tab, "subject_summary", "contract_holds")
    for text in ("Passed (2)", "Execution Failed (1)", "Skipped (0)"):
        shown(tab, text)


def test_from_asset_failure_of_a_run_of_one_subject_makes_everything(tab: "Page", deployed: Deployed) -> None:
    launch_alone(tab, JOB, "well")
    failed = deployed.ended_run(4)
    assert failed.status == dg.DagsterRunStatus.FAILURE
    for _ in range(FALLEN):
        deployed.sandbox.add_work("well")
    since = len(deployed.sandbox.requests)
    re_execute(tab, failed, "From asset failure")
    again = deployed.ended_run(5)
    tab.goto(f"/runs/{again.run_id}")
    shown(tab, "Success")
    take_screenshot(tab, "31-from-asset-failure-green")
    assert deployed.asked(since) == {"well"}
    checks_by_subject(tab, "raw_works", "did_not_fall")
    shown(tab, "Passed (3)")


def test_an_overdue_subject_shows_as_failed(tab: "Page", deployed: Deployed, failed: dg.DagsterRun) -> None:
    ahead = time.time() + (REFRESH_DAYS + 1) * 86_400
    with deployed.instance() as instance:
        with pytest.MonkeyPatch.context() as patch, dg.build_sensor_context(instance=instance) as context:
            patch.setattr(time, "time", lambda: ahead)
            result = overdue_subjects(context)
        assert isinstance(result, dg.SensorResult)
        for event in result.asset_events or ():
            if event.partition != "fine":
                instance.report_runless_asset_event(event)
    checks_by_subject(tab, "raw_works", "refreshed_lately")
    for text in ("Failed (2)", "Passed (1)"):
        shown(tab, text)
    take_screenshot(tab, "32-overdue")


def test_the_storage_set_in_the_launchpad_is_where_everything_goes(tab: "Page", deployed: Deployed) -> None:
    runs = len(deployed.runs())
    elsewhere = deployed.storage.with_name("elsewhere")

    def written() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in deployed.storage.rglob("*well*/**/*") if path.is_file()}

    before = written()
    open_launchpad(tab, JOB, "well")
    root = tab.locator(".CodeMirror-line").filter(has_text="root:")
    root.filter(has_text=f"{deployed.storage}").click()
    tab.keyboard.press("End")
    tab.keyboard.press("Shift+Home")
    tab.keyboard.insert_text(f"root: {elsewhere}")
    root.filter(has_text=f"{elsewhere}").wait_for()
    take_screenshot(tab, "23-launchpad")
    tab.get_by_role("button", name="Launch Run").click()
    tab.wait_for_url("**/runs/*")
    run = deployed.ended_run(runs + 1)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert {folder.name for folder in elsewhere.glob("exports/*")} == {"well"}
    assert {path.name for path in elsewhere.iterdir()} > {"bronze", "silver", "gold", "exports", "reports"}
    assert len(before) > 10
    assert written() == before


def test_the_automation_of_every_asset_is_shown_after_a_subject_was_removed(tab: "Page", deployed: Deployed) -> None:
    def remove() -> None:
        removed = openlib("subjects", "remove", "well", env=deployed.variables, seconds=_SECONDS)
        assert removed.status == 0, removed.output

    def status(asset: str) -> int:
        with tab.expect_response(lambda answer: "op=GetEvaluationsQuery" in answer.url) as answer:
            tab.goto(f"/assets/{asset}?view=automation")
        return answer.value.status

    remove()
    for asset in ("books", "subject_report", "catalog"):
        if status(asset) != _OK:
            # What the daemon had begun to evaluate before the removal, it recorded after it.
            remove()
            assert status(asset) == _OK
        shown(tab, "Evaluation result")
    take_screenshot(tab, "33-automation")
