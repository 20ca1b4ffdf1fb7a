"""A lake of a dump on S3: the same tables, a subject is found with a few requests, and everything made from it."""

from datetime import date
from pathlib import Path
from urllib.parse import unquote

import dagster as dg

from openlib_assets.lake.dumps.lookup import works_of_subject
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import open_storage
from openlib_assets_tests.conftest import Pipeline, PlaceMaker, environment
from openlib_assets_tests.tools.disks import Fault, TroubledS3
from openlib_assets_tests.tools.dump_lakes import assert_same_tables, build_lake, catalogue_tables
from openlib_assets_tests.tools.dump_lines import DATE
from openlib_assets_tests.tools.reference_catalogue import catalogue


def test_a_lake_on_s3_is_exact_and_a_subject_is_found_with_a_few_requests(
    new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    with Sandbox(SandboxConfig({"love": 300, "place:oz": 30}, settled=True)) as sandbox:
        sandbox.write_dumps(tmp_path, date.fromisoformat(DATE), mess=0.01)
    place = new_place("s3")
    asked: list[str] = []

    def count(_number: int, method: str, path: str) -> Fault | None:
        asked.append(f"{method} {unquote(path)}")
        return None

    with TroubledS3(place.variables["AWS_ENDPOINT_URL"]) as s3:
        s3.trouble = count
        with environment({**place.variables, "AWS_ENDPOINT_URL": s3.url}):
            storage = open_storage(place.root)
            build_lake(storage, tmp_path, DATE)
            assert_same_tables(catalogue_tables(storage, DATE), catalogue(tmp_path, DATE))
            asked.clear()
            (batch,) = works_of_subject(storage, DATE, "place:oz", "payload", 1000)
            assert batch.num_rows == 30
    # Nobody answers for Open Library.
    pipeline = Pipeline(place, instance, "http://127.0.0.1:9", OPENLIB_SOURCE="dump")
    assert pipeline.run("place:oz").success
    (summary,) = pipeline.table("gold/subject_summary/subject=place%3Aoz/part-0.parquet").to_pylist()
    assert (summary["works"], summary["source"]) == (30, f"dump:{DATE}/works/place:oz")
    # The record of the table, and of its file the length, the end and a range of rows.
    assert [path for path in asked if f"silver/catalogue_subject_works/dump={DATE}/" not in path] == []
    assert len(asked) <= 6
