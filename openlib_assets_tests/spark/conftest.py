"""One Spark cluster and one catalogue by DuckDB for all tests: to start the one and to make the other takes longest."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.spark.session import open_session
from openlib_assets_tests.spark.catalogues import AUGUST, SEPTEMBER, build, write_two_months
from openlib_assets_tests.tools.spark_cluster import Cluster, spark_cluster

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_WORKS = 20_000


class Lake(NamedTuple):
    """A lake and the tables of September in it."""

    root: Path
    made: Mapping[str, Made]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of two months, in a folder whose name is a pattern to Hadoop."""
    return write_two_months(tmp_path_factory.mktemp("files") / "dumps [{a,b}]", _WORKS)


@pytest.fixture(scope="session")
def of_duckdb(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Lake:
    """What DuckDB makes of both months; a copy of August stands beside it for the other engine."""
    root = tmp_path_factory.mktemp("lakes") / "duckdb"
    build(root, files, AUGUST)
    shutil.copytree(root, root.with_name("spark"))
    return Lake(root, build(root, files, SEPTEMBER))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, and what Spark's own settings say for all that these tests start."""
    if shutil.which("java") is None:
        pytest.fail("no java on the PATH; on Debian: apt-get install default-jre-headless", pytrace=False)
    with spark_cluster(tmp_path_factory.mktemp("cluster")) as cluster, pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.variables.items():
            patch.setenv(name, value)
        yield cluster


@pytest.fixture(scope="session")
def spark(cluster: Cluster) -> "Iterator[SparkSession]":
    """The session of this process on the cluster, as the engine opens it."""
    session = open_session(cluster.url)
    yield session
    session.stop()
    open_session.cache_clear()
