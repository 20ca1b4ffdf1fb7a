"""A lake on S3: by the command, and by the entry point of the job on EMR Serverless, which is submitted to Spark.

Spark from PyPI has no S3. By a file system of Hadoop's own, `s3://` is a folder of this machine to it; what Spark
writes there is put onto moto's S3 before the project looks what there is.
"""

import runpy
import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from dagster_pipes import DagsterPipesWarning

from openlib_assets.cli.main import openlib
from openlib_assets.lake import layout
from openlib_assets.lake.dumps.files import fetch_files
from openlib_assets.lake.dumps.lakes import building, complete_lakes, table_of
from openlib_assets.lake.dumps.made import Made, unmake
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.spark.session import SparkError
from openlib_assets.lake.dumps.steps import FILES, STEPS, layer_of
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage
from openlib_assets.storage.s3 import S3Storage
from openlib_assets_tests.conftest import Place, assert_same_rows, read_table, s3_place
from openlib_assets_tests.tools.deployment import PROJECT_ROOT, shipped_instance
from openlib_assets_tests.tools.dump_lakes import dump_table
from openlib_assets_tests.tools.dump_lines import DATE
from openlib_assets_tests.tools.spark_cluster import Cluster

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

# One of a file and one that is cut by subjects.
_TABLES = "dump_ratings", "catalogue_subject_works"


@pytest.fixture
def place(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A bucket of the environment's S3."""
    place = s3_place(s3_url)
    for name, value in {**place.variables, "OPENLIB_STORAGE": place.root}.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
def bucket(place: Place, spark: "SparkSession", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that is the bucket's prefix to Spark: with the files of a dump, and what DuckDB made of them."""
    parts = urlsplit(place.root)
    top = parts.path.split("/")[1]
    folder, storage = tmp_path / parts.path.strip("/"), place.open()
    seen: set[Path] = set()

    def put() -> None:
        for file in {file for file in folder.rglob("[!.]*") if file.is_file()} - seen:
            storage.write(file.relative_to(folder).as_posix(), file.read_bytes())
            seen.add(file)

    day = date.fromisoformat(DATE)
    with Sandbox(SandboxConfig({"love": 40, "person:ann": 10}, settled=True)) as sandbox:
        sandbox.write_dumps(folder / "dump_files", day)
    put()
    files = fetch_files(Settings(dumps=f"{place.root}/dump_files"), storage, day, lambda *_: None)
    with building(LocalStorage(folder), DATE) as build:
        for file in FILES:
            build.read(file, folder / "dump_files" / file_name(file.name, day), files.content(file.name))
        for step in STEPS:
            build.make(step)
    put()

    paths = S3Storage.paths

    def paths_with_those_of_spark(self: S3Storage, below: str) -> Iterator[str]:
        put()
        return paths(self, below)

    monkeypatch.setattr(S3Storage, "paths", paths_with_those_of_spark)
    settings = {
        "fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        f"fs.viewfs.mounttable.{parts.netloc}.link./{top}": (tmp_path / top).as_uri(),
        # Small as these tables are, they have parts.
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
    }
    for setting, value in settings.items():
        spark.conf.set(setting, value)
    yield folder
    for setting in settings:
        spark.conf.unset(setting)


@pytest.fixture
def wanted(bucket: Path, place: Place) -> Mapping[str, list[dict[str, Any]]]:
    """What DuckDB made of the tables that are missing now."""
    storage = place.open()
    rows = {table: dump_table(storage, table, DATE).to_pylist() for table in _TABLES}
    for table in _TABLES:
        unmake(storage, layer_of(table), table, DATE)
        shutil.rmtree(bucket / layout.dump_folder(layer_of(table), table, DATE))
    return rows


def test_the_job_makes_what_is_missing(
    wanted: Mapping[str, list[dict[str, Any]]], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["build_dump.py", DATE, f"OPENLIB_STORAGE={place.root}"])
    with pytest.warns(DagsterPipesWarning):  # nobody waits for what it tells
        runpy.run_path(str(PROJECT_ROOT / "deploy" / "emr" / "build_dump.py"), run_name="__main__")
    made = _assert_made(place, wanted)
    assert not any("application URL" in one.numbers for one in made)


def test_the_command_makes_what_is_missing(
    wanted: Mapping[str, list[dict[str, Any]]],
    place: Place,
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {"ENGINE": "spark", "SPARK": cluster.url, "DUMPS": f"{place.root}/dump_files", "STORAGE": place.root}
    for name, value in settings.items():
        monkeypatch.setenv(f"OPENLIB_{name}", value)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    shipped_instance(tmp_path / "home")
    done = CliRunner().invoke(openlib, ["dump", "build", DATE], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    made = _assert_made(place, wanted)
    assert all(str(one.numbers["application URL"]).startswith("http://") for one in made)


def test_a_spark_without_s3_says_so_in_a_line(place: Place, cluster: Cluster) -> None:
    address = f"{place.root}/dump_files/{FILES[0].name}.txt.gz"
    said = "^dump_.*: this Spark has no S3; give it the package hadoop-aws, .*, or name a folder .* in OPENLIB_STORAGE$"
    with building(place.open(), DATE, SparkEngine(cluster.url)) as build, pytest.raises(SparkError, match=said):
        build.read(FILES[0], address, "digest")


def _assert_made(place: Place, wanted: Mapping[str, list[dict[str, Any]]]) -> list[Made]:
    """Assert that Spark made what is wanted, and nothing else; return what is told of it."""
    storage = place.open()
    assert complete_lakes(storage) == [DATE]
    made = {table: table_of(storage, table, DATE) for table in wanted}
    for table, rows in wanted.items():
        assert made[table].engine == "spark"
        folder = layout.dump_folder(layer_of(table), table, DATE)
        assert list(storage.paths(folder)) == [f"{folder}/made.json", *made[table].paths()]
        assert made[table].bytes == sum(storage.size(path) for path in made[table].paths())
        found: list[dict[str, Any]] = dump_table(storage, table, DATE).to_pylist()
        if table == "dump_ratings":
            found.sort(key=itemgetter("line"))
        assert_same_rows(found, rows)
    cut = made["catalogue_subject_works"]
    assert len(cut.parts) > 1
    assert cut.firsts == ["", *(read_table(storage, path)["subject"][0].as_py() for path in cut.paths()[1:])]
    assert table_of(storage, "catalogue_works", DATE).engine == "duckdb"
    return list(made.values())
