"""Which engine makes the tables of dumps, as the settings say; all that Spark makes is in the tests that need it."""

import subprocess
import sys

from openlib_assets.lake.dumps.building import engine_of
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.settings import SPARK, Settings


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
