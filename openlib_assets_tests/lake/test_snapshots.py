"""Bronze snapshots: names that keep their order whatever the clock says, and times that are those of the clock."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, next_name, snapshot_names
from openlib_assets.lake.contract import RAW_WORKS
from openlib_assets.lake.table_files import TableFile
from openlib_assets.lake.transform import connected, run_checks
from openlib_assets.storage import LocalStorage

NOW = datetime(2026, 11, 29, 23, 59, 59, 900_000, tzinfo=UTC)
ABOUT = {"source": "x", "url": "x", "work_count": "1", "pages": "1", "content_hash": "x"}


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ([], "20261129T235959Z"),
        (["20260101T000000Z"], "20261129T235959Z"),
        (["20261129T235959Z"], "20261130T000000Z"),  # of the same second
        (["20260101T000000Z", "20271231T235959Z"], "20280101T000000Z"),  # of a clock that was ahead
    ],
)
def test_a_name_is_the_time_or_a_second_after_the_name_before(tmp_path: Path, before: list[str], name: str) -> None:
    storage = LocalStorage(tmp_path)
    for earlier in before:
        storage.write(layout.snapshot_file("love", earlier), b"")
    assert next_name(storage, "love", NOW) == name


def test_a_folder_with_another_name_is_no_snapshot(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    for name in ("20260101T000000Z", "old", "20260101T000000Z.bak"):
        storage.write(layout.snapshot_file("love", name), b"")
    assert snapshot_names(storage, "love") == ["20260101T000000Z"]


def test_a_snapshot_is_read_as_it_was_written_and_one_of_an_earlier_release_is_named_by_its_time() -> None:
    earlier = Snapshot.of(TableFile(Path("x"), {**ABOUT, "fetched_at": NOW.isoformat()}))
    assert earlier.name == "20261129T235959Z"
    shifted = Snapshot("20280101T000000Z", "x", "x", NOW, 1, 1, "x", None)
    assert Snapshot.of(TableFile(Path("x"), shifted.metadata())) == shifted
    assert shifted.row().values["snapshot_year"] == 2026


@pytest.mark.parametrize(("year", "passes"), [(2020, True), (2999, False)])
def test_a_snapshot_of_the_future_is_warned_of(year: int, passes: bool) -> None:
    snapshot = Snapshot("x", "x", "x", datetime(year, 1, 1, tzinfo=UTC), 1, 1, "x", None).row()
    works = [{"work_key": "OL1W", "position": 0, "payload": "{}"}]
    inputs = {
        "raw_works": pa.Table.from_pylist(works, schema=RAW_WORKS.schema),
        "snapshot": snapshot,
        "previous_snapshot": snapshot.left_out(),
    }
    with connected(inputs) as connection:
        outcomes = {outcome.check.name: outcome for outcome in run_checks(connection, RAW_WORKS)}
    assert outcomes["was_fetched_by_now"].passed == passes
    assert all(outcome.passed for name, outcome in outcomes.items() if name != "was_fetched_by_now")
