"""What is left lying about, in the way or out of order: never taken for data, and each case is one clear line."""

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from logging import WARNING
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from openlib_assets.cli.runs import QUIET, execute
from openlib_assets.defs.partitions import run_tags
from openlib_assets.defs.steps.outputs import Done
from openlib_assets.defs.steps.records import Versions
from openlib_assets.defs.steps.step import Step
from openlib_assets.lake.bronze import fetching, snapshots
from openlib_assets.lake.subject_files import data_files
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, PlaceMaker, failure_text, snapshot_paths
from openlib_assets_tests.tools.exactness import assert_exact, assert_nothing_left
from openlib_assets_tests.tools.forked import Tampering, wait_until
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.trials import (
    ALONE,
    SUBJECT,
    Gate,
    Made,
    asked,
    made,
    reason,
    staged,
    trial,
    trial_after,
)

OTHERS = "there are other subjects than when this run was asked for, as after one was removed and added again"
SIZES = {SUBJECT: 25, "hope": 6, "faith": 5}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """What Pipeline wants; the commands have instances of their own."""
    with temporary_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """A complete run of three subjects."""
    with made(tmp_path_factory.mktemp("complete"), SIZES) as complete:
        yield complete


@pytest.fixture(scope="module")
def stays(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A subject that was made, on an instance that knows no other."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with Sandbox(SandboxConfig({"gone": 5, "stays": 6})) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run("stays").success
        yield pipeline


def test_a_run_of_one_subject_takes_no_notice_of_the_tag_of_a_stretch(stays: Pipeline) -> None:
    tags = {"dagster/partition": "stays", "openlib/subjects": "0123456789abcdef"}
    job = stays.definitions.resolve_job_def("all_assets")
    with stays.environment():
        assert execute(stays.instance, job, QUIET, tags).success


@pytest.mark.parametrize("name", ["all_assets", "rebuild_from_bronze"])
def test_a_run_whose_subject_was_removed_while_it_was_queued_says_so_and_harms_nothing(
    name: str, stays: Pipeline
) -> None:
    before, instance = stays.place.states(), stays.instance
    instance.add_dynamic_partitions("subjects", ["gone"])
    job = stays.definitions.resolve_job_def(name)
    queued = instance.create_run_for_job(
        job,
        tags={"dagster/partition": "gone"},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    instance.delete_dynamic_partition("subjects", "gone")
    with stays.environment():
        result = execute_run(InMemoryJob(job), queued, instance)
    run = instance.get_run_by_id(queued.run_id)
    assert run is not None
    assert run.is_finished
    assert instance.get_dynamic_partitions("subjects") == ["stays"]
    assert stays.place.states() == before
    assert failure_text(result) == (
        "removed since this run was asked for: 'gone', without which Dagster cannot tell the others of the run; "
        "run these with: openlib run SUBJECT..."
    )
    assert_nothing_left(stays.place)
    assert stays.run("stays").success


def test_a_run_of_a_stretch_that_holds_others_by_now_says_so_and_runs_none_of_them(stays: Pipeline) -> None:
    instance = stays.instance
    instance.add_dynamic_partitions("subjects", ["first", "last", "other"])
    queued = instance.create_run_for_job(
        stays.definitions.resolve_job_def("extract"),
        tags=dict(run_tags(["first", "last"])),
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    instance.delete_dynamic_partition("subjects", "last")
    instance.add_dynamic_partitions("subjects", ["last"])
    with stays.environment():
        result = execute_run(InMemoryJob(stays.definitions.resolve_job_def("extract")), queued, instance)
    assert failure_text(result).startswith(f"from 'first' to 'last' {OTHERS}")
    assert not result.get_asset_materialization_events()
    for subject in ("first", "last", "other"):
        instance.delete_dynamic_partition("subjects", subject)


class UnderWay(Pipeline):
    """Three subjects, whose run is disturbed when the first table that is made of others is there."""

    def run_disturbed(self, monkeypatch: pytest.MonkeyPatch, disturb: Callable[[], object]) -> dg.JobExecutionResult:
        """Run the subjects, of which Dagster was told as runs of several are."""

        def recorded(step: Step, versions: Versions, subject: str, done: Done) -> Iterator[dg.DagsterEvent]:
            yield from as_it_is(step, versions, subject, done)
            if step.asset.path[-1] == "rejected_works" and not disturbed:
                disturbed.append(disturb())

        as_it_is, disturbed = Step.recorded, list[object]()
        with monkeypatch.context() as patch:
            patch.setattr(Step, "recorded", recorded)
            result = self.run("a", "b", "c")
        assert disturbed
        return result

    def remove(self, subject: str, *, added_again: bool = False) -> None:
        """Remove a subject; others may be registered before it is added again."""
        self.instance.delete_dynamic_partition("subjects", subject)
        if added_again:
            self.instance.add_dynamic_partitions("subjects", ["other", subject])

    def files(self, subject: str) -> set[str]:
        """Return what there is of a subject."""
        return set(data_files(self.storage, subject))


@pytest.fixture
def under_way(new_place: PlaceMaker) -> Iterator[tuple[UnderWay, Sandbox]]:
    sizes = {"a": 5, "b": 5, "c": 5, "other": 5}
    with Sandbox(SandboxConfig(sizes)) as sandbox, temporary_instance() as instance:
        yield UnderWay(new_place("local"), instance, sandbox.url), sandbox


def test_a_subject_that_is_removed_while_its_run_is_under_way_is_left_out_and_all_others_are_complete(
    under_way: tuple[UnderWay, Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, sandbox = under_way
    result = pipeline.run_disturbed(monkeypatch, lambda: pipeline.remove("b"))
    assert result.success
    for subject in ("a", "c"):
        assert_exact(pipeline, sandbox, subject)
    assert len(pipeline.files("a")) == len(pipeline.files("c")) > len(pipeline.files("b"))
    assert not any(path.startswith(("silver/books/", "exports/")) for path in pipeline.files("b"))
    warnings = {entry.user_message for entry in pipeline.instance.all_logs(result.run_id) if entry.level == WARNING}
    assert "left out, since removed after this run was asked for: b; the others go on" in warnings


@pytest.mark.parametrize(("removed", "again"), [("a", False), ("c", False), ("c", True), ("a", True)])
def test_where_the_first_or_the_last_goes_while_a_run_is_under_way_one_line_says_so_and_no_other_is_run(
    removed: str, *, again: bool, under_way: tuple[UnderWay, Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline, _ = under_way
    result = pipeline.run_disturbed(monkeypatch, lambda: pipeline.remove(removed, added_again=again))
    assert not result.success
    text = failure_text(result)
    assert text.startswith(
        f"from 'a' to 'c' {OTHERS}" if again else f"removed since this run was asked for: '{removed}', without which"
    )
    assert text.endswith("openlib run SUBJECT...")
    assert "\n" not in text
    assert pipeline.files("other") == set()
    left = [subject for subject in ("a", "b", "c") if subject != removed]
    assert pipeline.run(*left).success


class SetBack(datetime):
    """A clock that is a day late."""

    @classmethod
    def now(cls, _tz: object = None) -> "SetBack":
        return cls.fromtimestamp(time.time() - 86_400, UTC)


def test_after_the_clock_was_set_back_a_new_snapshot_is_the_current_one_and_tells_its_own_time(
    new_place: PlaceMaker, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(SandboxConfig({"back": 30})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("back", job="extract").success
        monkeypatch.setattr(fetching, "datetime", SetBack)
        # What is made from the snapshots, once there are three, is exact only by the right two.
        for title, job in (("Second", "extract"), ("Third", "all_assets")):
            sandbox.change_work("back", next(sandbox.works("back"))["key"], title=title)
            assert pipeline.run("back", job=job).success
        assert_exact(pipeline, sandbox, "back")
        names = snapshots.snapshot_names(pipeline.storage, "back")
        first, second, third = (datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for name in names)
        assert (second - first, third - second) == (timedelta(seconds=1), timedelta(seconds=1))
        paths = snapshot_paths(pipeline, "back")
        assert len(paths) == 3
        (ahead, *late) = (pipeline.table(path).schema.metadata[b"fetched_at"].decode() for path in paths)
        assert all(timedelta(hours=-25) < datetime.fromisoformat(time) - first < timedelta(hours=-23) for time in late)
        assert abs(datetime.fromisoformat(ahead) - first) < timedelta(seconds=1)
        # The clock is right again.
        monkeypatch.undo()
        assert pipeline.run("back", job="extract").success
        assert len(snapshot_paths(pipeline, "back")) == 3


@pytest.mark.parametrize("hours", [3, 30])
def test_pages_staged_before_the_clock_was_set_back_are_used_for_a_day_and_do_not_hide_a_change(
    hours: int, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("local")
    with (
        trial(place, instance, tmp_path, {SUBJECT: 61}, OPENLIB_DETAILS="off") as here,
        Gate(here.sandbox, {SUBJECT: 4}) as gate,
    ):
        killed = here.it.start("run", SUBJECT)
        wait_until(lambda: gate.held and len(staged(place)) == 4, "it fetches")
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
    """Return the key of a new work that comes soon after another."""
    return next(f"{key[:-1]}{digits}W" for digits in range(10, 99) if f"{key[:-1]}{digits}W" not in taken)


def test_the_storage_may_lie_on_another_file_system_than_everything_else(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    elsewhere = [folder for folder in (Path("/dev/shm"), Path("/run"), Path.home()) if _is_elsewhere(folder, tmp_path)]  # noqa: S108
    assert elsewhere, "no other file system to write to"
    with tempfile.TemporaryDirectory(dir=elsewhere[0]) as folder:
        place = Place(f"{folder}/root", {})
        with trial(place, instance, tmp_path, {SUBJECT: 25}, OPENLIB_DETAILS="off") as here:
            at = Tampering(moment="within", path="silver/books")
            assert here.it.run("run", SUBJECT, tampering=at).status() == -signal.SIGKILL
            assert here.again() == []
            assert here.it.run("sql", "SELECT count(*) FROM books").status() == 0


def _is_elsewhere(folder: Path, than: Path) -> bool:
    try:
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            return Path(inside).stat().st_dev not in (than.stat().st_dev, Path(tempfile.gettempdir()).stat().st_dev)
    except OSError:
        return False


def damage_file(file: Path, damage: str) -> None:
    """Leave a file as it may be found: truncated, empty, a folder in its place, or with other bytes in its middle."""
    whole = file.read_bytes()
    file.unlink()
    if damage == "folder":
        file.mkdir()
    elif damage == "overwritten":
        third = len(whole) // 3
        file.write_bytes(whole[:third] + b"Z" * third + whole[2 * third :])
    else:
        file.write_bytes(whole[:-100] if damage == "truncated" else b"")


@pytest.mark.parametrize("damages", [("truncated", "empty"), ("folder", "folder")], ids=" and ".join)
def test_a_damaged_file_is_a_line_that_says_what_to_do_and_harms_no_other_subject(
    damages: tuple[str, str], complete: Made, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """The snapshot of one subject, and the books of another."""
    place = new_place("local")
    with trial_after(complete, place, instance, tmp_path) as here:
        (snapshot,) = Path(place.root, "bronze/raw_works/subject=love").rglob("*.parquet")
        (books,) = Path(place.root, "silver/books/subject=faith").rglob("*.parquet")
        for file, damage in zip((snapshot, books), damages, strict=True):
            damage_file(file, damage)
        listed = here.it.run("subjects", "list")
        assert listed.status() == 0, listed.output
        query = ("sql", "SELECT count(*) AS n FROM books", "--format", "csv")
        asked_for = here.it.run(*query)
        assert asked_for.status() == 1
        assert asked_for.output == (f"openlib: {books}: not a readable Parquet file; make it with: openlib run faith\n")

        done = here.it.run("run", *SIZES)
        assert_exact(here.pipeline, here.sandbox, "hope")
        if f"FAILED {SUBJECT}" in done.output:
            assert str(snapshot) in reason(done)
            assert here.it.run("run", SUBJECT, "--force", tampering=ALONE).status() == 0
        if "FAILED faith" in done.output:
            line = reason(done, "faith")
            assert str(books) in line
            assert books.is_dir()
            assert "s a directory" in line
            books.rmdir()
            assert here.it.run("run", "faith", tampering=ALONE).status() == 0
        for subject in SIZES:
            assert_exact(here.pipeline, here.sandbox, subject)
        assert here.it.run(*query).output == "n\n36\n"


def test_damage_within_a_snapshot_fails_its_subject_with_a_line_and_no_other(
    complete: Made, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    place = new_place("local")
    with trial_after(complete, place, instance, tmp_path) as here:
        (snapshot,) = Path(place.root, "bronze/raw_works/subject=love").rglob("*.parquet")
        damage_file(snapshot, "overwritten")
        for books in Path(place.root, "silver/books").rglob("*.parquet"):
            books.unlink()
        done = here.it.run("run", *SIZES)
        assert done.status() == 1
        line = reason(done)
        assert line.endswith("else fetch the subject anew with: openlib run --force love")
        assert done.output.count("FAILED") == 1
        for subject in SIZES.keys() - {SUBJECT}:
            assert_exact(here.pipeline, here.sandbox, subject)
        repaired = here.it.run("run", SUBJECT, "--force", tampering=ALONE)
        assert repaired.status() == 0, repaired.output
        # What nobody can read any more is compared with nothing.
        snapshot.unlink()
        assert_exact(here.pipeline, here.sandbox, SUBJECT)
