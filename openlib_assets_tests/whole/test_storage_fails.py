"""Storages that fail: a full or read-only disk, an S3 that errs now and then or for good. One line; old tables stay."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets_tests.conftest import Place, PlaceMaker
from openlib_assets_tests.tools.disks import Trouble, TroubledS3, small_disk
from openlib_assets_tests.tools.exactness import assert_exact, assert_nothing_left
from openlib_assets_tests.tools.forked import Tampering, wait_until
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.trials import SUBJECT, Made, asked, data, made, reason, trial, trial_after

SMALL = {SUBJECT: 25, "hope": 5}

MAY_BE_EMPTY = ("possible_", "subject_changes", "rejected_works")


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with temporary_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A complete run of both subjects."""
    with made(tmp_path_factory.mktemp("complete"), SMALL) as complete:
        yield complete


@pytest.mark.parametrize(
    ("trouble", "moment"),
    [("fill", "from the start"), ("make_read_only", "from the start"), ("fill", "while tables are made")],
)
def test_a_disk_that_takes_nothing_more_is_a_line_and_leaves_the_old_tables(
    trouble: str, moment: str, complete: Made, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        place = Place(str(disk.folder / "root"), {})
        with trial_after(complete, place, instance, tmp_path / "commands") as here:
            before = data(place)
            here.sandbox.change_work(SUBJECT, next(here.sandbox.works(SUBJECT))["key"], title="Another title " * 2000)
            if moment == "from the start":
                getattr(disk, trouble)()
                done = here.it.run("run", SUBJECT, tampering=disk.tampering)
            else:
                at = Tampering(moment="after", path="bronze", number=signal.SIGSTOP)
                running = here.it.start("run", SUBJECT, tampering=at)
                wait_until(running.stopped, "the snapshot is there")
                assert len(data(place)) > len(before)
                getattr(disk, trouble)()
                os.kill(running.pid, signal.SIGCONT)
                done = running
            line = reason(done)
            assert any(words in line for words in ("No space left on device", "Read-only file system"))
            assert place.root in line
            after = data(place)
            assert set(after) >= set(before)
            assert not [path for path in after if ".writing-" in path]
            if moment == "from the start":
                assert after == before
            for path in after:
                # Nothing may be a duplicate in so few works, nor changed since a snapshot before, nor set aside.
                if path.endswith(".parquet") and not any(f"/{name}" in path for name in MAY_BE_EMPTY):
                    assert here.pipeline.table(path).num_rows, path
            assert_exact(here.pipeline, here.sandbox, "hope")

            disk.restore()
            here.again(snapshots=2)


def test_s3_that_fails_now_and_then_is_asked_again_until_all_is_exact(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Now the request gets lost, now the answer."""
    place = new_place("s3")
    with TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3:
        statuses = random.Random(1)
        signs = {4: 1, 15: -1}
        s3.trouble = lambda number, *_: signs.get(number % 23, 0) * statuses.choice([500, 503]) or None
        with trial(place, instance, tmp_path, {SUBJECT: 25}) as here:
            done = here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url)
            assert done.status() == 0, done.output
            assert s3.faults >= 6
            assert_exact(here.pipeline, here.sandbox, SUBJECT)
            assert len(asked(here.sandbox.requests)) == len(set(asked(here.sandbox.requests)))
            assert_nothing_left(place)


# What goes on failing when it is written, in the order of a run, and what stays as it was.
LAYERS = ("bronze", "silver", "gold", "exports")
FAILING = {
    "_staging": LAYERS,
    "bronze": LAYERS,
    "silver/books": ("silver/books", "gold", "exports"),
    "exports": ("exports",),
}


def puts_fail(part: str) -> Trouble:
    """Let S3 refuse to keep what has such a part in its path."""
    return lambda _, method, path: 503 if method == "PUT" and part in path else None


def test_s3_that_goes_on_failing_is_a_line_and_leaves_the_old_tables(
    complete: Made, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Each run comes further than the one before, and the last one to the end."""
    place = new_place("s3")
    with (
        TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3,
        trial_after(complete, place, instance, tmp_path) as here,
    ):
        here.sandbox.change_work(SUBJECT, next(here.sandbox.works(SUBJECT))["key"], title="Another title")
        before = data(place)
        for written, untouched in FAILING.items():
            s3.trouble = puts_fail(f"/{written}")
            briefly = Tampering(s3_attempts=2)
            line = reason(here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url, tampering=briefly))
            assert place.root in line
            assert f"/{written}" in line
            assert "SlowDown" in line
            after = data(place)
            stays = {path: state for path, state in before.items() if path.startswith(untouched)}
            assert stays.items() <= after.items(), written
        here.again(snapshots=2)
