"""A sandbox, a storage, and the `openlib` command on them, which is stopped in its tracks and given again."""

import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from openlib_assets.defs.jobs import ACROSS
from openlib_assets.sandbox import FaultPlan, LoggedRequest, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, snapshot_paths
from openlib_assets_tests.tools.exactness import assert_exact, end_lease
from openlib_assets_tests.tools.forked import Commands, Forked, Tampering, commands, wait_until

SUBJECT = "love"
# Twenty pages.
PAGE_SIZE = 10
WORKS = 200
# Subjects alone: what is made across them takes as long as a subject, where nobody looks at it.
ALONE = Tampering(across=False)
# How long an answer is held back at most, should a test forget it.
_SECONDS = 600.0


class Gate:
    """Lets so many pages of some subjects through, and holds back the answers to all that is asked for after them."""

    def __init__(self, sandbox: Sandbox, allowed: dict[str, int]) -> None:
        self._allowed = dict(allowed)
        self._changed = threading.Condition()
        self.held = 0
        sandbox.on_request(self._hold)

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def allow(self, subject: str, pages: int) -> None:
        """Let so many more through."""
        with self._changed:
            self._allowed[subject] += pages
            self._changed.notify_all()

    def open(self) -> None:
        """Answer all that is held back, and hold nothing back any more."""
        with self._changed:
            self._allowed.clear()
            self._changed.notify_all()

    def _hold(self, _number: int, path: str, _query: str) -> None:
        subject = path.rpartition("/")[2].removesuffix(".json")
        with self._changed:
            self.held += 1
            assert self._changed.wait_for(lambda: self._allowed.get(subject, 1) > 0, _SECONDS)
            self.held -= 1
            if subject in self._allowed:
                self._allowed[subject] -= 1


def asked(requests: Sequence[LoggedRequest], subject: str = SUBJECT) -> list[int]:
    """Return the offsets of the pages of a subject that were asked for."""
    return [_offset(request) for request in requests if request.path == f"/subjects/{subject}.json"]


def asked_of_search(requests: Sequence[LoggedRequest]) -> list[int]:
    """Return the offsets of the pages of details that were asked for."""
    pages = [request for request in without_editions(requests) if request.path == "/search.json"]
    return [_offset(request) for request in pages if not _is_list(request)]


def without_editions(requests: Sequence[LoggedRequest]) -> list[LoggedRequest]:
    """Return the requests of some that fetch a subject; the editions of works to order are asked for after that."""
    return [request for request in requests if "editions.key" not in request.query]


def lists(requests: Sequence[LoggedRequest]) -> int:
    """Return how many lists of keys were asked for."""
    return sum(map(_is_list, requests))


def _offset(request: LoggedRequest) -> int:
    return int(request.query.partition("offset=")[2].partition("&")[0])


def _is_list(request: LoggedRequest) -> bool:
    return request.path == "/search.json" and "fields=key&" in request.query


def staged(place: Place, subject: str = SUBJECT, table: str = "raw_works") -> list[int]:
    """Return the offsets of the pages that wait in the staging."""
    paths = place.open().paths(f"_staging/{table}/{subject}")
    return sorted(int(path.rpartition("-")[2].removesuffix(".arrow")) for path in paths)


class Trial:
    """A sandbox, a storage, and the command on them, which is killed and given again."""

    def __init__(self, sandbox: Sandbox, place: Place, it: Commands, instance: dg.DagsterInstance) -> None:
        self.sandbox = sandbox
        self.place = place
        self.it = it
        self.pipeline = Pipeline(place, instance, sandbox.url)

    def runs(self) -> list[tuple[dg.DagsterRunStatus, str]]:
        """Return what became of each run of subjects, oldest first, with the message of its end."""
        with self.it.instance() as instance:
            found = []
            runs = [run for run in instance.get_runs() if run.job_name != ACROSS]
            for run in reversed(runs):
                failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
                found.append((run.status, failures[-1].user_message or failures[-1].message if failures else ""))
        return found

    def wait_until_recorded(self, *subjects: str) -> None:
        """Wait until the fetches of subjects are recorded."""
        with self.it.instance() as instance:
            fetched = partial(instance.get_materialized_partitions, dg.AssetKey("raw_works"))
            wait_until(lambda: fetched() >= set(subjects), f"{subjects} are recorded")

    def again(self, *subjects: str, snapshots: int = 1) -> list[LoggedRequest]:
        """Return what a stopped command fetches when it is run again, after checking that it ends well and exact."""
        subjects = subjects or (SUBJECT,)
        for subject in subjects:
            end_lease(self.place, subject)
        before = len(self.sandbox.requests)
        done = self.it.run("run", *subjects, "--json", tampering=ALONE)
        assert done.status() == 0, done.output
        self.results = done.results()
        for subject in subjects:
            assert_exact(self.pipeline, self.sandbox, subject)
            assert len(snapshot_paths(self.pipeline, subject)) == snapshots
        return without_editions(self.sandbox.requests[before:])


