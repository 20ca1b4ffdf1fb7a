"""A worker of the cluster that is killed at its task: Spark repeats that elsewhere, and the table is the same.

Last of all: the cluster has one worker afterwards.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openlib_assets.lake.dumps.lakes import building
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.steps import FILES
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.spark.catalogues import SEPTEMBER, assert_same_table, content_of
from openlib_assets_tests.spark.conftest import Lake
from openlib_assets_tests.spark.jobs import at_work
from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, wait_until
from openlib_assets_tests.tools.spark_cluster import Cluster

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

_WORKS = next(file for file in FILES if file.name == "works")


def test_a_worker_killed_in_the_middle_changes_nothing(
    of_duckdb: Lake, spark: "SparkSession", cluster: Cluster, files: Path, tmp_path: Path
) -> None:
    def kill() -> None:
        seen: list[str] = []

        def looked() -> bool:
            seen[:] = at_work(spark)
            return bool(seen)

        wait_until(looked, PATIENCE_SECONDS, what="a task", every=0.01)
        cluster.kill_worker(seen[0])

    killing = threading.Thread(target=kill)
    killing.start()
    path = files / file_name(_WORKS.name, SEPTEMBER)
    with building(LocalStorage(tmp_path), str(SEPTEMBER), SparkEngine(cluster.url)) as making:
        made = making.read(_WORKS, path, content_of(path)).made
    killing.join()
    wait_until(lambda: cluster.alive() == 1, PATIENCE_SECONDS, what="the master misses a worker")
    assert made.numbers["failed tasks"] >= 1  # type: ignore[operator]  # a number
    assert made.version == of_duckdb.made[made.table].version
    assert_same_table(tmp_path, of_duckdb.root, made.table, SEPTEMBER)
