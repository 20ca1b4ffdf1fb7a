"""The Databricks text of the aggregates, executed by Spark as it stands, on the files as they lie in the storage.

PySpark is imported where it is used: tests that need no Java are collected without it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openlib_assets.lake.contract import Table
from openlib_assets.lake.warehouse.refreshing import refresh
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.lake.test_warehouse_readers import ODD
from openlib_assets_tests.tools import analysts, dialects
from openlib_assets_tests.tools.dialects import AGGREGATES
from openlib_assets_tests.tools.made_up_lake import fetch, write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

# As a warehouse would be set: `1984` is a text, and no name may be a reserved word.
_SETTINGS = {
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.enforceReservedKeywords": "true",
}
# Spark takes each percent-encoded byte of a folder's name for a character.
_SUBJECT = "decode(encode(subject, 'ISO-8859-1'), 'UTF-8')"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of all subjects."""
    root = tmp_path_factory.mktemp("analysts") / "root"
    analysts.write_tables(root)
    return root


@pytest.fixture(scope="module")
def warehouse(spark: "SparkSession", root: Path) -> "SparkSession":
    """Show the tables to a session of their own."""
    session = spark.newSession()
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    session.sql(f"CREATE SCHEMA {dialects.SCHEMA}")
    for name in analysts.SOURCES:
        rows = f"SELECT * EXCEPT (subject), {_SUBJECT} AS subject FROM parquet.`{analysts.folder(root, name)}`"  # noqa: S608
        session.sql(f"CREATE VIEW {dialects.SCHEMA}.{name} AS {rows}")
    return session


@pytest.mark.parametrize("subject", analysts.SUBJECTS)
@pytest.mark.parametrize("table", AGGREGATES, ids=lambda table: table.name)
def test_spark_makes_the_same_of_the_tables_of_all_subjects(
    warehouse: "SparkSession", root: Path, table: Table, subject: str
) -> None:
    found = warehouse.sql(dialects.translated(table, "databricks", subject))
    assert found.columns == [column.name for column in table.columns]
    analysts.assert_same_cells(found.collect(), analysts.kept_rows(root, table, subject))


@pytest.mark.parametrize("name", analysts.SOURCES)
def test_spark_knows_every_subject_by_its_key(warehouse: "SparkSession", name: str) -> None:
    found = warehouse.table(f"{dialects.SCHEMA}.{name}").select("subject").distinct().collect()
    assert sorted(subject for (subject,) in found) == sorted(analysts.SUBJECTS)


def test_a_subject_that_is_a_number_stays_the_text_of_its_key(warehouse: "SparkSession", root: Path) -> None:
    folder = analysts.folder(root, "author_books")
    found = warehouse.read.option("basePath", str(folder)).parquet(f"{folder}/subject=1984")
    assert found.schema["subject"].dataType.simpleString() == "string"


def test_the_warehouse_has_the_names_of_subjects_as_they_are(warehouse: "SparkSession", tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "year=2026/subject=books/root")
    with Sandbox(SandboxConfig(dict.fromkeys(ODD, 2))) as sandbox:
        for subject in ODD:
            write(storage, fetch(sandbox, subject, 0))
    version = refresh(storage, lambda: dict.fromkeys(ODD, "")).version
    table = warehouse.read.parquet(storage.uri(version.file("work_subjects")))
    assert sorted({row["subject"] for row in table.collect()}) == sorted(ODD)
    assert table.columns == ["subject", "work_key"]
