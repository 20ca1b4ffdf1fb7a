"""What somebody clicks who runs things by hand: a repair from the run's page, another storage in the launchpad."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from openlib_assets.sandbox import FaultPlan, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import environment as variables_of
from openlib_assets_tests.tools.deployment import Dagster, dagster_dev, environment, shipped_instance, wait_until
from openlib_assets_tests.ui.conftest import take_screenshot
from openlib_assets_tests.ui.dagster_pages import shown

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.ui

SUBJECTS = ("fine", "refused", "well")
_SECONDS = 600


@dataclass(frozen=True)
class Deployed:
    """`dagster dev` with three registered subjects, of which Open Library refuses one."""

    server: Dagster
    variables: Mapping[str, str]
    storage: Path
    sandbox: Sandbox

    def held(self) -> set[str]:
        return {folder.name for folder in self.storage.glob("exports/*")}

    def ended_run(self, number: int) -> dg.DagsterRun:
        """Wait until there are so many runs and all have ended; give the newest."""
        found: list[dg.DagsterRun] = []

        def ended() -> bool:
            with variables_of(self.variables), dg.DagsterInstance.get() as instance:
                found[:] = instance.get_runs()
            return len(found) == number and all(run.is_finished for run in found)

        wait_until(ended, _SECONDS, what=f"{number} runs to their ends")
        return found[0]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("reexecution")
    plan = FaultPlan(permanent={"refused": "http_403"})
    with Sandbox(SandboxConfig(dict.fromkeys(SUBJECTS, 30), faults=plan)) as sandbox:
        shipped_instance(folder / "home")
        variables = environment(folder, sandbox.url)
        with variables_of(variables), dg.DagsterInstance.get() as instance:
            instance.add_dynamic_partitions("subjects", list(SUBJECTS))
        with dagster_dev(variables) as server:
            yield Deployed(server, variables, folder / "data", sandbox)


@pytest.fixture
def tab(browser: "Browser", deployed: Deployed) -> "Iterator[Page]":
    """A page of its own, high enough for whole runs."""
    with contextlib.closing(
        browser.new_context(base_url=deployed.server.url, viewport={"width": 1600, "height": 1800})
    ) as context:
        context.set_default_timeout(60_000)
        yield context.new_page()


def test_from_failure_asks_for_the_failed_subject_alone(tab: "Page", deployed: Deployed) -> None:
    tab.goto("/locations/openlib_assets/jobs/all_assets")
    tab.get_by_role("button", name=re.compile("Materialize")).first.click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("button", name="All", exact=True).click()
    dialog.get_by_text(f"{len(SUBJECTS)} partitions").first.wait_for()
    take_screenshot(tab, "20-backfill")
    dialog.get_by_role("button", name=re.compile("^Launch")).last.click()
    failed = deployed.ended_run(1)
    assert failed.status == dg.DagsterRunStatus.FAILURE
    assert deployed.held() == {"fine", "well"}
    tab.goto(f"/runs/{failed.run_id}")
    for text in ("Failure", "Errored (1)"):
        shown(tab, text)
    tab.get_by_text(re.compile("HTTP 403, refused")).first.wait_for()
    take_screenshot(tab, "21-backfill-red")

    deployed.sandbox.change_faults(FaultPlan())
    asked = len(deployed.sandbox.requests)
    every_way = tab.get_by_role("button", name=re.compile("Re-execute all"))
    every_way.locator("xpath=following::button[1]").click()
    tab.get_by_text("From failure", exact=True).first.click()
    again = deployed.ended_run(2)
    tab.goto(f"/runs/{again.run_id}")
    shown(tab, "Success")
    take_screenshot(tab, "22-from-failure-green")
    assert again.parent_run_id == failed.run_id
    assert again.status == dg.DagsterRunStatus.SUCCESS
    assert {request.path for request in deployed.sandbox.requests[asked:]} == {"/subjects/refused.json"}
    assert deployed.held() == set(SUBJECTS)


def test_the_storage_set_in_the_launchpad_is_where_everything_goes(tab: "Page", deployed: Deployed) -> None:
    with variables_of(deployed.variables), dg.DagsterInstance.get() as instance:
        runs = len(instance.get_runs())
    elsewhere = deployed.storage.with_name("elsewhere")
    before = sorted(deployed.storage.rglob("*"))
    tab.goto("/locations/openlib_assets/jobs/all_assets/playground")
    tab.get_by_placeholder("Partition").click()
    tab.get_by_text("well", exact=True).first.click()
    root = tab.locator(".CodeMirror-line").filter(has_text="root:")
    root.filter(has_text=f"{deployed.storage}").click()
    tab.keyboard.press("End")
    tab.keyboard.press("Shift+Home")
    tab.keyboard.insert_text(f"root: {elsewhere}")
    root.filter(has_text=f"{elsewhere}").wait_for()
    take_screenshot(tab, "23-launchpad")
    tab.get_by_role("button", name="Launch Run").click()
    run = deployed.ended_run(runs + 1)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert {folder.name for folder in elsewhere.glob("exports/*")} == {"well"}
    assert {path.name for path in elsewhere.iterdir()} > {"bronze", "silver", "gold", "exports", "reports"}
    assert sorted(deployed.storage.rglob("*")) == before
