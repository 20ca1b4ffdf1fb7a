"""Costs: CPU seconds of `openlib run`, first and again with nothing new, for one subject, many small ones and ten."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools.figures import Baseline, Figure, Target
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
            bare = _bare_cpu(folder / "bare", env)
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
            Baseline("a process that imports dagster, pyarrow and duckdb, and opens an instance", bare),
            is_headline=True,
        ),
        Figure(
            "each further small subject, first run",
            (many.cpu - one.cpu) / others,
            "CPU s",
            # 0.35 without details and what to order.
            Target("<=", 0.5),
            is_headline=True,
        ),
        Figure(
            "each further small subject, nothing new",
            (many_again.cpu - one_again.cpu) / others,
            "CPU s",
            Target("<=", 0.05),
            is_headline=True,
        ),
        Figure("ten subjects of 3,000 works, 125 ms an answer: first run", ten.cpu, "CPU s", Target("<=", 8)),
        Figure("the same: seconds", ten.wall, "s", Target("<=", 8)),
        Figure("the same: peak memory", ten.megabytes, "MB", Target("<=", 400)),
        Figure("the same with nothing new", ten_again.cpu, "CPU s", Target("<=", 4)),
    ]


def _bare_cpu(home: Path, env: Mapping[str, str]) -> float:
    """Return the CPU seconds of a process that imports what any such pipeline imports, and opens a new instance."""
    home.mkdir()
    before = _children_cpu()
    program = "import dagster, duckdb, pyarrow; dagster.DagsterInstance.get()"
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], env={**env, "DAGSTER_HOME": str(home)}, check=True, capture_output=True
    )
    return _children_cpu() - before


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
