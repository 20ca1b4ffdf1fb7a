"""Two runs of one subject at the same time: one waits or ends with a line, and never is anything mixed."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets_tests.conftest import Place, PlaceMaker
from openlib_assets_tests.tools.exactness import assert_exact, assert_exact_for, assert_nothing_left
from openlib_assets_tests.tools.forked import wait_until
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.trials import ALONE, SUBJECT, Gate, asked, reason, staged, trial

SMALL = {SUBJECT: 35}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with temporary_instance() as instance:
        yield instance


def test_of_two_runs_of_a_subject_at_once_the_second_ends_with_a_line_that_says_so(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with (
        trial(place, instance, tmp_path, SMALL, OPENLIB_DETAILS="off") as here,
        Gate(here.sandbox, {SUBJECT: 1}) as gate,
    ):
        first = here.it.start("run", SUBJECT, tampering=ALONE)
        wait_until(lambda: gate.held == 3 and len(staged(place)) == 1, "the first fetches")
        line = reason(here.it.run("run", SUBJECT))
        assert f"{SUBJECT!r} is being fetched by another run; wait for it to end, then try again" in line
        assert len(staged(place)) == 1, "the second leaves alone what the first has set aside"
        gate.open()
        assert first.status() == 0, first.output
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert len(asked(here.sandbox.requests)) == len(set(asked(here.sandbox.requests)))
        assert_nothing_left(place)
        listed = here.it.run("subjects", "list")
        assert "fetched" in listed.output
        assert "failed since" not in listed.output


@pytest.mark.parametrize("path", ["silver/books", "exports/love/books"])
def test_two_runs_that_make_tables_of_a_subject_at_once_never_leave_a_mix(
    path: str, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The first stops with a table in its hand; meanwhile a second fetches another state and makes everything."""
    place = new_place("local")
    with trial(place, instance, tmp_path, SMALL, OPENLIB_DETAILS="off") as here:
        before = list(here.sandbox.works(SUBJECT))
        at = replace(ALONE, moment="within", path=path, number=signal.SIGSTOP)
        first = here.it.start("run", SUBJECT, tampering=at)
        folder = Path(place.root, path).parent if path.startswith("exports") else Path(place.root, path)
        wait_until(first.stopped, "the first holds a table")
        assert list(folder.rglob(".writing-*"))
        here.sandbox.remove_work(SUBJECT, before[7]["key"])
        here.sandbox.add_work(SUBJECT, {"title": "Another"})
        second = here.it.run("run", SUBJECT, tampering=ALONE)
        os.kill(first.pid, signal.SIGCONT)
        statuses = first.status(), second.status()
        assert 0 in statuses
        assert_exact_for(here.pipeline, SUBJECT, list(here.sandbox.works(SUBJECT)) if statuses[1] == 0 else before)


def test_on_s3_the_lock_of_a_killed_run_is_watched_and_then_taken_over(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("s3")
    with (
        trial(place, instance, tmp_path, SMALL, OPENLIB_DETAILS="off") as here,
        Gate(here.sandbox, {SUBJECT: 1}) as gate,
    ):
        killed = here.it.start("run", SUBJECT)
        wait_until(lambda: gate.held == 3 and len(staged(place)) == 1, "it fetches")
        killed.kill()
        gate.open()
        lock = place.open().read("_locks/love")
        after = here.it.run("run", SUBJECT, tampering=replace(ALONE, lease_seconds=2.0))
        assert after.status() == 0, after.output
        assert lock, "there was one to take over"
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert_nothing_left(place)
