"""Backfill: a hundred small subjects at once, of which three fail for good, in the UI's way and in the terminal's."""

import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.tools.figures import Baseline, Figure, Target, gigabytes
from openlib_assets.defs.partitions import SUBJECTS
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import snapshot_names
from openlib_assets.lake.contract import BOOKS, CSV_TABLES, DERIVED_TABLES, SUBJECT_TABLES
from openlib_assets.sandbox import FaultPlan, SandboxConfig
from openlib_assets.storage import open_storage
from openlib_assets_tests.tools.deployment import (
    Dagster,
    DeploymentError,
    Finished,
    MemorySampler,
    SandboxProcess,
    dagster_dev,
    environment,
    executes_a_run,
    openlib,
    sandbox_process,
    shipped_instance,
    subject_of,
)

_SUBJECTS = 100
_WORKS = 30
_FAILING = 3
_BASELINE_SUBJECTS = 8
_LIMIT_SECONDS = 1200
_POLL_SECONDS = 0.25
_ASSETS = (*(table.name for table in SUBJECT_TABLES), "subject_csv")

_REGISTER = """
mutation($name: String!, $subject: String!, $repository: RepositorySelector!) {
  addDynamicPartition(partitionsDefName: $name, partitionKey: $subject, repositorySelector: $repository) {
    __typename
  }
}"""
_REPOSITORIES = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
_LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
_STATE = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status error { message } runs(limit: 1000) { status startTime endTime } }
  }
}"""
_PARTITIONS = """
query($keys: [AssetKeyInput!]!) {
  assetNodes(assetKeys: $keys) {
    assetKey { path }
    assetPartitionStatuses {
      ... on DefaultPartitionStatuses { materializedPartitions failedPartitions unmaterializedPartitions }
    }
  }
}"""
_TERMINAL = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


@dataclass(frozen=True)
class Backfill:
    """A backfill that has ended: times in seconds, the most memory that its runs took together in bytes.

    `before` passed until the first run began, `after` from the end of the last one until the backfill was over.
    """

    status: str
    seconds: float
    before: float
    after: float
    runs: int
    peak_bytes: int

    @property
    def running(self) -> float:
        """Seconds from the start of the first run to the end of the last one."""
        return self.seconds - self.before - self.after


def figures(subjects: int = _SUBJECTS, baseline_subjects: int = _BASELINE_SUBJECTS) -> list[Figure]:
    """Measure a backfill and an `openlib run` of many subjects, and Dagster's defaults on a few of them.

    Dagster's daemon looks every half minute whether there is something to launch, and whether a backfill is over. These
    waits are the same however many subjects there are, so seconds a subject are told with and without them.
    """
    keys = [f"subject_{number:03}" for number in range(subjects)]
    failing = keys[5 :: max(1, subjects // _FAILING)][:_FAILING]
    faults = FaultPlan(permanent=dict.fromkeys(failing, "http_403"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sandbox_process(SandboxConfig(dict.fromkeys(keys, _WORKS), faults=faults), folder) as sandbox:
            good = [key for key in keys if key not in failing][:baseline_subjects]
            default = _backfill_by_default(folder / "defaults", sandbox, good)
            backfill, requests_for_others = _backfill_and_repeat(folder / "backfill", sandbox, keys, failing)
            run = _run(folder / "run", sandbox, keys, failing)
    what = f"backfill of {subjects} subjects of {_WORKS} works, {_FAILING} failing"
    by_default = f"Dagster's defaults, {baseline_subjects} subjects"
    return [
        Figure(f"{what}: from launch to end", backfill.seconds, "s", Target("<=", 90)),
        Figure(
            "of which from the start of the first run to the end of the last", backfill.running, "s", Target("<=", 60)
        ),
        Figure("of which before the first run began: the daemon's ticks, a process's start", backfill.before, "s"),
        Figure("of which after the last run ended: the daemon's ticks", backfill.after, "s"),
        Figure(f"{what}: runs", backfill.runs, "runs"),
        Figure(f"{what}: peak memory of all run processes", gigabytes(backfill.peak_bytes), "GB", Target("<", 1.5)),
        Figure(
            f"{what}: seconds a subject",
            backfill.seconds / subjects,
            "s",
            baseline=Baseline(by_default, default.seconds / len(good)),
        ),
        Figure(
            f"{what}: seconds a subject, daemon's ticks left out",
            backfill.running / subjects,
            "s",
            baseline=Baseline(by_default, default.running / len(good)),
        ),
        Figure(
            "repeat of what failed or is missing: requests for other subjects",
            requests_for_others,
            "requests",
            Target("<=", 0),
        ),
        Figure(f"openlib run of {subjects} subjects, {_FAILING} failing", run.seconds, "s", Target("<", 40)),
    ]


def _backfill_and_repeat(
    folder: Path, sandbox: SandboxProcess, keys: Sequence[str], failing: Sequence[str]
) -> tuple[Backfill, int]:
    """Backfill all assets, then again what the UI offers as "failed and missing".

    Gives the first backfill, and how many requests the second one sent for subjects that had not failed. Raises
    DeploymentError where other subjects failed than those meant to, or the others are not complete.
    """
    env = environment(folder, sandbox.url)
    shipped_instance(Path(env["DAGSTER_HOME"]))
    with dagster_dev(env) as dagster:
        _register(dagster, keys)
        first = _backfill(dagster, keys)
        _require_complete(env, keys, failing)
        to_repeat = _failed_and_missing(dagster)
        if first.status != "COMPLETED_FAILED" or sorted(to_repeat) != sorted(failing):
            raise DeploymentError(f"{first.status}; failed or missing are {sorted(to_repeat)}, not {failing}")
        before = len(sandbox.requests())
        _backfill(dagster, sorted(to_repeat))
        repeated = [subject_of(request) for request in sandbox.requests()[before:]]
    if not set(failing) <= set(repeated):
        raise DeploymentError(f"the repeat asked for {set(repeated)}, not for all of {failing}")
    return first, sum(subject not in failing for subject in repeated)


def _backfill_by_default(folder: Path, sandbox: SandboxProcess, keys: Sequence[str]) -> Backfill:
    """Backfill all assets with Dagster's own executor, backfill policy, storage and instance settings."""
    env = environment(folder, sandbox.url)
    with dagster_dev(env, module="benchmarks.defs.dagster_defaults") as dagster:
        _register(dagster, keys)
        backfill = _backfill(dagster, keys)
    _require_complete(env, keys, ())
    return backfill


