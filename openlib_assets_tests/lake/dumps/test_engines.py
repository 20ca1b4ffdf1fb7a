"""Which engine makes the tables of dumps, as the settings say; all that Spark makes is in the tests that need it."""

import subprocess
import sys
from pathlib import Path

import pytest

from openlib_assets.lake.dumps.building import engine_of
from openlib_assets.lake.dumps.lakes import building
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.spark.session import SparkError
from openlib_assets.lake.dumps.steps import FILES
from openlib_assets.settings import SPARK, Settings
from openlib_assets.storage import open_storage
from openlib_assets_tests.conftest import PlaceMaker, environment
from openlib_assets_tests.tools.dump_lines import DATE


def test_the_settings_name_the_engine() -> None:
    assert engine_of(Settings()).name == "duckdb"
    assert engine_of(Settings(engine=SPARK, spark="spark://host:7077")) == SparkEngine("spark://host:7077")


def test_duckdb_loads_nothing_of_spark() -> None:
    code = """if True:
        import sys
        from openlib_assets.defs.assets.dumps import catalogue_assets
        from openlib_assets.lake.dumps.building import engine_of
        from openlib_assets.settings import Settings
        engine_of(Settings())
        print({"pyspark", "sqlglot", "openlib_assets.lake.dumps.spark.engine"} & {*sys.modules})
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_lake_on_s3_is_refused_in_a_line(new_place: PlaceMaker, tmp_path: Path) -> None:
    place = new_place("s3")
    refused = rf"{place.root}.*: Spark has no S3 by itself, .*; name one in OPENLIB_STORAGE, or leave .* at duckdb$"
    with (
        environment(place.variables),
        building(open_storage(place.root), DATE, SparkEngine("local[1]")) as build,
        pytest.raises(SparkError, match=refused),
    ):
        build.read(FILES[0], tmp_path / "file", "digest")
