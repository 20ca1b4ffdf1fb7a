"""What the store sells, in Dagster: read when its file changes, matched over all subjects, nothing without a file."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from openlib_assets.cli.across_subjects import AcrossSubjectsError, read_store_file
from openlib_assets.cli.subject_states import before_store
from openlib_assets.defs.assets import store
from openlib_assets.defs.sensors import store_file
from openlib_assets.lake.catalog import ask, by_name
from openlib_assets.lake.contract import STORE_CATALOGUE, STORE_MATCHES
from openlib_assets.lake.store.catalogue import StoreFile
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker
from openlib_assets_tests.defs.test_automation import Daemon

CATALOGUE = "silver/store_catalogue/part-0.parquet"
STOCKING = "gold/stocking_list/subject=tea/part-0.parquet"
MATCHES = "silver/store_matches/part-0.parquet"


@pytest.fixture
def pipeline(instance: dg.DagsterInstance, new_place: PlaceMaker) -> Iterator[Pipeline]:
    with Sandbox(SandboxConfig({"tea": 60})) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        assert pipeline.run("tea").success
        yield pipeline


def latest(pipeline: Pipeline, name: str) -> dg.AssetMaterialization | None:
    event = pipeline.instance.get_latest_materialization_event(dg.AssetKey(name))
    return event.asset_materialization if event else None


def run(pipeline: Pipeline, job: str) -> dg.ExecuteInProcessResult:
    with pipeline.environment():
        return pipeline.definitions.resolve_job_def(job).execute_in_process(
            instance=pipeline.instance, raise_on_error=False
        )


def tick(pipeline: Pipeline, cursor: str | None = None) -> tuple[int, str | None]:
    """Return how many runs the sensor asks for, and what it leaves to its next tick."""
    with pipeline.environment():
        context = dg.build_sensor_context(pipeline.instance, cursor=cursor)
        result = store_file(context)
    if isinstance(result, dg.SkipReason):
        return 0, cursor
    assert isinstance(result, dg.SensorResult)
    return len(result.run_requests or []), result.cursor


def write(file: Path, rows: list[tuple[Any, ...]]) -> None:
    with file.open("w", encoding="cp1252", errors="replace", newline="") as opened:
        csv.writer(opened, delimiter=";").writerows([("EAN", "Titel", "Autor", "Verkauft"), *rows])


def test_the_store_is_matched_as_its_file_says(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a file, nothing is made, and what is made across subjects does not wait for it.
    assert tick(pipeline)[0] == 0
    assert run(pipeline, "across_subjects").success
    assert not pipeline.storage.exists(MATCHES)
    matches = latest(pipeline, "store_matches")
    assert matches
    assert "OPENLIB_STORE_CATALOGUE" in str(matches.metadata["state"].value)
    assert pipeline.storage.exists("catalog.duckdb")

    # With one, the sensor asks for a run once.
    file = tmp_path / "store.csv"
    isbn = pipeline.table("silver/work_isbns/subject=tea/part-0.parquet").to_pylist()[0]
    write(
        file,
        [(isbn["isbn13"], "", "", "1.200"), ("", "No such book at all", "Nobody Known", "7"), ("9,78E+12", "", "", "")],
    )
    pipeline.variables["OPENLIB_STORE_CATALOGUE"] = str(file)
    daemon = Daemon(pipeline, "stocking_list", "store_matches")
    assert daemon.tick() == {}
    asked, cursor = tick(pipeline)
    assert asked == 1
    assert read_if_changed(pipeline, file)
    assert not read_if_changed(pipeline, file)
    with monkeypatch.context() as patch:
        patch.setattr(store, "STORE_CATALOGUE", replace(STORE_CATALOGUE, code_version="of the next release"))
        assert tick(pipeline)[0] == 1
    whole = pipeline.storage.read(CATALOGUE)
    pipeline.storage.write(CATALOGUE, b"damaged")
    read_if_changed(pipeline, file)
    assert pipeline.storage.read(CATALOGUE) == whole
    assert before_store(pipeline.instance) == ["tea"]
    assert daemon.tick() == {"stocking_list": {"tea"}, "store_matches": {"None"}}
    assert tick(pipeline, cursor)[0] == tick(pipeline)[0] == 0
    assert pipeline.table(CATALOGUE).to_pylist()[0] == {
        "row": 0,
        "isbn13": isbn["isbn13"],
        "title": None,
        "author": None,
        "price": None,
        "units_sold": 1200,
    }
    read = latest(pipeline, "store_catalogue")
    assert read
    assert read.metadata["read as: isbn"].value == "EAN"
    assert read.metadata["read as: delimiter"].value == "semicolon"
    checks = {key.name: it for key, it in evaluations(pipeline).items()}
    assert checks["contract_holds"].passed
    assert not checks["cells_can_be_read"].passed
    assert checks["cells_can_be_read"].metadata["lost_precision"].value == 1

    # The subject itself is unchanged, but its stocking list is not.
    assert pipeline.run("tea").success
    assert before_store(pipeline.instance) == []
    listed = {row["work_key"]: row["in_store"] for row in pipeline.table(STOCKING).to_pylist()}
    assert listed.pop(isbn["work_key"]) == "yes"
    assert set(listed.values()) <= {"no", "review"}
    assert run(pipeline, "across_subjects").success
    found = pipeline.table(MATCHES).to_pylist()
    assert [(row["row"], row["work_key"], row["decision"], row["rule"]) for row in found] == [
        (0, isbn["work_key"], "yes", "isbn"),
        (1, None, "no", None),
        (2, None, "no", None),
    ]
    with pipeline.environment():
        query = "SELECT decision, units_sold FROM store_matches JOIN store_catalogue USING (row) ORDER BY row"
        views = by_name([STORE_CATALOGUE, STORE_MATCHES])
        (shown, _) = ask(pipeline.storage, views, lambda connection: connection.sql(query).fetchall())
    assert shown[0] == ("yes", 1200)

    # A file that cannot be read is told of in one line, and is not tried again until it changes.
    file.write_text("nothing;of;use\n", encoding="utf-8")
    asked, cursor = tick(pipeline, cursor)
    assert asked == 1
    with pytest.raises(AcrossSubjectsError) as refused:
        read_if_changed(pipeline, file)
    assert f"{file}: no row of the first 20 names" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert pipeline.table(CATALOGUE).num_rows == 3
    assert tick(pipeline, cursor)[0] == 0

    # One whose run was killed is tried once more.
    instance = pipeline.instance
    for asked_again in (1, 0):
        killed = instance.create_run_for_job(pipeline.definitions.resolve_job_def("read_store_catalogue"))
        instance.report_run_failed(killed)
        asked, cursor = tick(pipeline, cursor)
        assert asked == asked_again

    # When it is no longer set, that is recorded once.
    del pipeline.variables["OPENLIB_STORE_CATALOGUE"]
    asked, cursor = tick(pipeline, cursor)
    assert asked == 1
    assert run(pipeline, "read_store_catalogue").success
    assert tick(pipeline, cursor)[0] == tick(pipeline)[0] == 0


def read_if_changed(pipeline: Pipeline, file: Path) -> bool:
    """Let the command read the store's file, as before each of its runs; return whether it did."""
    before = latest(pipeline, "store_catalogue")
    with pipeline.environment():
        read_store_file(pipeline.instance, pipeline.definitions, pipeline.storage, StoreFile(str(file), {}))
    return latest(pipeline, "store_catalogue") != before


def evaluations(pipeline: Pipeline) -> dict[dg.AssetCheckKey, dg.AssetCheckEvaluation]:
    """Return the last evaluation of each check of the store's catalogue."""
    found = {}
    for key in pipeline.definitions.resolve_asset_graph().asset_check_keys:
        if key.asset_key == dg.AssetKey("store_catalogue"):
            record = pipeline.instance.event_log_storage.get_asset_check_execution_history(key, 1)[0]
            assert record.evaluation
            found[key] = record.evaluation
    return found
