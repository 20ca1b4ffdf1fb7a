"""The warehouse: what it takes to make it of many small subjects, and what one changed subject takes then."""

import resource
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.tools.figures import Baseline, Figure, Target
from benchmarks.tools.processes import in_own_process
from openlib_assets.lake.warehouse.refreshing import refresh
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.made_up_lake import fetch, write

_SUBJECTS, _WORKS = 1_000, 30
_SIZES = {f"small_{number}": _WORKS for number in range(_SUBJECTS)}
# One after the other, of which the median counts: the time of a single one is too short to be sure of.
_CHANGED = [f"small_{number}" for number in range(100, _SUBJECTS, 200)]
_LIMIT_SECONDS = 1800


@dataclass(frozen=True)
class Cost:
    """What a refresh took: CPU and wall seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Measured:
    """The first refresh, one after a subject changed, and the peak of memory in megabytes."""

    built: Cost
    changed: Cost
    megabytes: float


def figures() -> list[Figure]:
    """Measure the one call by which the asset makes the warehouse, without Dagster."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as later:
        versions = in_own_process(_LIMIT_SECONDS, write_subjects, folder)
        in_own_process(_LIMIT_SECONDS, write_changes, later)
        found = in_own_process(_LIMIT_SECONDS, measure, folder, later, versions)
    what = f"warehouse of {_SUBJECTS:,} subjects of {_WORKS} works"
    return [
        Figure(what, found.built.cpu, "CPU s"),
        Figure(f"{what}: seconds", found.built.wall, "s"),
        Figure(f"{what}: peak memory", found.megabytes, "MB"),
        Figure(
            "the same after one subject changed",
            found.changed.cpu,
            "CPU s",
            Target("<=", 0.05, of_ratio=True),
            Baseline("all subjects", found.built.cpu),
        ),
        Figure("the same: seconds", found.changed.wall, "s"),
    ]


def write_subjects(folder: str) -> dict[str, str]:
    """Write the tables of all subjects, as runs would, and return their versions."""
    storage = LocalStorage(folder)
    with Sandbox(SandboxConfig(_SIZES)) as sandbox:
        for subject in _SIZES:
            write(storage, fetch(sandbox, subject, 0))
    return dict.fromkeys(_SIZES, "first")


def write_changes(folder: str) -> None:
    """Write the tables of the subjects that change: of each, a work went and another one came."""
    with Sandbox(SandboxConfig(_SIZES)) as sandbox:
        for subject in _CHANGED:
            before = fetch(sandbox, subject, 0)
            sandbox.remove_work(subject, sandbox.keys(subject)[-1])
            sandbox.add_work(subject)
            write(LocalStorage(folder), fetch(sandbox, subject, 1, before))


def measure(folder: str, later: str, versions: Mapping[str, str]) -> Measured:
    """Make the warehouse of all subjects, and again each time that one has changed, as its tables are later."""
    storage = LocalStorage(Path(folder))
    built = _refreshed(storage, versions)
    shutil.copytree(later, folder, dirs_exist_ok=True)
    now, costs = dict(versions), []
    for subject in _CHANGED:
        now[subject] = "second"
        costs.append(_refreshed(storage, now))
    changed = Cost(median(cost.cpu for cost in costs), median(cost.wall for cost in costs))
    return Measured(built, changed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def _refreshed(storage: LocalStorage, versions: Mapping[str, str]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    refresh(storage, lambda: versions)
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)
