"""What the index is asked in plain SQL, against Dagster's own storage on the same files."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.event_api import EventLogCursor
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster_shared.check import CheckError

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets_tests.tools.instances import temporary_instance

MADE = dg.DagsterEventType.ASSET_MATERIALIZATION
# Names in which something could be taken for SQL, for a pattern or for a parameter.
PARTITIONS = ["love", "place:são_paulo", "person:o'brien", 'a"b', "100%", "_", "?", ":p", "null", "любовь"]
ASSETS = {name: dg.AssetKey(name) for name in ("made", "wiped", "wiped and made", "without", "never")}
AFTER_THREE = EventLogCursor.from_storage_id(3).to_string()
_INPUT_TAG = "dagster/input_event_pointer/other"


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """Some assets: each partition was made several times, one asset was wiped, one was made again after that."""
    with temporary_instance() as instance:
        instance.add_dynamic_partitions("subjects", PARTITIONS)
        instance.add_dynamic_partitions("others", ["elsewhere"])
        for name in ("made", "wiped", "wiped and made"):
            for number in range(3):
                make(instance, name, PARTITIONS[number:], f"version {number}")
        instance.report_runless_asset_event(dg.AssetMaterialization("without"))
        instance.wipe_assets([ASSETS["wiped"], ASSETS["wiped and made"]])
        make(instance, "wiped and made", PARTITIONS[:2], "after")
        yield instance


def make(instance: dg.DagsterInstance, name: str, partitions: list[str], version: str) -> None:
    for partition in partitions:
        tags = {DATA_VERSION_TAG: version, _INPUT_TAG: "7"}
        instance.report_runless_asset_event(dg.AssetMaterialization(ASSETS[name], partition=partition, tags=tags))


@pytest.fixture(scope="module")
def mine(instance: dg.DagsterInstance) -> EventLogStorage:
    storage = instance.event_log_storage
    assert isinstance(storage, EventLogStorage)
    return storage


@pytest.fixture(scope="module")
def dagsters(mine: EventLogStorage) -> Iterator[SqliteEventLogStorage]:
    storage = SqliteEventLogStorage(mine._base_dir)
    yield storage
    storage.dispose()


@pytest.mark.parametrize("partition", [*PARTITIONS, "elsewhere", "Love", "lov", "", "%"])
def test_a_partition_is_registered_or_not(
    mine: EventLogStorage, dagsters: SqliteEventLogStorage, partition: str
) -> None:
    for definition in ("subjects", "others", "none"):
        found = mine.has_dynamic_partition(definition, partition)
        assert found == dagsters.has_dynamic_partition(definition, partition)
        assert found == (partition in {"subjects": PARTITIONS, "others": ["elsewhere"]}.get(definition, []))


@pytest.mark.parametrize("name", ASSETS)
@pytest.mark.parametrize("some", [PARTITIONS, PARTITIONS[:1], ["unknown", "любовь"], ["unknown"], [], None])
def test_the_latest_of_each_partition_and_its_tags(
    mine: EventLogStorage, dagsters: SqliteEventLogStorage, name: str, some: list[str] | None
) -> None:
    asset, partitions = ASSETS[name], None if some is None else set(some)
    ids = dagsters.get_latest_storage_id_by_partition(asset, MADE, partitions)
    assert mine.get_latest_storage_id_by_partition(asset, MADE, partitions) == ids
    middle = sorted(ids.values())[len(ids) // 2] if ids else 1
    assert mine.get_latest_storage_id_by_partition(
        asset, MADE, partitions, middle
    ) == dagsters.get_latest_storage_id_by_partition(asset, MADE, partitions, middle)
    for cursors in ((None, None), (middle, None), (None, middle)):
        wanted = dagsters.get_latest_tags_by_partition(asset, MADE, [DATA_VERSION_TAG], some, *cursors)
        assert mine.get_latest_tags_by_partition(asset, MADE, [DATA_VERSION_TAG], some, *cursors) == wanted
    for storage in (mine, dagsters):
        with pytest.raises(CheckError, match="whitelisted"):
            storage.get_latest_tags_by_partition(asset, MADE, [_INPUT_TAG], some)


def test_what_is_asked_tells_something(mine: EventLogStorage) -> None:
    tags = mine.get_latest_tags_by_partition(ASSETS["made"], MADE, [DATA_VERSION_TAG], PARTITIONS)
    versions = ["version 0", "version 1", *["version 2"] * (len(PARTITIONS) - 2)]
    assert tags == {key: {DATA_VERSION_TAG: version} for key, version in zip(PARTITIONS, versions, strict=True)}
    assert not mine.get_latest_storage_id_by_partition(ASSETS["wiped"], MADE, set(PARTITIONS))
    again = mine.get_latest_storage_id_by_partition(ASSETS["wiped and made"], MADE, set(PARTITIONS))
    assert set(again) == set(PARTITIONS[:2])


def test_all_tags_of_a_record_are_those_that_dagster_reads(mine: EventLogStorage, instance: dg.DagsterInstance) -> None:
    for asset in (ASSETS["made"], ASSETS["wiped and made"]):
        ids = list(mine.get_latest_storage_id_by_partition(asset, MADE).values())
        records = instance.fetch_materializations(dg.AssetRecordsFilter(asset, storage_ids=ids), 100).records
        wanted = {record.partition_key: record.asset_materialization.tags for record in records}  # type: ignore[union-attr]
        assert wanted
        assert all(_INPUT_TAG in tags for tags in wanted.values() if tags is not None)
        assert mine.all_tags(ids) == wanted
    assert mine.all_tags([]) == {}


def test_a_record_without_tags_has_none(mine: EventLogStorage, instance: dg.DagsterInstance) -> None:
    odd = {"half a character": "\ud800"}
    instance.report_runless_asset_event(dg.AssetMaterialization("untagged", partition="love", metadata=odd))
    (storage_id,) = mine.get_latest_storage_id_by_partition(dg.AssetKey("untagged"), MADE).values()
    (tags,) = mine.all_tags([storage_id]).values()
    record = instance.fetch_materializations(dg.AssetKey("untagged"), 1).records[0].asset_materialization
    assert record is not None
    assert tags == (record.tags or {})


def test_the_record_of_each_asset_is_dagsters_and_made_of_its_text_once(
    mine: EventLogStorage, dagsters: SqliteEventLogStorage, instance: dg.DagsterInstance
) -> None:
    keys = list(ASSETS.values())
    wanted = {record.asset_entry.asset_key: record.asset_entry for record in dagsters.get_asset_records(keys)}
    assert wanted[ASSETS["made"]].last_materialization_record
    assert ASSETS["never"] not in wanted
    for _ in range(2):
        found = {record.asset_entry.asset_key: record.asset_entry for record in mine.get_asset_records(keys)}
        assert found == wanted
    again = mine.get_asset_records(keys)
    before = found[ASSETS["made"]].last_materialization_record
    assert any(record.asset_entry.last_materialization_record is before for record in again)
    make(instance, "made", ["love"], "later")
    (after,) = mine.get_asset_records([ASSETS["made"]])
    assert after.asset_entry == dagsters.get_asset_records([ASSETS["made"]])[0].asset_entry
    assert after.asset_entry.last_materialization_record not in (None, before)


@pytest.mark.parametrize("of_type", [MADE, dg.DagsterEventType.RUN_START, {MADE}, None])
@pytest.mark.parametrize("window", [{}, {"limit": 2}, {"ascending": False}, {"cursor": AFTER_THREE}], ids=str)
def test_the_entries_of_a_run_are_dagsters(
    mine: EventLogStorage, dagsters: SqliteEventLogStorage, of_type: Any, window: dict[str, Any]
) -> None:
    runless = ""
    assert len(dagsters.get_logs_for_run(runless)) > len(PARTITIONS)
    found = mine.get_logs_for_run(runless, of_type=of_type, **window)
    assert found == dagsters.get_logs_for_run(runless, of_type=of_type, **window)
    assert bool(found) == (of_type != dg.DagsterEventType.RUN_START)
