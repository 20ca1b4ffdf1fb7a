"""What events leave in the databases, against Dagster's own storage: the same rows, in every column."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.events import AssetMaterializationPlannedData, AssetObservationData, StepMaterializationData
from dagster._core.storage.event_log import SqliteEventLogStorage

from openlib_assets.defs.instance.event_log import EventLogStorage
from openlib_assets_tests.tools.events import RUN, an_event, change, of_type, rows

TYPES = dg.DagsterEventType
# Names in which something could be taken for SQL, for JSON or for a parameter.
ODD = ("love", "o'brien", 'a"b', "100%", "?", ":p", "место:любовь", "\\", "line\nbreak")


def made(asset: str, partition: str | None, **more: Any) -> dg.EventLogEntry:
    tags = {DATA_VERSION_TAG: "v1", "dagster/partition/day": "7", "other": "left_out"}
    shown = dg.MetadataValue.md('| "a" |\n')
    metadata: dict[str, Any] = {"rows": 3, "preview": shown, "seen": dg.MetadataValue.timestamp(2.5)}
    thing = dg.AssetMaterialization(dg.AssetKey(asset), partition=partition, metadata=metadata, tags=tags)
    return an_event(of_type(TYPES.ASSET_MATERIALIZATION, StepMaterializationData(thing)), **more)


def planned(asset: str, partition: str | None) -> dg.EventLogEntry:
    data = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=partition)
    return an_event(of_type(TYPES.ASSET_MATERIALIZATION_PLANNED, data))


def observed(asset: str, partition: str | None) -> dg.EventLogEntry:
    thing = dg.AssetObservation(asset, partition=partition, tags={DATA_VERSION_TAG: "seen"})
    return an_event(of_type(TYPES.ASSET_OBSERVATION, AssetObservationData(thing)))


def check_planned(asset: str, *partitions: str) -> dg.EventLogEntry:
    subset = DefaultPartitionsSubset(set(partitions)) if partitions else None
    data = AssetCheckEvaluationPlanned(asset_key=dg.AssetKey(asset), check_name="c", partitions_subset=subset)
    return an_event(of_type(TYPES.ASSET_CHECK_EVALUATION_PLANNED, data))


def checked(asset: str, partition: str | None, *, passed: bool = True, **more: Any) -> dg.EventLogEntry:
    target = AssetCheckEvaluationTargetMaterializationData(storage_id=1, run_id=RUN, timestamp=1.5) if passed else None
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name="c",
        passed=passed,
        metadata={"rows": 3},
        partition=partition,
        target_materialization_data=target,
    )
    return an_event(of_type(TYPES.ASSET_CHECK_EVALUATION, evaluation), **more)


EVENTS = {
    "made": [made("a", name) for name in (*ODD, "love", None)],
    "made of assets": [made(name, "p") for name in ODD],
    "planned": [planned("a", name) for name in (*ODD, "love", None)],
    "planned, then made, then planned": [planned("a", "p"), made("a", "p"), planned("a", "p"), planned("a", "q")],
    "of another run": [made("a", "p"), made("a", "p", run_id="another"), checked("a", "p", run_id="another")],
    "observed": [observed("a", "p"), made("a", "p"), observed("a", None)],
    "checked": [checked("a", name, passed=name != "?") for name in ODD],
    "planned to be checked": [check_planned("planned", *ODD), checked("planned", "love"), check_planned("other", "p")],
    "checked again": [checked("a", "p"), checked("a", "p", passed=False), checked("a", "q"), checked("b", "p")],
    "checked of no partition": [check_planned("a"), checked("a", None), checked("b", None)],
    "checked in no run": [checked("a", "p", run_id=""), checked("b", None, run_id="")],
    "lines and steps": [an_event(text="ü"), an_event(of_type(TYPES.STEP_START)), an_event(of_type(TYPES.RUN_START))],
}

TABLES = {
    "event_logs": "id, run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition",
    "asset_keys": "id, asset_key, last_materialization, last_run_id, asset_details, wipe_timestamp, "
    "last_materialization_timestamp, tags, cached_status_data",
    "asset_event_tags": "id, event_id, asset_key, key, value, event_timestamp",
    "asset_check_executions": "id, asset_key, check_name, partition, run_id, execution_status, evaluation_event, "
    "evaluation_event_timestamp, evaluation_event_storage_id, materialization_event_storage_id",
}


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[tuple[EventLogStorage, SqliteEventLogStorage]]:
    mine, dagsters = EventLogStorage(str(tmp_path / "mine")), SqliteEventLogStorage(str(tmp_path / "dagsters"))
    yield mine, dagsters
    mine.dispose()
    dagsters.dispose()


def kept(folder: Path) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    return {
        (file.name, table): rows(file, f"SELECT {columns} FROM {table} ORDER BY id")  # noqa: S608 - names from this module
        for file in sorted(folder.glob("*.db"))
        for table, columns in TABLES.items()
    }


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
def test_every_kind_of_event_leaves_the_same_rows(
    logs: tuple[EventLogStorage, SqliteEventLogStorage], tmp_path: Path, at_once: bool
) -> None:
    for kind, events in EVENTS.items():
        for log in logs:
            if at_once:
                log.store_event_batch(events)
            else:
                for event in events:
                    log.store_event(event)
        assert kept(tmp_path / "mine") == kept(tmp_path / "dagsters"), kind
    counts = {table: len(found) for (file, table), found in kept(tmp_path / "mine").items() if file == "index.db"}
    assert counts["event_logs"] == sum(map(len, EVENTS.values())) - 2  # a line and a step are not for the index
    assert min(counts.values()) >= len(ODD)


def test_of_events_at_once_all_are_stored_or_none(logs: tuple[EventLogStorage, Any], tmp_path: Path) -> None:
    refused = "BEFORE INSERT ON event_logs WHEN NEW.partition = 'q' BEGIN SELECT RAISE(ABORT, 'no q here'); END"
    change(tmp_path / "mine" / "index.db", f"CREATE TRIGGER refuse {refused}")
    with pytest.raises(Exception, match="no q here"):
        logs[0].store_event_batch([planned("a", "p"), planned("a", "q")])
    logs[0].store_event_batch([planned("a", "p"), planned("a", "r")])
    for file in ("index.db", f"{RUN}.db"):
        assert rows(tmp_path / "mine" / file, "SELECT partition FROM event_logs ORDER BY id") == [("p",), ("r",)]
