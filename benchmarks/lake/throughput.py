"""Throughput: how much dearer the project is than the least that could fetch the same works."""

import tempfile
from pathlib import Path
from statistics import mean

from benchmarks.tools import by_hand
from benchmarks.tools.figures import Baseline, Figure, Target, gigabytes
from benchmarks.tools.prebuilt import prebuilt_pages
from benchmarks.tools.processes import in_own_process
from benchmarks.tools.runs import good_run
from openlib_assets.sandbox import SandboxConfig
from openlib_assets.settings import DETAILS_OFF, MAX_PAGE_SIZE
from openlib_assets_tests.tools.deployment import Finished, sandbox_process

_WORKS = 200_000
_LIMIT_SECONDS = 1200


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure `openlib run` of a large subject against a bare loop over the same pages.

    The time of a run is that of the whole process, with fetch, tables and files, less that of a run of a subject of one
    work, which is what starting costs. The bare loop is timed before and after it, and the mean of both taken, since
    a machine's speed changes. Both read prebuilt pages, so that neither waits for a page to be made; neither asks
    for details.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = SandboxConfig({"large": works, "tiny": 1})
        with sandbox_process(config, folder) as sandbox:
            sandbox.warm()
            with prebuilt_pages(sandbox.url, folder) as url:

                def bare() -> by_hand.Fetch:
                    file = folder / "bare.jsonl.zst"
                    return in_own_process(_LIMIT_SECONDS, by_hand.fetch, url, "large", works, MAX_PAGE_SIZE, file)

                def run(subject: str) -> Finished:
                    return good_run(folder / subject, url, subject, seconds=_LIMIT_SECONDS, OPENLIB_DETAILS=DETAILS_OFF)

                bare()  # asks for every page for the first time
                tiny = run("tiny")
                before = bare()
                large = run("large")
                after = bare()
    what = f"openlib run, {works:,} works"
    return [
        Figure(
            f"{what}: seconds beyond those of one work ({tiny.seconds:.1f})",
            large.seconds - tiny.seconds,
            "s",
            Target("<=", 3.5, of_ratio=True),
            Baseline("bare loop over the same pages", mean((before.seconds, after.seconds))),
            is_headline=True,
        ),
        Figure("of the bare loop: waiting for answers", mean((before.waiting, after.waiting)), "s"),
        Figure(f"{what}: peak memory of the process", gigabytes(large.peak_bytes), "GB", Target("<=", 1.1)),
    ]
