"""What is left lying about, in the way or out of order: never taken for data, and each case is one clear line."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from openlib_assets.lake.bronze import snapshots
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, PlaceMaker, snapshot_paths
from openlib_assets_tests.tools.disks import TroubledS3, small_disk
from openlib_assets_tests.tools.exactness import assert_exact, assert_exact_for, assert_nothing_left
from openlib_assets_tests.tools.forked import Forked, Tampering, wait_until
from openlib_assets_tests.tools.trials import LEASE_SECONDS, SUBJECT, Gate, asked, staged, trial

SMALL = {SUBJECT: 61, "hope": 25}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def reason(done: Forked, subject: str = SUBJECT) -> str:
    """Give the one line that says why a subject failed, and check that it is one."""
    assert done.status() == 1, done.output
    assert "Traceback" not in done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith(f"FAILED {subject}: ")]
    assert "(a defect" not in line
    return line


def data(place: Place) -> dict[str, str]:
    """Tell of each file that counts as data by something that any write changes."""
    return {path: state for path, state in place.states().items() if not path.startswith(("_", "filler"))}


@pytest.mark.parametrize("name", ["all_assets", "rebuild_from_bronze"])
def test_a_run_whose_subject_was_removed_while_it_was_queued_says_so_and_harms_nothing(
    name: str, new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    with Sandbox(SandboxConfig({"gone": 5, "stays": 6})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("stays").success
        before = pipeline.place.states()
        instance.add_dynamic_partitions("subjects", ["gone"])
        job = pipeline.definitions.resolve_job_def(name)
        queued = instance.create_run_for_job(
            job,
            tags={"dagster/partition": "gone"},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        instance.delete_dynamic_partition("subjects", "gone")
        with pipeline.environment():
            result = execute_run(InMemoryJob(job), queued, instance)
        run = instance.get_run_by_id(queued.run_id)
        assert run is not None
        assert run.is_finished
        assert instance.get_dynamic_partitions("subjects") == ["stays"]
        after = pipeline.place.states()
        assert {path: after[path] for path in before} == before
        assert set(after) == set(before)
        failures = [event.step_failure_data for event in result.get_step_failure_events()]
        assert failures
        for failure in failures:
            assert failure.error is not None
            assert "Nonexistent partition keys: ['gone']" in " ".join(failure.error.message.split())
            # An asset that has inputs fails in Dagster before it is ours to say it better.
            if name == "all_assets":
                assert failure.user_failure_data is not None
                said = failure.user_failure_data.description or ""
                assert said.startswith("a subject was removed while its run waited (")
        assert_nothing_left(pipeline.place)
        assert pipeline.run("stays").success


def test_of_two_runs_of_a_subject_at_once_the_second_ends_with_a_line_that_says_so(
    place: Place, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with trial(place, instance, tmp_path, SMALL) as here, Gate(here.sandbox, {SUBJECT: 3}) as gate:
        first = here.it.start("run", SUBJECT, tampering=Tampering())
        wait_until(lambda: len(staged(place)) == 3, "the first fetches")
        line = reason(here.it.run("run", SUBJECT))
        assert f"{SUBJECT!r} is being fetched by another run; wait for it to end, then try again" in line
        assert len(staged(place)) == 3, "the second leaves alone what the first has set aside"
        gate.open()
        assert first.status() == 0, first.output
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
        assert len(asked(here.sandbox.requests)) == len(set(asked(here.sandbox.requests)))
        assert_nothing_left(place)


@pytest.mark.parametrize("path", ["silver/books", "silver/author_books", "gold/author_averages", "exports/love/books"])
def test_two_runs_that_make_tables_of_a_subject_at_once_never_leave_a_mix(
    path: str, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The first stops with a table in its hand; meanwhile a second fetches another state and makes everything."""
    place = new_place("local")
    with trial(place, instance, tmp_path, SMALL) as here:
        before = list(here.sandbox.works(SUBJECT))
        first = here.it.start("run", SUBJECT, tampering=Tampering(moment="within", path=path, number=signal.SIGSTOP))
        folder = Path(place.root, path).parent if path.startswith("exports") else Path(place.root, path)
        wait_until(first.stopped, "the first holds a table")
        assert list(folder.rglob(".writing-*"))
        here.sandbox.remove_work(SUBJECT, before[7]["key"])
        here.sandbox.add_work(SUBJECT, {"title": "Another"})
        second = here.it.run("run", SUBJECT)
        os.kill(first.pid, signal.SIGCONT)
        statuses = first.status(), second.status()
        assert 0 in statuses
        assert_exact_for(here.pipeline, SUBJECT, list(here.sandbox.works(SUBJECT)) if statuses[1] == 0 else before)


