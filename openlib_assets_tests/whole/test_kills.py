"""Runs that are killed, the hard way and at every moment: the same command goes on from there and ends exact."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from openlib_assets.defs.instance.run_launcher import RunLauncher, fail_dead_runs, made_by_this_process
from openlib_assets.openlibrary.enumeration import page_offsets
from openlib_assets.sandbox import FaultPlan
from openlib_assets_tests.conftest import PlaceMaker
from openlib_assets_tests.tools.deployment import openlib_command, running, shipped_instance
from openlib_assets_tests.tools.exactness import assert_exact, assert_nothing_left
from openlib_assets_tests.tools.forked import Tampering, wait_until
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.trials import (
    ALONE,
    PAGE_SIZE,
    SUBJECT,
    WORKS,
    Gate,
    asked,
    asked_of_search,
    lists,
    staged,
    trial,
)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with temporary_instance() as instance:
        yield instance


@pytest.mark.parametrize(("kind", "works", "pages"), [("local", WORKS, 19), ("s3", 50, 2)])
def test_a_run_killed_while_pages_come_in_asks_for_none_again_that_it_had(
    kind: str, works: int, pages: int, *, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place, offsets = new_place(kind), page_offsets(works, PAGE_SIZE)
    with trial(place, instance, tmp_path, {SUBJECT: works}) as here, Gate(here.sandbox, {SUBJECT: pages}) as gate:
        killed = here.it.start("run", SUBJECT)
        # So many are answered, and whoever asks for more waits: nothing is on its way when the process dies.
        in_flight = min(3, len(offsets) - pages)
        wait_until(lambda: gate.held == in_flight and len(staged(place)) == pages, "the pages are set aside")
        had = asked(here.sandbox.requests)
        assert staged(place) == sorted(had)
        killed.kill()
        gate.open()
        wait_until(lambda: len(here.sandbox.requests) == pages + in_flight, "the sandbox lets go")
        requests = here.again()
        assert sorted(asked(requests)) == sorted(set(offsets) - set(had))
        assert lists(requests) <= 2, "of the works, and of the details"
        assert_nothing_left(place)


def test_a_command_of_the_shell_killed_at_any_moment_asks_for_nothing_again_that_is_staged(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The command as people start it, killed from outside while answers are on their way."""
    place = new_place("local")
    with trial(place, instance, tmp_path) as here:

        @here.sandbox.on_request
        def kill_at_the_fifteenth(number: int, _path: str, _query: str) -> None:
            if number == 15:
                os.kill(process.pid, signal.SIGKILL)

        command = openlib_command("run", SUBJECT)
        with running(command, here.it.variables, tmp_path / "log") as process:
            assert process.wait() == -signal.SIGKILL
        wait_until(lambda: len(here.sandbox.requests) >= 15, "the sandbox lets go of what was under way")
        had = staged(place)
        assert 5 < len(had) < 15
        assert sorted(asked(here.again())) == sorted(set(page_offsets(WORKS, PAGE_SIZE)) - set(had))


SMALL = {SUBJECT: 25}
SMALL_OFFSETS = page_offsets(25, PAGE_SIZE)
MOMENTS = [
    ("local", "within", "bronze/"),
    ("local", "after", "bronze/"),
    ("local", "after clear", "_staging/raw_works/love"),
    ("local", "within", "bronze/raw_details/"),
    ("s3", "within", "exports/love/books.csv"),
]