def _run(folder: Path, sandbox: SandboxProcess, keys: Sequence[str], failing: Collection[str]) -> Finished:
    """Run all subjects in the terminal, on a fresh instance; the output has to name those that fail, and no other."""
    env = environment(folder, sandbox.url)
    folder.mkdir()
    run = openlib("run", *keys, env=env, seconds=_LIMIT_SECONDS)
    lines = [line for line in run.output.splitlines() if line.startswith("FAILED ")]
    named = {line.split()[1].rstrip(":") for line in lines}
    if run.status != 1 or named != set(failing):
        raise DeploymentError(f"openlib run: exit status {run.status}, failed are {named}\n{run.output}")
    _require_complete(env, keys, failing)
    return run


def _register(dagster: Dagster, keys: Sequence[str]) -> None:
    (repository,) = dagster.graphql(_REPOSITORIES)["repositoriesOrError"]["nodes"]
    selector = {"repositoryName": repository["name"], "repositoryLocationName": repository["location"]["name"]}
    for key in keys:
        answer = dagster.graphql(_REGISTER, name=SUBJECTS, subject=key, repository=selector)["addDynamicPartition"]
        if answer["__typename"] != "AddDynamicPartitionSuccess":
            raise DeploymentError(f"{key} cannot be registered: {answer}")


def _backfill(dagster: Dagster, keys: Sequence[str]) -> Backfill:
    """Launch a backfill of all assets for some subjects and wait until it has ended, whether well or not."""
    params = {"assetSelection": _asset_keys(), "partitionNames": list(keys)}
    with MemorySampler(dagster.process.pid, chosen=executes_a_run, together=True) as memory:
        launched, clock = time.time(), time.monotonic()
        answer = dagster.graphql(_LAUNCH, params=params)["launchPartitionBackfill"]
        if "backfillId" not in answer:
            raise DeploymentError(f"the backfill was not launched: {answer}")
        state = _wait_for_end(dagster, answer["backfillId"])
        seconds = time.monotonic() - clock
    runs = state["runs"]
    if not all(run["startTime"] and run["endTime"] for run in runs) or not runs:
        raise DeploymentError(f"a run never began: {state}")
    return Backfill(
        status=state["status"],
        seconds=seconds,
        before=min(run["startTime"] for run in runs) - launched,
        after=launched + seconds - max(run["endTime"] for run in runs),
        runs=len(runs),
        peak_bytes=memory.peak_together,
    )


def _wait_for_end(dagster: Dagster, backfill: str) -> Mapping[str, Any]:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        state: dict[str, Any] = dagster.graphql(_STATE, id=backfill)["partitionBackfillOrError"]
        if state["status"] in _TERMINAL:
            return state
        time.sleep(_POLL_SECONDS)
    raise DeploymentError(f"the backfill did not end within {_LIMIT_SECONDS} s: {state}")


def _failed_and_missing(dagster: Dagster) -> set[str]:
    """Return what the UI selects by "failed and missing": those of which any asset failed or is missing."""
    nodes = dagster.graphql(_PARTITIONS, keys=_asset_keys())["assetNodes"]
    statuses = [node["assetPartitionStatuses"] for node in nodes]
    return {key for status in statuses for key in status["failedPartitions"] + status["unmaterializedPartitions"]}


def _asset_keys() -> list[dict[str, list[str]]]:
    return [{"path": [name]} for name in _ASSETS]


def _require_complete(env: Mapping[str, str], keys: Sequence[str], failing: Collection[str]) -> None:
    """Raise DeploymentError unless every subject has all its tables and files, the failing ones none."""
    storage = open_storage(env["OPENLIB_STORAGE"])
    for key in keys:
        names = snapshot_names(storage, key)
        paths = [layout.snapshot_file(key, name) for name in names[-1:]] or [layout.snapshots_folder(key)]
        paths += [layout.table_file(table.layer, table.name, key) for table in DERIVED_TABLES]
        paths += [layout.csv_file(key, table.name) for table in CSV_TABLES]
        there = [path for path in paths if storage.exists(path)]
        if there != ([] if key in failing else paths):
            raise DeploymentError(f"{key}: has {there}")
        if key in failing:
            continue
        for path in (paths[0], layout.table_file(BOOKS.layer, BOOKS.name, key)):
            if (rows := pq.read_metadata(storage.uri(path)).num_rows) != _WORKS:
                raise DeploymentError(f"{path}: {rows} rows, not {_WORKS}")
