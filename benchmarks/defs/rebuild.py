"""Rebuild: how much dearer the project's silver and gold are than the same SQL run by hand."""

import tempfile
import time
from pathlib import Path
from statistics import mean

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.tools import by_hand
from benchmarks.tools.figures import Baseline, Figure, Target
from benchmarks.tools.processes import in_own_process
from benchmarks.tools.runs import good_run
from openlib_assets.defs.assets.tables import make_table
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.steps.writing import put_in_place
from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, open_current, snapshot_names
from openlib_assets.lake.contract import ALL_TABLES, DERIVED_TABLES, SNAPSHOT_TABLES
from openlib_assets.sandbox import SandboxConfig
from openlib_assets.storage import Storage, open_storage
from openlib_assets_tests.tools.deployment import DeploymentError, sandbox_process

_WORKS = 200_000
_LIMIT_SECONDS = 1200
_SUBJECT = "large"
_TIMES = 2


def figures(works: int = _WORKS) -> list[Figure]:
    """Measure the making of silver and gold from bronze against DuckDB running the same SQL files by hand.

    Measured is `make_table`, the one call by which each asset makes its table, for all tables one after the other: with
    the checks, the digest and the atomic write, without Dagster. The job `rebuild_from_bronze` would also write CSV
    files and record events, which no SQL by hand does. Either way is a process of its own, in which imports do not
    count, two times in turn; means are compared.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sandbox_process(SandboxConfig({_SUBJECT: works}), folder) as sandbox:
            sandbox.warm()
            good_run(folder / "run", sandbox.url, _SUBJECT, seconds=_LIMIT_SECONDS)
        root = str(folder / "run" / "data")
        storage = open_storage(root)
        bronze, details = (
            Path(storage.uri(layout.snapshot_file(_SUBJECT, snapshot_names(storage, _SUBJECT, table)[-1], table.name)))
            for table in SNAPSHOT_TABLES
        )
        with open_current(storage, _SUBJECT) as dataset:
            snapshot = Snapshot.of(dataset).row()
        ours, by_hands = [], []
        for _ in range(_TIMES):
            by_hands.append(in_own_process(_LIMIT_SECONDS, by_hand.make_tables, bronze, details, snapshot, folder))
            ours.append(in_own_process(_LIMIT_SECONDS, make_all_tables, root))
        for table in DERIVED_TABLES:
            made = pq.read_table(storage.uri(layout.table_file(table.layer, table.name, _SUBJECT)), partitioning=None)
            _require_equal(made, pq.read_table(folder / f"{table.name}.parquet"), table.name)
    return [
        Figure(
            f"silver and gold from bronze, {works:,} works",
            mean(ours),
            "s",
            Target("<=", 1.5, of_ratio=True),
            Baseline("the same SQL in DuckDB by hand", mean(by_hands)),
        )
    ]


def make_all_tables(root: str) -> float:
    """Make silver and gold of the subject as the assets do; give the seconds that it took."""
    started = time.monotonic()
    storage = open_storage(root)
    for table in DERIVED_TABLES:
        inputs = {name: _tables(storage, name) for name in table.made_from}
        with make_table(storage, table, inputs, _SUBJECT) as output:
            put_in_place(storage, output)
    return time.monotonic() - started


def _tables(storage: Storage, name: str) -> SubjectTables:
    (layer,) = (table.layer for table in ALL_TABLES if table.name == name)
    return SubjectTables(storage, name, layer, [_SUBJECT])


def _require_equal(made: pa.Table, wanted: pa.Table, name: str) -> None:
    if not made.equals(wanted.cast(made.schema)):
        raise DeploymentError(f"{name}: made by hand it is another table")
