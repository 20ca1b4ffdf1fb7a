"""Costs: CPU seconds of `openlib run`, first and again with nothing new, for one subject, many small ones and ten."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools.figures import Baseline, Figure, Target
from openlib_assets.sandbox import SandboxConfig
from openlib_assets_tests.tools.deployment import (
    DeploymentError,
    environment,
    openlib_command,
    sandbox_process,
    shipped_instance,
)

_MANY = {f"small_{number}": 30 for number in range(100)}
_TEN = {f"middling_{number}": 3000 for number in range(10)}
_BARE = (
    "import dagster, duckdb, os, pyarrow; os.environ['DAGSTER_HOME'] += '-bare'; "
    "os.makedirs(os.environ['DAGSTER_HOME'], exist_ok=True); dagster.DagsterInstance.get()"
)


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
            bare = _cost([sys.executable, "-c", _BARE], env)
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
            Baseline("importing dagster, pyarrow and duckdb, opening an instance", bare.cpu),
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


def _run(env: Mapping[str, str], subjects: Iterable[str]) -> Cost:
    return _cost(openlib_command("run", *subjects), env)


def _cost(command: list[str], env: Mapping[str, str]) -> Cost:
    started = time.monotonic()
    with subprocess.Popen(command, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise DeploymentError(f"{' '.join(command[:3])} ...: exit status {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - started, used.ru_maxrss / 1024)
