"""The catalogue of a dump on a real cluster of two workers: what DuckDB makes of it, whoever is killed meanwhile."""

import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest
import requests

from openlib_assets.lake.contract import CATALOGUE_TABLES, Layer
from openlib_assets.lake.dumps.engines import APPLICATION_URL
from openlib_assets.lake.dumps.lakes import building
from openlib_assets.lake.dumps.lines import DumpFileError
from openlib_assets.lake.dumps.made import Made, unmake
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.spark.session import open_session
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.spark.catalogues import AUGUST, SEPTEMBER, build, rows, write_two_months
from openlib_assets_tests.tools.deployment import wait_until
from openlib_assets_tests.tools.spark_cluster import Cluster, asked, spark_cluster

pytestmark = pytest.mark.spark

_WORKS = 3_000
_SEPTEMBER = str(SEPTEMBER)
_EDITIONS = next(file for file in FILES if file.name == "editions")
_OF_EDITIONS = next(step for step in STEPS if step.table == "catalogue_editions")


class Lake(NamedTuple):
    """A lake and the tables of September in it."""

    root: Path
    made: Mapping[str, Made]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of two months, in a folder whose name is a pattern to Hadoop."""
    return write_two_months(tmp_path_factory.mktemp("files") / "dumps [{a,b}]", _WORKS)


@pytest.fixture(scope="module")
def of_duckdb(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Lake:
    """What DuckDB makes of both months; a copy of August stands beside it for the other engine."""
    root = tmp_path_factory.mktemp("lakes") / "duckdb"
    build(root, files, AUGUST)
    shutil.copytree(root, root.with_name("spark"))
    return Lake(root, build(root, files, SEPTEMBER))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers, and this process's application on them while the tests run."""
    with pytest.MonkeyPatch.context() as patch, spark_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield cluster
        open_session(cluster.url).stop()
        open_session.cache_clear()


@pytest.fixture(scope="module")
def of_spark(of_duckdb: Lake, files: Path, cluster: Cluster) -> Lake:
    """What Spark makes of September beside DuckDB's August."""
    root = of_duckdb.root.with_name("spark")
    return Lake(root, build(root, files, SEPTEMBER, SparkEngine(cluster.url)))


@pytest.mark.parametrize("name", [step.table for step in STEPS])
def test_both_engines_make_the_same_rows_in_the_same_order(of_duckdb: Lake, of_spark: Lake, name: str) -> None:
    columns, ours = rows(of_duckdb.root, of_duckdb.made[name])
    same_columns, theirs = rows(of_spark.root, of_spark.made[name])
    assert len(ours) > 0
    for mine, other in zip(ours, theirs, strict=True):
        assert mine == other
    assert [column for column, _ in columns] == [column for column, _ in same_columns]
    if name in {table.name for table in CATALOGUE_TABLES}:
        assert columns == same_columns


def test_each_subject_is_in_one_part_that_its_first_key_tells(of_spark: Lake) -> None:
    made = of_spark.made["catalogue_subject_works"]
    folder = of_spark.root / Layer.SILVER / made.table / f"dump={_SEPTEMBER}"
    held = [pq.read_table(folder / part, columns=["subject"])["subject"].to_pylist() for part in made.parts]
    assert len(held) > 1
    assert made.firsts == ["", *(subjects[0] for subjects in held[1:])]
    assert sum(len(set(subjects)) for subjects in held) == len({one for subjects in held for one in subjects})


def test_a_table_tells_who_made_it_and_what_that_took(of_spark: Lake) -> None:
    made = of_spark.made["work_documents"]
    assert made.engine == "spark"
    assert str(made.numbers["application"]).startswith("app-")
    assert made.numbers["stages"] >= 3  # type: ignore[operator]  # a number
    assert made.numbers["shuffle bytes"] > 0  # type: ignore[operator]
    assert 0 < made.numbers["executor CPU seconds"] <= made.cpu_seconds  # type: ignore[operator]
    of_lines = of_spark.made["dump_works"].numbers
    assert of_lines["stages"] == 2, "a file is decompressed once"


def test_a_damaged_file_is_named(of_spark: Lake, files: Path, cluster: Cluster, tmp_path: Path) -> None:
    whole = (files / file_name("works", SEPTEMBER)).read_bytes()
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.gz").write_bytes(b"<html>")
    works = next(file for file in FILES if file.name == "works")
    with building(LocalStorage(tmp_path / "lake"), _SEPTEMBER, SparkEngine(cluster.url)) as making:
        for name in ("cut.gz", "none.gz"):
            with pytest.raises(DumpFileError, match=rf"{name}: damaged; remove it, and fetch it again$"):
                making.read(works, tmp_path / name, name)


def test_a_worker_killed_in_the_middle_changes_nothing(of_spark: Lake, files: Path, cluster: Cluster) -> None:
    storage = LocalStorage(of_spark.root)
    for table in (_EDITIONS.table, _OF_EDITIONS.table):
        unmake(storage, Layer.BRONZE if table == _EDITIONS.table else Layer.SILVER, table, _SEPTEMBER)
    ui = str(of_spark.made[_EDITIONS.table].numbers[APPLICATION_URL])
    jobs_before = len(_jobs(ui))

    def kill() -> None:
        wait_until(lambda: len(_jobs(ui)) > jobs_before and _is_working(ui), 60, what="a task", every=0.01)
        cluster.kill_worker()

    killing = threading.Thread(target=kill)
    killing.start()
    with building(storage, _SEPTEMBER, SparkEngine(cluster.url)) as making:
        read = making.read(_EDITIONS, files / file_name("editions", SEPTEMBER), _SEPTEMBER)
        killing.join()
        made = making.make(_OF_EDITIONS).made
    wait_until(lambda: cluster.alive() == 1, 90, what="the master misses a worker")
    assert read.changed
    assert made.version == of_spark.made[made.table].version
    assert read.made.rows == of_spark.made[_EDITIONS.table].rows
    assert rows(of_spark.root, made) == rows(of_spark.root.with_name("duckdb"), made_by_duckdb(of_spark, made))


def made_by_duckdb(lake: Lake, made: Made) -> Made:
    """Return the record of a table as the other engine has made it."""
    with building(LocalStorage(lake.root.with_name("duckdb")), _SEPTEMBER) as making:
        there = making.make(_OF_EDITIONS)
    assert not there.changed
    assert there.made.table == made.table
    return there.made


def _jobs(ui: str) -> list[object]:
    try:
        return list(asked(f"{ui}/api/v1/applications/{_application(ui)}/jobs"))
    except requests.RequestException:
        return []


def _is_working(ui: str) -> bool:
    return any(stage["numActiveTasks"] for stage in asked(f"{ui}/api/v1/applications/{_application(ui)}/stages"))


def _application(ui: str) -> str:
    return str(asked(f"{ui}/api/v1/applications")[0]["id"])
