"""Files put in place: who works when, when a subject's block ends, and what an error or an order to stop does."""

import errno
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from openlib_assets.defs.steps.outputs import Done, SubjectOutput, SubjectOutputs
from openlib_assets.defs.steps.writing import locked, written_each
from openlib_assets.lake import layout
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.sandbox import FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage, LockTakenError, s3_lease
from openlib_assets.storage.errors import OpenlibError
from openlib_assets_tests.conftest import (
    Pipeline,
    Place,
    PlaceMaker,
    assert_tables_equal,
    reference_tables,
    snapshot_paths,
)

# A bound on what goes wrong, not on how long it takes.
PATIENCE_SECONDS = 120


_ERRORS = {
    "damaged_page": duckdb.Error("Out of buffer"),
    "damaged_text": duckdb.InvalidInputException("Invalid Input Error: invalid UTF-8\nsecond line"),
    "damaged_footer": pa.ArrowInvalid("Parquet magic bytes not found in footer"),
    "no_memory": duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"),
    "no_room": OSError(errno.ENOSPC, "No space left on device"),
    "mistake": duckdb.BinderException("Binder Error: no such column"),
}


class Work:
    """Work on subjects that notes what happens; a subject goes on when it is released."""

    def __init__(self, folder: Path, *held: str) -> None:
        self.storage = LocalStorage(folder)
        self.events: list[str] = []
        self.most_at_once = 0
        self.stopped = threading.Event()
        self.at_work = 0
        self._lock = threading.Lock()
        self._released = {subject: threading.Event() for subject in held}

    def each(self, subjects: Sequence[str], at_once: int = 1) -> Iterator[tuple[str, Done | OpenlibError]]:
        return written_each(self.storage, SubjectOutputs(self.make, at_once=at_once, stop=self.stop), subjects)

    def release(self, subject: str) -> None:
        self._released[subject].set()

    def stop(self) -> None:
        self.stopped.set()
        for released in self._released.values():
            released.set()

    def make(self, subject: str) -> AbstractContextManager[SubjectOutput]:
        return self._block(subject)

    @contextmanager
    def _block(self, subject: str) -> Iterator[SubjectOutput]:
        with self._lock:
            self.at_work += 1
            self.most_at_once = max(self.most_at_once, self.at_work)
        try:
            if subject in self._released:
                assert self._released[subject].wait(PATIENCE_SECONDS)
            if subject.startswith("bad"):
                raise OpenlibError(f"no {subject}")
            if subject.startswith("defect"):
                raise ZeroDivisionError
            if subject in _ERRORS:
                raise _ERRORS[subject]
            yield SubjectOutput(
                {f"made/{subject}": lambda file: file.write_text(subject)},
                lambda digests: Done({"subject": subject}, digests[f"made/{subject}"]),
            )
            if subject.startswith("late"):
                raise OpenlibError(f"no end of {subject}")
            self.note(f"{subject} ended")
        except BaseException as error:
            self.note(f"{subject} ended with {type(error).__name__}")
            raise
        finally:
            with self._lock:
                self.at_work -= 1

    def note(self, event: str) -> None:
        with self._lock:
            self.events.append(event)


def test_every_subject_is_put_in_place_and_not_more_at_once_than_said(tmp_path: Path) -> None:
    work = Work(tmp_path)
    subjects = [f"s{number}" for number in range(40)]
    found = dict(work.each(subjects, at_once=3))
    assert [done.metadata for done in found.values() if isinstance(done, Done)] == [{"subject": s} for s in found]
    assert set(found) == set(subjects)
    assert 1 <= work.most_at_once <= 4, "three at work, and one that is being recorded"
    assert sorted(work.events) == sorted(f"{subject} ended" for subject in subjects)
    assert sorted(work.storage.paths("made")) == sorted(f"made/{subject}" for subject in subjects)


def test_a_slow_subject_holds_up_nobody_else(tmp_path: Path) -> None:
    work = Work(tmp_path, "slow")
    done = work.each(["slow", "a", "b", "c"], at_once=2)
    assert [next(done)[0] for _ in range(3)] == ["a", "b", "c"]
    work.release("slow")
    assert [subject for subject, _ in done] == ["slow"]


def test_a_block_is_open_and_its_subject_locked_until_the_next_one_is_asked_for(tmp_path: Path) -> None:
    work = Work(tmp_path)
    done = work.each(["a", "b"])
    assert next(done)[0] == "a"
    assert work.events == []
    assert work.storage.exists("made/a")
    with pytest.raises(LockTakenError), work.storage.lock(layout.lock_file("a"), error_message="taken"):
        pass
    assert next(done)[0] == "b"
    assert work.events == ["a ended"]
    assert list(done) == []
    assert work.events == ["a ended", "b ended"]


def test_a_foreseen_error_is_given_in_place_of_the_result_and_nothing_is_put_in_place(tmp_path: Path) -> None:
    work = Work(tmp_path)
    found = dict(work.each(["a", "bad", "c"]))
    assert isinstance(found["a"], Done)
    assert isinstance(found["c"], Done)
    assert str(found["bad"]) == "no bad"
    assert sorted(work.storage.paths("made")) == ["made/a", "made/c"]


def test_what_is_damaged_or_full_fails_its_subject_with_a_line_and_no_other(tmp_path: Path) -> None:
    of_files = _ERRORS.keys() - {"mistake"}
    found = dict(Work(tmp_path).each(["a", *of_files, "c"], at_once=2))
    assert {subject for subject, done in found.items() if isinstance(done, Done)} == {"a", "c"}
    for subject in of_files:
        line = str(found[subject])
        assert line.startswith(str(_ERRORS[subject]).splitlines()[0])
        assert line.endswith(f"else fetch the subject anew with: openlib run --force {as_argument(subject)}")
        assert len(line.splitlines()) == 1