def test_on_s3_the_lock_of_a_killed_run_keeps_others_out_with_a_line_until_it_runs_out(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("s3")
    with trial(place, instance, tmp_path, SMALL) as here, Gate(here.sandbox, {SUBJECT: 3}) as gate:
        killed = here.it.start("run", SUBJECT, tampering=Tampering(lease_seconds=8.0))
        wait_until(lambda: len(staged(place)) == 3, "it fetches")
        killed.kill()
        line = reason(here.it.run("run", SUBJECT))
        assert line.endswith(f"then try again (a killed one lets go after {LEASE_SECONDS:.0f} s)")
        gate.open()
        here.again()
        assert_nothing_left(place)


class SetBack(datetime):
    """A clock that is a day late."""

    @classmethod
    def now(cls, _tz: object = None) -> "SetBack":
        return cls.fromtimestamp(time.time() - 86_400, UTC)


def test_after_the_clock_was_set_back_a_new_snapshot_is_the_current_one_all_the_same(
    place: Place, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(SandboxConfig({"back": 30})) as sandbox:
        pipeline = Pipeline(place, instance, sandbox.url)
        assert pipeline.run("back").success
        monkeypatch.setattr(snapshots, "datetime", SetBack)
        names = []
        for title in ("Second", "Third"):
            sandbox.change_work("back", next(sandbox.works("back"))["key"], title=title)
            assert pipeline.run("back").success
            assert_exact(pipeline, sandbox, "back")
            names = snapshots.snapshot_names(pipeline.storage, "back")
        first, second, third = (datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for name in names)
        assert (second - first, third - second) == (timedelta(seconds=1), timedelta(seconds=1))
        assert len(snapshot_paths(pipeline, "back")) == 3
        # The clock is right again.
        monkeypatch.undo()
        assert pipeline.run("back").success
        assert len(snapshot_paths(pipeline, "back")) == 3


@pytest.mark.parametrize("hours", [3, 30])
def test_pages_staged_before_the_clock_was_set_back_are_used_for_a_day_and_do_not_hide_a_change(
    hours: int, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("local")
    with trial(place, instance, tmp_path, SMALL) as here, Gate(here.sandbox, {SUBJECT: 4}) as gate:
        killed = here.it.start("run", SUBJECT)
        wait_until(lambda: len(staged(place)) == 4, "it fetches")
        killed.kill()
        gate.open()
        # As if the clock had been so many hours ahead.
        ahead = hours * 3600 * 10**9
        storage = place.open()
        for path in list(storage.paths("_staging")):
            page = storage.read(path)
            serial = path.rpartition("/")[2].partition("-")[0]
            later = str(int(serial) + ahead)
            storage.write(path.replace(serial, later), page.replace(serial.encode(), later.encode()))
            storage.delete(path)
        kept = set(staged(place))
        works = list(here.sandbox.works(SUBJECT))
        here.sandbox.remove_work(SUBJECT, works[15]["key"])
        here.sandbox.add_work(SUBJECT, {"key": _between(works[52]["key"], {work["key"] for work in works})})
        requests = here.again()
        assert bool(kept & set(asked(requests))) or hours == 3
        assert_nothing_left(place)


def _between(key: str, taken: set[str]) -> str:
    """Give the key of a new work that comes soon after another."""
    return next(f"{key[:-1]}{digits}W" for digits in range(10, 99) if f"{key[:-1]}{digits}W" not in taken)


def test_the_storage_may_lie_on_another_file_system_than_everything_else(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    elsewhere = [folder for folder in (Path("/dev/shm"), Path("/run"), Path.home()) if _is_elsewhere(folder, tmp_path)]  # noqa: S108
    assert elsewhere, "no other file system to write to"
    with tempfile.TemporaryDirectory(dir=elsewhere[0]) as folder:
        place = Place(f"{folder}/root", {})
        with trial(place, instance, tmp_path, SMALL) as here:
            at = Tampering(moment="within", path="silver/books")
            assert here.it.run("run", *SMALL, tampering=at).status() == -signal.SIGKILL
            assert here.again(*SMALL) == []
            assert here.it.run("sql", "SELECT count(*) FROM books").status() == 0


def _is_elsewhere(folder: Path, than: Path) -> bool:
    try:
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            return Path(inside).stat().st_dev not in (than.stat().st_dev, Path(tempfile.gettempdir()).stat().st_dev)
    except OSError:
        return False


def damage_file(file: Path, damage: str) -> None:
    """Leave a file as it may be found: half copied, empty, or a folder in its place."""
    whole = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes(whole[:-100] if damage == "truncated" else b"")


@pytest.mark.parametrize("layer", ["bronze", "silver"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "folder"])
def test_a_damaged_file_is_a_line_that_says_what_to_do_and_harms_no_other_subject(
    damage: str, layer: str, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("local")
    with trial(place, instance, tmp_path, SMALL) as here:
        assert here.it.run("run", *SMALL).status() == 0
        (file,) = Path(place.root, layer, "raw_works" if layer == "bronze" else "books", "subject=love").rglob(
            "*.parquet"
        )
        damage_file(file, damage)
        listed = here.it.run("subjects", "list")
        assert listed.status() == 0, listed.output
        asked_for = here.it.run("sql", "SELECT count(*) AS n FROM books", "--format", "csv")
        if layer == "silver":
            assert asked_for.status() == 1
            (line,) = asked_for.output.splitlines()
            assert line == f"openlib: {file}: not a readable Parquet file; make it with: openlib run 'love'"
        else:
            assert asked_for.output == "n\n86\n"

        done = here.it.run("run", *SMALL)
        assert_exact(here.pipeline, here.sandbox, "hope")
        if done.status() == 1:
            line = reason(done)
            assert str(file) in line
            if damage == "folder" and layer == "silver":
                assert "s a directory" in line
                file.rmdir()
            assert here.it.run("run", SUBJECT, *(["--force"] if layer == "bronze" else [])).status() == 0
        assert_exact(here.pipeline, here.sandbox, SUBJECT)


@pytest.mark.parametrize(
    ("trouble", "moment"),
    [("fill", "from the start"), ("make_read_only", "from the start"), ("fill", "while tables are made")],
)
def test_a_disk_that_takes_nothing_more_is_a_line_and_leaves_the_old_tables(
    trouble: str, moment: str, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        place = Place(str(disk.folder / "root"), {})
        with trial(place, instance, tmp_path / "commands", SMALL) as here:
            assert here.it.run("run", *SMALL).status() == 0
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
                # Nothing may be a duplicate in so few works, nor changed since a snapshot before.
                if path.endswith(".parquet") and "/possible_" not in path and "/subject_changes/" not in path:
                    assert here.pipeline.table(path).num_rows, path
            assert_exact(here.pipeline, here.sandbox, "hope")

            disk.restore()
            here.again(snapshots=2)


@pytest.mark.parametrize("loses", ["request", "answer"])
def test_s3_that_fails_now_and_then_is_asked_again_until_all_is_exact(
    loses: str, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("s3")
    with TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3:
        statuses = random.Random(1)
        sign = 1 if loses == "request" else -1
        s3.trouble = lambda number, *_: sign * statuses.choice([500, 503]) if number % 23 == 4 else None
        with trial(place, instance, tmp_path, SMALL) as here:
            done = here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url)
            assert done.status() == 0, done.output
            assert s3.faults >= 3
            assert_exact(here.pipeline, here.sandbox, SUBJECT)
            assert len(asked(here.sandbox.requests)) == len(set(asked(here.sandbox.requests)))
            assert_nothing_left(place)


LAYERS = ("bronze", "silver", "gold", "exports")


@pytest.mark.parametrize(
    ("written", "untouched"),
    [
        ("_staging", LAYERS),
        ("bronze", LAYERS),
        ("silver/books", ("silver/books", "gold", "exports")),
        ("exports", ("exports",)),
    ],
)
def test_s3_that_goes_on_failing_is_a_line_and_leaves_the_old_tables(
    written: str, untouched: tuple[str, ...], new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("s3")
    with (
        TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3,
        trial(place, instance, tmp_path, {SUBJECT: 25}) as here,
    ):
        assert here.it.run("run", SUBJECT).status() == 0
        here.sandbox.change_work(SUBJECT, next(here.sandbox.works(SUBJECT))["key"], title="Another title")
        before = data(place)
        s3.trouble = lambda _, method, path: 503 if method == "PUT" and f"/{written}" in path else None
        briefly = Tampering(LEASE_SECONDS, s3_attempts=2)
        line = reason(here.it.run("run", SUBJECT, AWS_ENDPOINT_URL=s3.url, tampering=briefly))
        assert place.root in line
        assert "SlowDown" in line
        after = data(place)
        assert {path: state for path, state in before.items() if path.startswith(untouched)}.items() <= after.items()
        here.again(snapshots=2)
