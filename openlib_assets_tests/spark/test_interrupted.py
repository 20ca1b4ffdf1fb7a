"""Ctrl-C while Spark works: the wait for it ends, and so does what it does."""

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openlib_assets.lake.dumps.lakes import building
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.steps import FILES
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.spark.catalogues import SEPTEMBER
from openlib_assets_tests.spark.jobs import at_work
from openlib_assets_tests.tools.deployment import wait_until
from openlib_assets_tests.tools.spark_cluster import Cluster

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

_EDITIONS = next(file for file in FILES if file.name == "editions")


def test_an_interrupted_table_is_not_made_and_its_job_is_cancelled(
    spark: "SparkSession", cluster: Cluster, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        wait_until(lambda: bool(at_work(spark)), 120, what="a task", every=0.01)
        os.kill(os.getpid(), signal.SIGINT)

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            building(LocalStorage(tmp_path), str(SEPTEMBER), SparkEngine(cluster.url)) as making,
        ):
            making.read(_EDITIONS, files / file_name(_EDITIONS.name, SEPTEMBER), "digest")
    finally:
        interrupting.join()
        signal.signal(signal.SIGINT, previous)
    status = spark.sparkContext.statusTracker()
    cancelled = [status.getJobInfo(job) for job in status.getJobIdsForGroup(_EDITIONS.table)]
    assert "FAILED" in [job.status for job in cancelled if job]
    wait_until(lambda: not at_work(spark), 60, what="no task is left")
    assert list(tmp_path.rglob("*.parquet")) == []
