"""Volume: whether a very large subject stays within memory and within a time that grows as it does."""

import tempfile
from pathlib import Path

from benchmarks.tools.figures import Baseline, Figure, Target, gigabytes
from benchmarks.tools.runs import good_run
from openlib_assets.sandbox import SandboxConfig
from openlib_assets_tests.tools.deployment import sandbox_process

_WORKS = 1_000_000
_WORKS_TO_ORDER_AMONG = 200_000
_LIMIT_SECONDS = 3600


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure `openlib run` of a very large subject, in memory, and in time against one of a tenth of it.

    Times are those of the whole process. All subjects are put into order by the sandbox before the clock starts. Memory
    is also measured for a large subject with its order list.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tenth = works // 10
        config = SandboxConfig({"vast": works, "tenth": tenth, "large": _WORKS_TO_ORDER_AMONG})
        with sandbox_process(config, folder) as sandbox:
            sandbox.warm()
            large = good_run(folder / "large", sandbox.url, "large", seconds=_LIMIT_SECONDS)
            small = good_run(folder / "tenth", sandbox.url, "tenth", seconds=_LIMIT_SECONDS)
            vast = good_run(folder / "vast", sandbox.url, "vast", seconds=_LIMIT_SECONDS)
    what = f"openlib run, {works:,} works"
    return [
        Figure(
            f"openlib run, {_WORKS_TO_ORDER_AMONG:,} works, with details and an order list: peak memory of the process",
            gigabytes(large.peak_bytes),
            "GB",
            Target("<=", 1.2),
        ),
        Figure(
            f"{what}: peak memory of the process",
            gigabytes(vast.peak_bytes),
            "GB",
            Target("<=", 2),
            is_headline=True,
        ),
        Figure(
            f"{what}: seconds",
            vast.seconds,
            "s",
            Target("<=", 12, of_ratio=True),
            Baseline(f"{tenth:,} works", small.seconds),
        ),
    ]
