"""A sandbox, a storage, and the `openlib` command on them, which is stopped in its tracks and given again."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dagster as dg

from openlib_assets.defs.jobs import ACROSS
from openlib_assets.sandbox import FaultPlan, LoggedRequest, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, snapshot_paths
from openlib_assets_tests.tools.exactness import assert_exact, lease_has_run_out
from openlib_assets_tests.tools.forked import Commands, Tampering, commands, wait_until

SUBJECT = "love"
# Sixty pages: each overlaps the one before by one work.
PAGE_SIZE = 11
WORKS = 601
# Nobody else wants the lock before its holder was killed, so it may run out soon.
LEASE_SECONDS = 1.5


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
            assert self._changed.wait_for(lambda: self._allowed.get(subject, 1) > 0, 120)
            self.held -= 1
            if subject in self._allowed:
                self._allowed[subject] -= 1


def asked(requests: Sequence[LoggedRequest], subject: str = SUBJECT) -> list[int]:
    """Give the offsets of the pages of a subject that were asked for; a count is no page."""
    return [
        int(request.query.partition("offset=")[2].partition("&")[0])
        for request in requests
        if request.path == f"/subjects/{subject}.json" and "limit=0" not in request.query
    ]


def counts(requests: Sequence[LoggedRequest]) -> int:
    return sum("limit=0" in request.query for request in requests)


def staged(place: Place, subject: str = SUBJECT) -> list[int]:
    """Give the offsets of the pages that wait in the staging."""
    paths = place.open().paths(f"_staging/{subject}")
    return sorted(int(path.rpartition("-")[2].removesuffix(".arrow")) for path in paths)


class Trial:
    """A sandbox, a storage, and the command on them, which is killed and given again."""

    def __init__(self, sandbox: Sandbox, place: Place, it: Commands, instance: dg.DagsterInstance) -> None:
        self.sandbox = sandbox
        self.place = place
        self.it = it
        self.pipeline = Pipeline(place, instance, sandbox.url)

    def runs(self) -> list[tuple[dg.DagsterRunStatus, str]]:
        """Give what became of each run of subjects, oldest first, with the message of its end."""
        with self.it.instance() as instance:
            found = []
            runs = [run for run in instance.get_runs() if run.job_name != ACROSS]
            for run in reversed(runs):
                failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
                found.append((run.status, failures[-1].user_message or failures[-1].message if failures else ""))
        return found

    def recorded(self, *subjects: str) -> bool:
        """Tell whether the fetches of subjects were recorded."""
        if not (self.it.home / "dagster.yaml").exists():
            return False
        with self.it.instance() as instance:
            return instance.get_materialized_partitions(dg.AssetKey("raw_works")) >= set(subjects)

    def again(self, *subjects: str, snapshots: int = 1) -> list[LoggedRequest]:
        """Give a command again that was stopped, check that it ends well and exact; give what it asked for."""
        subjects = subjects or (SUBJECT,)
        for subject in subjects:
            wait_until(partial(lease_has_run_out, self.place, subject), "the lease runs out")
        before = len(self.sandbox.requests)
        done = self.it.run("run", *subjects, "--json")
        assert done.status() == 0, done.output
        self.results = done.results()
        for subject in subjects:
            assert_exact(self.pipeline, self.sandbox, subject)
            assert len(snapshot_paths(self.pipeline, subject)) == snapshots
        return self.sandbox.requests[before:]


@contextmanager
def trial(
    place: Place,
    instance: dg.DagsterInstance,
    folder: Path,
    sizes: Mapping[str, int] | None = None,
    faults: FaultPlan | None = None,
) -> Iterator[Trial]:
    """Give a sandbox, and the command on it that keeps its instance and cache below `folder`."""
    variables = {**place.variables, "OPENLIB_STORAGE": place.root, "OPENLIB_PAGE_SIZE": str(PAGE_SIZE)}
    with (
        Sandbox(SandboxConfig(sizes or {SUBJECT: WORKS}, faults=faults or FaultPlan())) as sandbox,
        commands(folder, sandbox.url, Tampering(lease_seconds=LEASE_SECONDS), **variables) as it,
    ):
        yield Trial(sandbox, place, it, instance)
