"""Reports: what the pages of many small subjects cost together, and the page of a large one."""

import tempfile
import time
from pathlib import Path

from benchmarks.tools.figures import Baseline, Figure, Target
from benchmarks.tools.processes import in_own_process
from benchmarks.tools.runs import good_run
from openlib_assets.defs.assets.serving import make_report
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.steps.writing import put_in_place
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import by_name, catalog
from openlib_assets.report.comparison import TABLES, comparison_html, comparison_numbers
from openlib_assets.report.numbers import INPUTS
from openlib_assets.sandbox import SandboxConfig
from openlib_assets.storage import open_storage
from openlib_assets_tests.tools.deployment import sandbox_process

_SMALL = {f"small_{number}": 30 for number in range(100)}
_LARGE, _LARGE_WORKS = "large", 200_000
_LIMIT_SECONDS = 600


def figures() -> list[Figure]:
    """Measure the one call by which the asset writes a report, subject after subject, without Dagster."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sandbox_process(SandboxConfig({**_SMALL, _LARGE: _LARGE_WORKS}), folder) as sandbox:
            good_run(folder / "small", sandbox.url, *_SMALL, seconds=_LIMIT_SECONDS)
            good_run(folder / "large", sandbox.url, _LARGE, seconds=_LIMIT_SECONDS)
        small, large = (str(folder / size / "data") for size in ("small", "large"))
        many = in_own_process(_LIMIT_SECONDS, seconds_to_report, small, list(_SMALL))
        one = in_own_process(_LIMIT_SECONDS, seconds_to_report, large, [_LARGE])
        compared = in_own_process(_LIMIT_SECONDS, seconds_to_compare, small)
        megabytes = Path(large, layout.report_file(_LARGE)).stat().st_size / 1e6
    return [
        Figure(f"reports of {len(_SMALL)} subjects of 30 works", many, "s", Target("<", 30)),
        Figure(f"comparison of {len(_SMALL)} subjects of 30 works", compared, "s"),
        Figure(
            f"report of {_LARGE_WORKS:,} works",
            one,
            "s",
            baseline=Baseline("of 30 works, on average", many / len(_SMALL)),
        ),
        Figure(f"report of {_LARGE_WORKS:,} works: size of the page", megabytes, "MB", Target("<", 5)),
    ]


def seconds_to_report(root: str, subjects: list[str]) -> float:
    """Write the reports of subjects again; give the seconds that it took."""
    storage = open_storage(root)
    inputs = {table.name: SubjectTables(storage, table.name, table.layer, subjects) for table in INPUTS}
    started = time.monotonic()
    for subject in subjects:
        with make_report(storage, inputs, subject) as output:
            put_in_place(storage, output)
    return time.monotonic() - started


def seconds_to_compare(root: str) -> float:
    """Make the comparison of all subjects; give the seconds that it took."""
    started = time.monotonic()
    with catalog(open_storage(root), by_name(TABLES)) as connection:
        comparison_html(comparison_numbers(connection))
    return time.monotonic() - started
