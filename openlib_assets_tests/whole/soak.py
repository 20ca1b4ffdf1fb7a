"""A soak: for so many minutes, everything goes wrong at once, and what is said to be complete has to be exact.

    python -m openlib_assets_tests.whole.soak --minutes 10 --seed 1 --storage s3

Rounds of `openlib run` on a sandbox that throws every fault at random, while works come, go and change, processes are
killed, the disk refuses writes and S3 answers 500 and 503. In the end there are quiet rounds, after which every
subject must be exact. What is chosen at random follows from the seed; when a process gets how far does not.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from openlib_assets.sandbox import TRANSIENT, FaultPlan, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, s3_place, serving_s3, snapshot_paths
from openlib_assets_tests.tools.disks import TroubledS3
from openlib_assets_tests.tools.exactness import assert_exact_for, end_lease
from openlib_assets_tests.tools.forked import Commands, Forked, Tampering, commands, wait_until
from openlib_assets_tests.tools.instances import temporary_instance

SIZES = {
    "few": 3,
    "time:small": 45,
    "undated": 60,
    "refused": 70,
    "place:middle": 400,
    "person:many_books": 900,
    "large": 2200,
}
_SMALLER = {"few": 3, "undated": 60, "refused": 70, "place:middle": 450}
_FAULTS = {
    **dict.fromkeys(TRANSIENT, 0.15 / len(TRANSIENT)),
    # Against these, asking again does not help: now and then a subject is red.
    **dict.fromkeys(("http_403", "http_404", "http_422"), 0.001),
}
_PERMANENT = {"undated": "missing_years", "refused": "http_403"}
_MOMENTS = (
    ("within", "_staging"),
    ("within", "bronze"),
    ("after", "bronze"),
    ("before clear", "_staging"),
    ("after clear", "_staging"),
    ("within", "silver"),
    ("after", "silver/authors"),
    ("within", "gold"),
    ("within", "exports"),
)
# The first has a storage that fails, the second a kill; all else is left to the dice.
_LEAST_ROUNDS = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Told:
    """What a soak came to: how often what happened."""

    rounds: int
    troubled: int
    killed: int
    complete: int
    red: int
    exact: int


class Soak:
    """One soak under way."""

    def __init__(
        self, *, seed: int, sandbox: Sandbox, pipeline: Pipeline, it: Commands, s3: TroubledS3 | None, say: Say
    ) -> None:
        self._dice = random.Random(seed)
        self._sizes = dict(sandbox.config.subjects)
        self._sandbox = sandbox
        self._pipeline = pipeline
        self._it = it
        self._s3 = s3
        self._say = say
        # Subjects whose pages may wait in the staging: what changes in the catalogue meanwhile may stay unseen.
        self._begun: set[str] = set()
        self._unlike: set[str] = set()
        self._changes: dict[int, int] = {}
        self._rounds = self._troubled = self._killed = self._complete = self._red = self._exact = 0
        sandbox.on_request(self._change_meanwhile)

    def go(self, seconds: float) -> Told:
        """Go on for so many seconds, then check that quiet rounds bring everything in order."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline or self._rounds < _LEAST_ROUNDS:
            self._rounds += 1
            self._round()
        self._sandbox.change_faults(FaultPlan())
        self._changes.clear()
        for name in ("what was begun is ended", "all is fetched anew"):
            self._quiet_round(name)
        told = Told(self._rounds, self._troubled, self._killed, self._complete, self._red, self._exact)
        assert all(vars(told).values()), f"something never happened, so it proves too little: {told}"
        return told

    def _round(self) -> None:
        dice = self._dice
        chosen = dice.sample(list(self._sizes), dice.randint(2, len(self._sizes)))
        story = [self._change(dice) for _ in range(dice.choice([0, 0, 3, 12]))]
        if dice.random() < 0.3:
            now = len(self._sandbox.requests)
            self._changes = {now + dice.randint(1, 120): dice.randrange(1 << 30) for _ in range(6)}
            story.append("changes meanwhile")
        tampering = self._tampering(story)
        # Killed once or twice, then left to end.
        for kills in range(1 if self._rounds == 2 else dice.choice([0, 0, 1, 1, 2]), -1, -1):
            ended = self._run(chosen, tampering, kill=kills > 0, story=story)
            self._check_files()
            if ended:
                story.append(self._check(chosen, ended))
                break
        self._changes.clear()
        if self._s3:
            self._s3.trouble = lambda *_: None
        self._say(f"round {self._rounds}: {', '.join(chosen)}: {'; '.join(story)}")

    def _tampering(self, story: list[str]) -> Tampering:
        dice, plain = self._dice, Tampering()
        if self._rounds > 1 and dice.random() > 0.4:
            return plain
        self._troubled += 1
        if self._s3 is None:
            share = dice.choice([0.02, 0.1])
            story.append(f"the disk refuses {share:.1%} of writes")
            return replace(plain, refuses="No space left on device", refuses_share=share, seed=dice.randrange(1 << 30))
        every, part = dice.choice([(90, 0), (60, 1), (5, 2)]), random.Random(dice.randrange(1 << 30))
        story.append(f"S3 fails every {every[0]}th time")
        statuses = (500, 503, -500, -503)
        self._s3.trouble = lambda number, *_: part.choice(statuses) if number % every[0] == every[1] else None
        return replace(plain, s3_attempts=3)

    def _run(self, chosen: list[str], tampering: Tampering, *, kill: bool, story: list[str]) -> Forked | None:
        """Run the subjects; give the ended command, None if it was killed."""
        dice = self._dice
        for subject in chosen:
            end_lease(self._pipeline.place, subject)
        after = None
        if kill and dice.random() < 0.5:
            after = dice.randint(1, 90)
        elif kill:
            moment, path = dice.choice(_MOMENTS)
            tampering = replace(tampering, moment=moment, path=path)
        self._unlike -= set(chosen) - self._begun
        self._begun |= set(chosen)
        before = len(self._sandbox.requests)
        running = self._it.start("run", *chosen, "--json", tampering=tampering, **self._endpoint())
        if after is not None:
            enough = before + after
            wait_until(lambda: len(self._sandbox.requests) >= enough or not running.running(), "it asks")
            running.process.kill()
        status = running.status()
        if status == -signal.SIGKILL:
            self._killed += 1
            story.append(f"killed after {after} requests" if after else f"killed {tampering.moment} {tampering.path}")
            return None
        assert status in (0, 1), running.output
        return running

    def _endpoint(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self._s3.url} if self._s3 else {}

    def _check(self, chosen: list[str], ended: Forked) -> str:
        assert "Traceback" not in ended.output, ended.output
        if "[\n" not in ended.output:
            # Not even the storage could be looked at.
            assert ended.output.splitlines()[-1].startswith("openlib: "), ended.output
            return "red as a whole"
        results = ended.results()
        assert set(results) == set(chosen)
        complete, exact = [], 0
        for subject, result in results.items():
            if result["error"] is not None:
                assert result["error"].strip(), subject
                assert len(result["error"].splitlines()) == 1, result["error"]
                assert "(unexpected error" not in result["error"], result["error"]
                continue
            complete.append(subject)
            assert subject not in _PERMANENT, "it cannot be complete"
            self._check_tables(subject)
            if subject not in self._unlike:
                self._check_snapshot(subject)
                exact += 1
        self._begun -= set(complete)
        self._complete += len(complete)
        self._exact += exact
        self._red += len(chosen) - len(complete)
        return f"{len(complete)} complete ({exact} like the catalogue), {len(chosen) - len(complete)} red"

    def _check_tables(self, subject: str) -> None:
        """Check that every table and CSV file is what the reference makes of the current snapshot."""
        snapshot = self._pipeline.table(snapshot_paths(self._pipeline, subject)[-1])
        assert_exact_for(self._pipeline, subject, [json.loads(text) for text in snapshot["payload"].to_pylist()])

    def _check_snapshot(self, subject: str) -> None:
        """Check that the current snapshot is the catalogue as it stands."""
        assert_exact_for(self._pipeline, subject, list(self._sandbox.works(subject)))

    def _check_files(self) -> None:
        """Check that every file that counts as data is whole."""
        for path in self._pipeline.storage.paths(""):
            if path.endswith(".parquet"):
                with self._pipeline.storage.local_copy(path) as file:
                    assert pq.read_metadata(file).num_columns, path

    def _change(self, dice: random.Random) -> str:
        """Add, remove or change a work, which other subjects may list, too."""
        subject = dice.choice(list(self._sizes))
        keys = self._sandbox.keys(subject)
        kind = dice.choice(["add", "remove", "change"])
        if kind == "add" or len(keys) < self._sizes[subject] * 0.95 or self._sizes[subject] < 5:
            self._sandbox.add_work(subject)
        elif kind == "remove":
            self._sandbox.remove_work(subject, dice.choice(keys))
        else:
            self._sandbox.change_work(subject, dice.choice(keys), title=f"Title {dice.randrange(1 << 30)}")
        self._unlike |= self._begun
        return f"{kind} in {subject}"

    def _change_meanwhile(self, number: int, _path: str, _query: str) -> None:
        seed = self._changes.pop(number, None)
        if seed is not None:
            self._change(random.Random(seed))

    def _quiet_round(self, name: str) -> None:
        last = name == "all is fetched anew"
        story: list[str] = []
        ended = self._run(list(self._sizes), Tampering(), kill=False, story=story)
        assert ended is not None
        failed = {subject for subject, result in ended.results().items() if result["error"]}
        # What was fetched before may have come without years.
        assert failed <= (set() if last else {"undated"}), ended.output
        for subject in set(self._sizes) - failed:
            self._check_tables(subject)
            if last:
                self._check_snapshot(subject)
        self._begun.clear()
        if last:
            assert [path for path in self._pipeline.place.states() if path.startswith("_")] == []
            with self._it.instance() as instance:
                unfinished = [run.run_id for run in instance.get_runs() if not run.is_finished]
            assert unfinished == []
        self._say(f"quiet round, {name}: {len(self._sizes) - len(failed)} complete")


