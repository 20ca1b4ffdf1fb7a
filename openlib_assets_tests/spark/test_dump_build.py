"""`openlib dump build` on Spark, on a lake that DuckDB began: a driver is killed, or a server of Spark Connect."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psutil
import pytest

from openlib_assets.defs.instance.home import open_instance
from openlib_assets.lake import layout
from openlib_assets.lake.dumps.made import read_made, unmake
from openlib_assets.lake.dumps.steps import layer_of
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.spark.catalogues import SEPTEMBER, assert_same_table
from openlib_assets_tests.spark.conftest import Lake
from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, environment, running, wait_until
from openlib_assets_tests.tools.spark_cluster import Cluster, spark_connect

pytestmark = pytest.mark.spark

_DATE = str(SEPTEMBER)
_COMMAND = [sys.executable, "-c", "from openlib_assets.cli import main; main()", "dump", "build", _DATE]


@pytest.fixture
def variables(tmp_path: Path, of_duckdb: Lake, files: Path, cluster: Cluster) -> Mapping[str, str]:
    """The settings of somebody who has Spark on their own machine, and a copy of DuckDB's lake in `data`."""
    shutil.copytree(of_duckdb.root, tmp_path / "data")
    return environment(
        tmp_path,
        "http://127.0.0.1:1",
        OPENLIB_DUMPS=str(files),
        OPENLIB_ENGINE="spark",
        OPENLIB_SPARK="local[2]",
        **cluster.variables,
    )


def test_a_run_whose_driver_is_killed_says_so_and_the_next_one_goes_on(
    tmp_path: Path, variables: Mapping[str, str], of_duckdb: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One before the driver is killed, one at which it is, and one that comes later.
    tables = "dump_ratings", "catalogue_authors", "catalogue_author_averages"
    lake = tmp_path / "data"
    _unmake(lake, *tables)
    _assert_said_that_it_goes_on(_ended_at("catalogue_authors", lake, variables, _kill_driver))
    had = _finished(lake)
    assert had.keys() & set(tables) == {"dump_ratings"}

    _build(lake, variables)
    assert had.items() <= _finished(lake).items()
    for table in tables:
        assert_same_table(lake, of_duckdb.root, table, SEPTEMBER)
    monkeypatch.setenv("DAGSTER_HOME", variables["DAGSTER_HOME"])
    with open_instance(captures_output=False) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("catalogue_authors"))
    assert event
    assert event.asset_materialization
    told = event.asset_materialization.metadata
    assert told["engine"].value == "spark"
    assert str(told["application URL"].value).startswith("http://")
    assert {"stages", "tasks", "shuffle bytes", "spill bytes", "executor CPU seconds"} <= told.keys()


def test_a_server_of_spark_connect_that_is_killed_ends_the_run_and_the_next_one_makes_the_same(
    tmp_path: Path, variables: Mapping[str, str], of_duckdb: Lake
) -> None:
    # One before the server is killed, one at which it is, and one that comes later.
    tables = "dump_ratings", "catalogue_authors", "catalogue_subject_works"
    lake = tmp_path / "data"
    _unmake(lake, *tables)
    with _connect(tmp_path / "first") as (url, server):
        said = _ended_at("catalogue_authors", lake, {**variables, "OPENLIB_SPARK": url}, lambda _: server.kill())
    _assert_said_that_it_goes_on(said)
    had = _finished(lake)
    assert had.keys() & set(tables) == {"dump_ratings"}

    with _connect(tmp_path / "second") as (url, _):
        _build(lake, {**variables, "OPENLIB_SPARK": url})
    assert had.items() <= _finished(lake).items()
    for table in tables:
        made = read_made(LocalStorage(lake), layer_of(table), table, _DATE)
        assert made
        assert made.engine == "spark"
        assert str(made.numbers["application"]).startswith("local-")
        assert_same_table(lake, of_duckdb.root, table, SEPTEMBER)


def _kill_driver(process: psutil.Process) -> None:
    for driver in process.children(recursive=True):
        if "java" in driver.name():
            os.kill(driver.pid, signal.SIGKILL)


@contextmanager
def _connect(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    folder.mkdir()
    with spark_connect(folder) as connect:
        yield connect


def _ended_at(table: str, lake: Path, variables: Mapping[str, str], end: Callable[[psutil.Process], object]) -> str:
    """Let something end a build while it makes a table; return what it said."""
    log = lake.with_name("log")
    with running(_COMMAND, variables, log) as process:
        wait_until(lambda: bool(list(lake.glob(f"_spill/{_DATE}-*/{table}"))), PATIENCE_SECONDS, what="its making")
        end(psutil.Process(process.pid))
        status = process.wait(PATIENCE_SECONDS)
    said = log.read_text(encoding="utf-8")
    assert status == 1, said
    return said


def _assert_said_that_it_goes_on(said: str) -> None:
    assert "Spark's driver does not answer; run the same again: it goes on from the tables that are finished" in said
    assert "Traceback" not in said


def _build(lake: Path, variables: Mapping[str, str]) -> None:
    """Build to the end, without a word of what Spark is made of."""
    done = subprocess.run(
        _COMMAND, env=variables, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert LocalStorage(lake).exists(layout.dump_lake(_DATE))
    assert not list((lake / "_spill").iterdir())


def _unmake(lake: Path, *tables: str) -> None:
    LocalStorage(lake).delete(layout.dump_lake(_DATE))
    for table in tables:
        unmake(LocalStorage(lake), layer_of(table), table, _DATE)


def _finished(lake: Path) -> dict[str, int]:
    """Return when the record of each finished table was written."""
    return {path.parts[-3]: path.stat().st_mtime_ns for path in lake.glob(f"*/*/dump={_DATE}/made.json")}
