"""`openlib dump build` on Spark, whose driver is killed: it says so in a line, and the same command goes on."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.contract import Layer
from openlib_assets.lake.dumps.made import unmake
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.spark.catalogues import SEPTEMBER, assert_same_table
from openlib_assets_tests.spark.conftest import Lake
from openlib_assets_tests.tools.deployment import environment, running, wait_until
from openlib_assets_tests.tools.spark_cluster import Cluster

pytestmark = pytest.mark.spark

_SECONDS = 300
_DATE = str(SEPTEMBER)
_COMMAND = [sys.executable, "-c", "from openlib_assets.cli import main; main()", "dump", "build", _DATE]
# One before the driver is killed, one at which it is, and one that comes later.
_TO_MAKE = {"dump_ratings": Layer.BRONZE, "catalogue_authors": Layer.SILVER, "catalogue_author_averages": Layer.GOLD}


@pytest.fixture
def lake(of_duckdb: Lake, tmp_path: Path) -> Path:
    """DuckDB's lake, of which some tables are not there."""
    lake = tmp_path / "data"
    shutil.copytree(of_duckdb.root, lake)
    for table, layer in _TO_MAKE.items():
        unmake(LocalStorage(lake), layer, table, _DATE)
    LocalStorage(lake).delete(layout.dump_lake(_DATE))
    return lake


@pytest.fixture
def variables(tmp_path: Path, files: Path, cluster: Cluster) -> Mapping[str, str]:
    """The settings of somebody who has Spark on their own machine."""
    return environment(
        tmp_path,
        "http://127.0.0.1:1",
        OPENLIB_DUMPS=str(files),
        OPENLIB_ENGINE="spark",
        OPENLIB_SPARK="local[2]",
        **cluster.variables,
    )


def test_a_run_whose_driver_is_killed_says_so_and_the_next_one_goes_on(
    tmp_path: Path, lake: Path, variables: Mapping[str, str], of_duckdb: Lake
) -> None:
    log = tmp_path / "log"
    with running(_COMMAND, variables, log) as process:
        wait_until(lambda: bool(list(lake.glob(f"_spill/{_DATE}-*/catalogue_authors"))), _SECONDS, what="its making")
        for driver in psutil.Process(process.pid).children(recursive=True):
            if "java" in driver.name():
                os.kill(driver.pid, signal.SIGKILL)
        status = process.wait(_SECONDS)
    said = log.read_text(encoding="utf-8")
    assert status == 1, said
    assert "Spark's driver is gone; run the same again: it goes on from the tables that are finished" in said
    assert "Traceback" not in said
    had = _finished(lake)
    assert {path.parts[-3] for path in had} & set(_TO_MAKE) == {"dump_ratings"}

    again = subprocess.run(_COMMAND, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Traceback" not in again.stderr
    assert had.items() <= _finished(lake).items()
    assert (lake / "dumps" / f"{_DATE}.json").is_file()
    assert not list((lake / "_spill").iterdir())
    for table in _TO_MAKE:
        assert_same_table(lake, of_duckdb.root, table, SEPTEMBER)


def _finished(lake: Path) -> dict[Path, int]:
    """Return the records of finished tables, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in lake.glob(f"*/*/dump={_DATE}/made.json")}
