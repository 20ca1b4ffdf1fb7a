"""The catalogue of a dump on a real cluster of two workers is what DuckDB makes of it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.contract import Layer
from openlib_assets.lake.dumps.lakes import building
from openlib_assets.lake.dumps.lines import DumpFileError
from openlib_assets.lake.dumps.lookup import works_of_subject
from openlib_assets.lake.dumps.spark.engine import SparkEngine
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.spark.catalogues import SEPTEMBER, assert_same_table, build
from openlib_assets_tests.spark.conftest import Lake
from openlib_assets_tests.tools.spark_cluster import Cluster

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("spark")]


@pytest.fixture(scope="module")
def of_spark(of_duckdb: Lake, files: Path, cluster: Cluster) -> Lake:
    """What Spark makes of September beside DuckDB's August."""
    root = of_duckdb.root.with_name("spark")
    return Lake(root, build(root, files, SEPTEMBER, SparkEngine(cluster.url)))


@pytest.mark.parametrize("name", [one.table for one in (*FILES, *STEPS)])
def test_both_engines_make_the_same_rows_in_the_same_order(of_duckdb: Lake, of_spark: Lake, name: str) -> None:
    assert_same_table(of_spark.root, of_duckdb.root, name, SEPTEMBER)


def test_both_engines_make_the_same_versions(of_duckdb: Lake, of_spark: Lake) -> None:
    ours, theirs = ({name: made.version for name, made in lake.made.items()} for lake in (of_duckdb, of_spark))
    assert ours == theirs


def test_each_subject_is_in_one_part_that_its_first_key_tells(of_spark: Lake) -> None:
    made = of_spark.made["catalogue_subject_works"]
    folder = of_spark.root / Layer.SILVER / made.table / f"dump={SEPTEMBER}"
    held = [pq.read_table(folder / part, columns=["subject"])["subject"].to_pylist() for part in made.parts]
    assert len(held) > 1
    assert made.firsts == ["", *(subjects[0] for subjects in held[1:])]
    assert sum(len(set(subjects)) for subjects in held) == len({one for subjects in held for one in subjects})


@pytest.mark.parametrize("subject", ["love", "person:sherlock_holmes", "time:20th_century"])
def test_a_subject_is_found_alike_in_both_lakes(of_duckdb: Lake, of_spark: Lake, subject: str) -> None:
    ours, theirs = (
        pa.Table.from_batches(works_of_subject(LocalStorage(lake.root), str(SEPTEMBER), subject, "payload", 1000))
        for lake in (of_duckdb, of_spark)
    )
    assert ours.num_rows >= 200
    assert theirs == ours


def test_a_table_tells_who_made_it_and_what_that_took(of_spark: Lake) -> None:
    made = of_spark.made["work_documents"]
    assert made.engine == "spark"
    assert str(made.numbers["application"]).startswith("app-")
    assert made.numbers["stages"] >= 3  # type: ignore[operator]  # a number
    assert made.numbers["shuffle bytes"] > 0  # type: ignore[operator]
    assert made.numbers["spill bytes"] == 0
    assert 0 < made.numbers["executor CPU seconds"] <= made.cpu_seconds  # type: ignore[operator]
    of_lines = of_spark.made["dump_works"].numbers
    assert of_lines["stages"] == 2, "a file is decompressed once"


def test_a_damaged_file_is_named(files: Path, cluster: Cluster, tmp_path: Path) -> None:
    whole = (files / file_name("works", SEPTEMBER)).read_bytes()
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.gz").write_bytes(b"<html>")
    works = next(file for file in FILES if file.name == "works")
    with building(LocalStorage(tmp_path / "lake"), str(SEPTEMBER), SparkEngine(cluster.url)) as making:
        for name in ("cut.gz", "none.gz"):
            with pytest.raises(DumpFileError, match=rf"{name}: damaged; remove it, and fetch it again$"):
                making.read(works, tmp_path / name, name)