def test_a_mistake_in_a_query_is_raised_as_any_defect(tmp_path: Path) -> None:
    with pytest.raises(duckdb.BinderException):
        list(Work(tmp_path).each(["a", "mistake"]))


@pytest.mark.parametrize("subjects", [["a", "late"], ["late", "a"], ["late"]])
@pytest.mark.parametrize("at_once", [1, 3])
def test_an_error_at_the_end_of_a_block_is_given_wherever_it_comes(
    subjects: list[str], at_once: int, tmp_path: Path
) -> None:
    errors = [str(done) for _, done in Work(tmp_path).each(subjects, at_once) if isinstance(done, OpenlibError)]
    assert errors == ["no end of late"]


def test_a_defect_is_raised_and_ends_everything(tmp_path: Path) -> None:
    work = Work(tmp_path)
    with pytest.raises(ZeroDivisionError):
        list(work.each(["defect", *(f"s{number}" for number in range(50))], at_once=2))
    assert work.stopped.is_set()


def test_whoever_asks_no_more_stops_the_work_and_no_block_ends_well(tmp_path: Path) -> None:
    work = Work(tmp_path, "b", "c")
    done = work.each(["a", "b", "c"], at_once=3)
    assert next(done)[0] == "a"
    wait_for(lambda: work.at_work == 3)
    done.close()  # type: ignore[attr-defined]  # a generator
    assert work.stopped.is_set()
    wait_for(lambda: len(work.events) == 3)
    assert all("ended with" in event for event in work.events)


@pytest.fixture
def five(instance: dg.DagsterInstance, new_place: PlaceMaker) -> Iterator[tuple[Sandbox, Pipeline]]:
    """Five small subjects of a slow Open Library."""
    subjects = {f"s{number}": 10 + number for number in range(5)}
    with Sandbox(SandboxConfig(subjects, latency=0.2)) as sandbox:
        yield sandbox, Pipeline(new_place("local"), instance, sandbox.url, OPENLIB_MAX_IN_FLIGHT="3")


def test_small_subjects_hide_each_others_latency_within_the_bound(five: tuple[Sandbox, Pipeline]) -> None:
    sandbox, it = five
    subjects = sorted(sandbox.config.subjects)
    assert it.run(*subjects).success
    sent = [(request.started, request.path) for request in sandbox.requests]
    together = [{path for started, path in sent if at <= started < at + sandbox.config.latency * 0.9} for at, _ in sent]
    # An answer takes the latency at least, so requests sent within one were under way together.
    assert max(len(paths) for paths in together) >= 2
    assert max(sum(at <= started < at + sandbox.config.latency for started, _ in sent) for at, _ in sent) <= 3
    for subject in subjects:
        assert_tables_equal(it, subject, reference_tables(it, subject, list(sandbox.works(subject))))


def test_each_subject_tells_its_own_requests_though_several_are_fetched_at_once(
    five: tuple[Sandbox, Pipeline],
) -> None:
    sandbox, it = five
    result = it.run(*sorted(sandbox.config.subjects), job="extract")
    told: dict[str, list[Any]] = defaultdict(list)
    for event in result.get_asset_materialization_events():
        if event.asset_key in (dg.AssetKey("raw_works"), dg.AssetKey("raw_details")):
            numbers = event.materialization.metadata
            assert event.partition is not None
            told[event.partition].append(numbers["requests"].value)
            assert numbers["retries"].value == 0
    for subject in sandbox.config.subjects:
        asked = [r for r in sandbox.requests if r.path == f"/subjects/{subject}.json" or f"%22{subject}%22" in r.query]
        assert (len(told[subject]), sum(told[subject])) == (2, len(asked))


def test_a_subject_whose_requests_stall_holds_up_no_other(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    subjects = {"s0": 10, "s1": 11, "s2": 12, "s3": 13}
    faults = FaultPlan(planned=(Planned("stall", match="/s0."),), stall_seconds=60)
    with Sandbox(SandboxConfig(subjects, faults=faults)) as sandbox:
        it = Pipeline(new_place("local"), instance, sandbox.url, OPENLIB_TIMEOUT="5")
        assert it.run(*subjects, job="extract").success
        stalled, again, *_ = [r for r in sandbox.requests if r.path == "/subjects/s0.json"]
        assert (stalled.fault, again.fault) == ("stall", None)
        others = [r.started for r in sandbox.requests if r.path.startswith("/subjects/") and r not in (stalled, again)]
        assert max(others) < again.started
        for subject in subjects:
            (path,) = snapshot_paths(it, subject)
            fetched = it.table(path)["work_key"].to_pylist()
            assert [f"/works/{key}" for key in fetched] == [work["key"] for work in sandbox.works(subject)]


def test_a_table_waits_for_whoever_makes_another_of_its_subject(place: Place) -> None:
    """As the steps of one run do where the executor works on several."""
    storage, made = place.open(), threading.Event()

    def make() -> None:
        with locked(storage, "love", waits=True):
            made.set()

    with storage.lock(layout.lock_file("love"), error_message="taken"):
        maker = threading.Thread(target=make, daemon=True)
        maker.start()
        assert not made.wait(0.7)
    assert made.wait(PATIENCE_SECONDS)
    maker.join(PATIENCE_SECONDS)
    assert not maker.is_alive()


def test_a_fetch_does_not_wait_but_says_who_is_at_work(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_lease, "LEASE_SECONDS", 12.0)  # renewed so often that this is soon known
    storage = place.open()
    with (
        storage.lock(layout.lock_file("love"), error_message="taken"),
        pytest.raises(LockTakenError, match="'love' is being fetched by another run; wait for it to end"),
        locked(storage, "love", waits=False),
    ):
        pass


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