@pytest.mark.parametrize(("kind", "moment", "path"), MOMENTS)
def test_a_run_killed_after_the_last_page_asks_for_no_page_again(
    kind: str, moment: str, path: str, *, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place(kind)
    with trial(place, instance, tmp_path, SMALL) as here:
        killed = here.it.run("run", SUBJECT, tampering=Tampering(moment=moment, path=path))
        assert killed.status() == -signal.SIGKILL
        assert sorted(asked(here.sandbox.requests)) == SMALL_OFFSETS
        if moment == "within":
            assert not [name for name in place.open().paths("") if name.startswith(path)]
        before = list(here.sandbox.requests)
        requests = here.again()
        assert asked(requests) == []
        assert sorted(asked_of_search(requests)) == ([] if asked_of_search(before) else SMALL_OFFSETS)
        # What was recorded before the kill needs not even be confirmed.
        assert lists(requests) == {"bronze/": 2, "_staging/raw_works/love": 1, "bronze/raw_details/": 1}.get(path, 0)
        assert here.results[SUBJECT]["resumed"] == (path != "bronze/")
        (first, why), (second, _) = here.runs()
        assert (first, second) == (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS)
        assert why.endswith(f"The run ended unexpectedly: process {killed.pid} is gone.")
        assert [name for name in place.states() if name.startswith("_staging")] == []


def test_after_a_resumed_run_ended_well_the_next_one_fetches_anew(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with trial(new_place("local"), instance, tmp_path, SMALL, OPENLIB_DETAILS="off") as here:
        at = Tampering(moment="within", path="silver/books")
        # Killed twice at the same place: what the first of them fetched still counts.
        for pages in (len(SMALL_OFFSETS), 0):
            before = len(here.sandbox.requests)
            assert here.it.run("run", SUBJECT, tampering=at).status() == -signal.SIGKILL
            assert len(asked(here.sandbox.requests[before:])) == pages
        assert here.again() == []
        key = next(here.sandbox.works(SUBJECT))["key"]
        here.sandbox.change_work(SUBJECT, key, title="Another title")
        before = len(here.sandbox.requests)
        done = here.it.run("run", SUBJECT, "--json", tampering=ALONE)
        assert done.status() == 0, done.output
        assert not done.results()[SUBJECT]["resumed"]
        assert sorted(asked(here.sandbox.requests[before:])) == SMALL_OFFSETS
        assert_exact(here.pipeline, here.sandbox, SUBJECT)


def test_what_a_killed_run_had_fetched_is_not_gone_back_to_once_it_has_failed_by_itself(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Open Library sent no years, the run was killed, the next one is red; then the years are back."""
    without_years = FaultPlan(permanent={SUBJECT: "missing_years"})
    with trial(new_place("local"), instance, tmp_path, SMALL, without_years, OPENLIB_DETAILS="off") as here:
        at = Tampering(moment="within", path="silver/author")
        assert here.it.run("run", SUBJECT, tampering=at).status() == -signal.SIGKILL
        red = here.it.run("run", SUBJECT)
        assert red.status() == 1
        assert "check some_year_is_known failed" in red.output
        here.sandbox.change_faults(FaultPlan())
        assert sorted(asked(here.again(snapshots=2))) == SMALL_OFFSETS


def test_force_fetches_anew_what_a_killed_run_had(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with trial(new_place("local"), instance, tmp_path, SMALL, OPENLIB_DETAILS="off") as here:
        at = Tampering(moment="within", path="silver/books")
        assert here.it.run("run", SUBJECT, tampering=at).status() == -signal.SIGKILL
        before = len(here.sandbox.requests)
        assert here.it.run("run", SUBJECT, "--force", tampering=ALONE).status() == 0
        assert sorted(asked(here.sandbox.requests[before:])) == SMALL_OFFSETS
        assert_exact(here.pipeline, here.sandbox, SUBJECT)


def test_what_a_killed_run_had_is_fetched_anew_where_it_is_gone(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with trial(new_place("local"), instance, tmp_path, SMALL, OPENLIB_DETAILS="off") as here:
        at = Tampering(moment="within", path="silver/books")
        assert here.it.run("run", SUBJECT, tampering=at).status() == -signal.SIGKILL
        here.pipeline.storage.clear("bronze")
        assert sorted(asked(here.again())) == SMALL_OFFSETS


SEVERAL = {"a1": 20, "a2": 60, "a3": 20}


def test_of_several_subjects_of_a_killed_run_those_fetched_are_not_fetched_again(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("local")
    with (
        trial(place, instance, tmp_path, SEVERAL, OPENLIB_DETAILS="off") as here,
        Gate(here.sandbox, {"a2": 0, "a3": 0}) as gate,
    ):
        killed = here.it.start("run", *SEVERAL)
        wait_until(lambda: gate.held == 2, "all are begun")
        here.wait_until_recorded("a1")
        gate.allow("a2", 2)
        wait_until(lambda: len(staged(place, "a2")) == 2 and gate.held == 3, "two pages of the second are set aside")
        had = asked(here.sandbox.requests, "a2")
        before = len(here.sandbox.requests)
        killed.kill()
        gate.open()
        wait_until(lambda: len(here.sandbox.requests) == before + 3, "the sandbox lets go")
        requests = here.again(*SEVERAL)
        assert {request.path for request in requests} == {"/subjects/a2.json", "/subjects/a3.json", "/search.json"}
        assert sorted(asked(requests, "a2")) == sorted(set(page_offsets(60, PAGE_SIZE)) - set(had))
        assert sorted(asked(requests, "a3")) == page_offsets(20, PAGE_SIZE)
        assert {key for key, result in here.results.items() if result["resumed"]} == {"a1"}
        assert [path for path in place.states() if path.startswith("_staging")] == []
        assert dg.DagsterRunStatus.STARTED not in [status for status, _ in here.runs()]


def test_several_subjects_killed_when_one_was_just_recorded_ask_for_no_page_again(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The staged pages go only when the record of the fetch can no longer be lost."""
    place = new_place("local")
    with (
        trial(place, instance, tmp_path, SEVERAL, OPENLIB_DETAILS="off") as here,
        Gate(here.sandbox, {"a2": 0, "a3": 0}) as gate,
    ):
        at = Tampering(moment="before clear", path="_staging/raw_works/a1")
        assert here.it.run("run", *SEVERAL, tampering=at).status() == -signal.SIGKILL
        assert sorted(asked(here.sandbox.requests)) == []
        gate.open()
        wait_until(lambda: gate.held == 0, "the sandbox lets go")
        assert asked(here.again(*SEVERAL), "a1") == []
        assert here.results["a1"]["resumed"]
        assert staged(place, "a1") == []


def started_run(instance: dg.DagsterInstance, pid: int, at: float) -> dg.DagsterRun:
    """Add a run to an instance that a process started at a time."""
    run = instance.create_run_for_job(nothing_to_do)
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, nothing_to_do.name, message="started", pid=pid)
    instance.report_dagster_event(event, run.run_id, timestamp=at)
    return known(instance, run)


def known(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    """Return a run as the instance has it now."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


@dg.job
def nothing_to_do() -> None:
    """A job for runs that are only looked at."""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance with the settings that ship with the package."""
    home = tmp_path / "home"
    shipped_instance(home)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that was just started and stays until it is killed."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def test_the_launcher_tells_a_live_process_from_a_dead_one_and_from_another_with_its_number(
    shipped: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    launcher = shipped.run_launcher
    assert isinstance(launcher, RunLauncher)
    assert launcher.supports_check_run_worker_health

    def health(run: dg.DagsterRun) -> WorkerStatus:
        return launcher.check_run_worker_health(run).status

    not_started = shipped.create_run_for_job(nothing_to_do)
    live = started_run(shipped, sleeper.pid, time.time())
    earlier = started_run(shipped, sleeper.pid, time.time() - 3600)
    assert [health(run) for run in (not_started, live, earlier)] == [
        WorkerStatus.RUNNING,
        WorkerStatus.RUNNING,
        WorkerStatus.FAILED,
    ]
    with pytest.MonkeyPatch.context() as patch:
        hour_later = psutil.boot_time() + 3600
        patch.setattr("psutil._pslinux.boot_time", lambda: hour_later)
        assert psutil.Process(sleeper.pid).create_time() > time.time(), "as after the clock was set"
        assert health(live) == WorkerStatus.RUNNING
    sleeper.kill()
    # Dead, but not yet buried by its parent.
    wait_until(lambda: health(live) == WorkerStatus.FAILED, "it is dead")
    sleeper.wait()
    assert health(live) == WorkerStatus.FAILED

    with pytest.MonkeyPatch.context() as patch:
        read_before = started_run(shipped, sleeper.pid, time.time())
        patch.setattr(shipped, "get_runs", lambda *_: [read_before])
        end = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, nothing_to_do.name, message="ended")
        shipped.report_dagster_event(end, read_before.run_id)
        fail_dead_runs(shipped)
    assert known(shipped, read_before).status == dg.DagsterRunStatus.SUCCESS

    fail_dead_runs(shipped)
    statuses = [known(shipped, run).status for run in (not_started, live, earlier)]
    assert statuses == [dg.DagsterRunStatus.NOT_STARTED, *[dg.DagsterRunStatus.FAILURE] * 2]


def test_a_run_whose_process_ended_before_it_began_is_failed(
    shipped: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    own = made_by_this_process()
    others = {name: value.replace(str(os.getpid()), str(sleeper.pid)) for name, value in own.items()}
    copied = {name: f"{sleeper.pid}@{time.time() - 3600:.0f}" for name in own}
    made = [shipped.create_run_for_job(nothing_to_do, tags=tags) for tags in (others, own, copied)]
    fail_dead_runs(shipped)
    assert {known(shipped, run).status for run in made} == {dg.DagsterRunStatus.NOT_STARTED}
    sleeper.kill()
    sleeper.wait()
    fail_dead_runs(shipped)
    statuses = [known(shipped, run).status for run in made]
    assert statuses == [dg.DagsterRunStatus.FAILURE, *[dg.DagsterRunStatus.NOT_STARTED] * 2]


def test_the_daemon_fails_dead_runs_so_that_they_keep_nobody_waiting(
    shipped: dg.DagsterInstance, sleeper: subprocess.Popen[bytes]
) -> None:
    live = [started_run(shipped, sleeper.pid, time.time()) for _ in range(3)]
    dead = started_run(shipped, sleeper.pid, time.time() - 3600)
    in_progress = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    queue = shipped.get_concurrency_config().run_queue_config
    assert queue is not None
    assert shipped.get_runs_count(in_progress) == queue.max_concurrent_runs
    with create_test_daemon_workspace_context(EmptyWorkspaceTarget(), shipped) as workspace:
        errors = execute_run_monitoring_iteration(workspace, logging.getLogger("daemon"))
        assert [error for error in errors if error] == []
    assert known(shipped, dead).status == dg.DagsterRunStatus.FAILURE
    assert {known(shipped, run).status for run in live} == {dg.DagsterRunStatus.STARTED}
    assert shipped.get_runs_count(in_progress) == 3
