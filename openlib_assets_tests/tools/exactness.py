"""Whether what lies in a storage is exactly what it should be, to the last cell and byte."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from openlib_assets.lake.contract import CSV_TABLES
from openlib_assets.sandbox import Sandbox
from openlib_assets_tests.conftest import CSV, Pipeline, Place, assert_same_rows, assert_tables_equal, reference_tables
from openlib_assets_tests.tools.reference import csv_text

ORDER_FILES = ("order_list.csv", "order_list.xlsx")
_COLUMNS = {table.name: [column.name for column in table.columns] for table in CSV_TABLES}


def assert_exact(pipeline: Pipeline, sandbox: Sandbox, subject: str) -> None:
    """Compare every table and every CSV file of a subject with the reference of the catalogue as it stands."""
    assert_exact_for(pipeline, subject, list(sandbox.works(subject)))


def assert_exact_for(pipeline: Pipeline, subject: str, works: Sequence[Mapping[str, Any]]) -> None:
    """Compare every table and every CSV file of a subject with the reference of these works.

    What to order depends on editions, too, and is compared elsewhere.
    """
    wanted = reference_tables(pipeline, subject, works)
    assert_tables_equal(pipeline, subject, wanted)
    folder = f"exports/{quote(subject, safe='')}"
    names = {*(f"{name}.csv" for name in CSV), *ORDER_FILES}
    assert set(pipeline.storage.paths(folder)) == {f"{folder}/{name}" for name in names}
    for name in CSV:
        found = pipeline.storage.read(f"{folder}/{name}.csv").decode().split("\n")
        assert_same_rows(found, csv_text(_COLUMNS[name], wanted[name]).split("\n"))


def assert_nothing_left(place: Place) -> None:
    """Check that no page waits, no lock is held and no file is half-written."""
    assert [path for path in place.states() if path.startswith("_") or ".writing-" in path] == []


def end_lease(place: Place, subject: str) -> None:
    """Remove the lock that a killed holder left on S3, so that nobody has to watch it; on disk it is gone."""
    storage = place.open()
    if storage.kind == "s3":
        storage.delete(f"_locks/{quote(subject, safe='')}")