def soak(place: Place, folder: Path, *, seed: int, seconds: float, say: Say) -> Told:
    """Soak a storage for so many seconds and a quiet end; raises AssertionError where anything is not as it should."""
    plan = FaultPlan(_FAULTS, permanent=_PERMANENT, seed=seed, stall_seconds=1.0)
    variables = {
        **place.variables,
        "OPENLIB_STORAGE": place.root,
        "OPENLIB_PAGE_SIZE": "100",
        "OPENLIB_TIMEOUT": "1",
        "OPENLIB_RETRY_WAIT": "0.05",
    }
    # An S3 that is served by a test's own process is slow.
    sizes = _SMALLER if place.root.startswith("s3://") else SIZES
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(SandboxConfig(sizes, seed=seed, faults=plan)))
        s3 = None
        if place.root.startswith("s3://"):
            s3 = stack.enter_context(TroubledS3(place.variables["AWS_ENDPOINT_URL"]))
        instance = stack.enter_context(temporary_instance())
        it = stack.enter_context(commands(folder, sandbox.url, **variables))
        pipeline = Pipeline(place, instance, sandbox.url)
        say(f"seed {seed}, {place.root}")
        return Soak(seed=seed, sandbox=sandbox, pipeline=pipeline, it=it, s3=s3, say=say).go(seconds)


@contextmanager
def _place(kind: str, folder: Path) -> Iterator[Place]:
    if kind == "local":
        yield Place(str(folder / "root"), {})
        return
    with serving_s3() as url:
        yield s3_place(url)


def _arguments() -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(description="Soak the project.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--storage", choices=["local", "s3"], default="local")
    return vars(parser.parse_args())


def _main(minutes: float, seed: int, storage: str) -> None:
    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="soak-") as folder, _place(storage, Path(folder)) as place:
        say(str(soak(place, Path(folder) / "commands", seed=seed, seconds=60 * minutes, say=say)))


if __name__ == "__main__":
    _main(**_arguments())
