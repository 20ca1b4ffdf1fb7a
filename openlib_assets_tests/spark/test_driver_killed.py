"""`openlib dump build` on Spark, whose driver is killed: it says so in a line, and the same command goes on."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from openlib_assets_tests.spark.catalogues import AUGUST, write_two_months
from openlib_assets_tests.tools.deployment import environment, running, wait_until

pytestmark = pytest.mark.spark

_COMMAND = [sys.executable, "-c", "from openlib_assets.cli import main; main()", "dump", "build", str(AUGUST)]
_SECONDS = 300


@pytest.fixture
def variables(tmp_path: Path) -> Mapping[str, str]:
    """The settings of somebody who has Spark on their own machine."""
    return environment(
        tmp_path,
        "http://127.0.0.1:1",
        OPENLIB_DUMPS=str(write_two_months(tmp_path / "files", 300)),
        OPENLIB_ENGINE="spark",
        OPENLIB_SPARK="local[2]",
        SPARK_LOCAL_IP="127.0.0.1",
    )


def test_a_run_whose_driver_is_killed_says_so_and_the_next_one_goes_on(
    tmp_path: Path, variables: Mapping[str, str]
) -> None:
    lake, log = tmp_path / "data", tmp_path / "log"
    with running(_COMMAND, variables, log) as process:
        wait_until(lambda: bool(_finished(lake, "catalogue_authors")), _SECONDS, what="a table")
        for driver in psutil.Process(process.pid).children(recursive=True):
            if "java" in driver.name():
                os.kill(driver.pid, signal.SIGKILL)
        status = process.wait(_SECONDS)
    said = log.read_text(encoding="utf-8")
    assert status == 1, said
    assert "Spark's driver is gone; run the same again: it goes on from the tables that are finished" in said
    assert "Traceback" not in said
    had = _finished(lake, "*")

    again = subprocess.run(_COMMAND, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Traceback" not in again.stderr
    assert had.items() <= _finished(lake, "*").items()
    assert (lake / "dumps" / f"{AUGUST}.json").is_file()
    assert not list((lake / "_spill").iterdir())


def _finished(lake: Path, table: str) -> dict[Path, int]:
    """Return the records of finished tables, and when each was written."""
    records = lake.glob(f"*/{table}/dump={AUGUST}/made.json")
    return {path: path.stat().st_mtime_ns for path in records}
