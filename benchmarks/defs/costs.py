"""Costs: CPU seconds of `openlib run`, first and again with nothing new, for one subject, many small ones and ten."""

import os
import resource
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools.figures import Baseline, Figure, Target
from benchmarks.tools.processes import in_own_process
from openlib_assets.sandbox import SandboxConfig
from openlib_assets_tests.tools.deployment import (
    DeploymentError,
    environment,
    openlib,
    sandbox_process,
    shipped_instance,
)

_MANY = {f"small_{number}": 30 for number in range(100)}
_TEN = {f"middling_{number}": 3000 for number in range(10)}
_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Cost:
    """What a process took: CPU and wall seconds, and its peak memory in megabytes."""

    cpu: float
    wall: float
    megabytes: float


def figures() -> list[Figure]:
    """Measure the process itself, so that the sandbox does not count, and others that share the machine hardly do.

    The fixed cost, that of a run of one subject, is taken off before the rest is divided by the other subjects.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sandbox_process(SandboxConfig({**_MANY, "one": 30}), folder) as sandbox:
            env = environment(folder / "many", sandbox.url)
            shipped_instance(folder / "many" / "home")
            one, one_again = _run(env, ["one"]), _run(env, ["one"])
            many, many_again = _run(env, _MANY), _run(env, _MANY)
            bare = in_own_process(_LIMIT_SECONDS, seconds_to_begin, folder / "bare")
        with sandbox_process(SandboxConfig(_TEN, latency=0.125), folder) as sandbox:
            sandbox.warm()
            env = environment(folder / "ten", sandbox.url)
            shipped_instance(folder / "ten" / "home")
            ten, ten_again = _run(env, _TEN), _run(env, _TEN)
    others = len(_MANY) - 1
    return [
        Figure(
            "`openlib run` of one small subject",
            one.cpu,
            "CPU s",
            Target("<=", 1.6, of_ratio=True),
            Baseline("importing dagster, pyarrow and duckdb, opening an instance", bare),
        ),
        Figure("each further small subject, first run", (many.cpu - one.cpu) / others, "CPU s", Target("<=", 0.35)),
        Figure(
            "each further small subject, nothing new",
            (many_again.cpu - one_again.cpu) / others,
            "CPU s",
            Target("<=", 0.05),
        ),
        Figure("ten subjects of 3,000 works, 125 ms an answer: first run", ten.cpu, "CPU s", Target("<=", 8)),
        Figure("the same: seconds", ten.wall, "s", Target("<=", 8)),
        Figure("the same: peak memory", ten.megabytes, "MB", Target("<=", 400)),
        Figure("the same with nothing new", ten_again.cpu, "CPU s", Target("<=", 4)),
    ]


def seconds_to_begin(home: Path) -> float:
    """Import what any such pipeline imports, and open a new Dagster instance; return the CPU seconds."""
    home.mkdir()
    os.environ["DAGSTER_HOME"] = str(home)
    started = time.process_time()
    import dagster  # noqa: PLC0415 - this is what is measured
    import duckdb  # noqa: F401, PLC0415
    import pyarrow  # noqa: F401, ICN001, PLC0415

    dagster.DagsterInstance.get()
    return time.process_time() - started


def _run(env: Mapping[str, str], subjects: Collection[str]) -> Cost:
    before = _children_cpu()
    result = openlib("run", *subjects, env=env, seconds=_LIMIT_SECONDS)
    if result.status:
        raise DeploymentError(f"openlib run failed:\n{result.output}")
    return Cost(_children_cpu() - before, result.seconds, result.peak_bytes / 1e6)


def _children_cpu() -> float:
    """Return the CPU seconds of all processes that were started from this one and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