@dataclass(frozen=True)
class Made:
    """What a complete run left on a disk and in its instance, copied for each test instead of made again."""

    sandbox: Sandbox
    it: Commands
    works: Mapping[str, Sequence[Mapping[str, Any]]]

    def copy(self, place: Place) -> None:
        """Put its files into another storage."""
        root, storage = Path(self.it.variables["OPENLIB_STORAGE"]), place.open()
        for file in root.rglob("*"):
            if file.is_file():
                with storage.writing(file.relative_to(root).as_posix()) as copied:
                    shutil.copyfile(file, copied)

    def undo(self) -> None:
        """Take back what was changed in the catalogue since."""
        for subject, before in self.works.items():
            now = {work["key"]: work for work in self.sandbox.works(subject)}
            for key in now.keys() - {work["key"] for work in before}:
                self.sandbox.remove_work(subject, key)
            for work in before:
                if work["key"] not in now:
                    self.sandbox.add_work(subject, work)
                elif now[work["key"]] != work:
                    self.sandbox.change_work(subject, work["key"], **work)


def _variables(place: Place) -> dict[str, str]:
    return {**place.variables, "OPENLIB_STORAGE": place.root, "OPENLIB_PAGE_SIZE": str(PAGE_SIZE)}


@contextmanager
def made(folder: Path, sizes: Mapping[str, int]) -> Iterator[Made]:
    """Return what a complete run of subjects left; `trial` takes it, and its sandbox with it."""
    variables = _variables(Place(str(folder / "root"), {}))
    with Sandbox(SandboxConfig(sizes)) as sandbox, commands(folder, sandbox.url, **variables) as it:
        done = it.run("run", *sizes)
        assert done.status() == 0, done.output
        yield Made(sandbox, it, {subject: list(sandbox.works(subject)) for subject in sizes})


@contextmanager
def trial(
    place: Place,
    instance: dg.DagsterInstance,
    folder: Path,
    sizes: Mapping[str, int] | None = None,
    faults: FaultPlan | None = None,
    **variables: str,
) -> Iterator[Trial]:
    """Return a sandbox, and the command on it that keeps its instance and cache below `folder`."""
    with (
        Sandbox(SandboxConfig(sizes or {SUBJECT: WORKS}, faults=faults or FaultPlan())) as sandbox,
        commands(folder, sandbox.url, **_variables(place), **variables) as it,
    ):
        yield Trial(sandbox, place, it, instance)


@contextmanager
def trial_after(made: Made, place: Place, instance: dg.DagsterInstance, folder: Path) -> Iterator[Trial]:
    """Return the same after a complete run, with the sandbox that it had."""
    with commands(folder, made.sandbox.url, made.it.home, **_variables(place)) as it:
        made.copy(place)
        try:
            yield Trial(made.sandbox, place, it, instance)
        finally:
            made.undo()


def reason(done: Forked, subject: str = SUBJECT) -> str:
    """Return the one line that says why a subject failed, and check that it is one."""
    assert done.status() == 1, done.output
    assert "Traceback" not in done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith(f"FAILED {subject}: ")]
    assert "(unexpected error" not in line
    return line


def data(place: Place) -> dict[str, str]:
    """Tell of each file that counts as data by something that any write changes."""
    return {path: state for path, state in place.states().items() if not path.startswith(("_", "filler"))}
