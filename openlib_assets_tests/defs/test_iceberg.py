"""The assets that register Iceberg tables: there where a catalogue is named, and nowhere else; what they tell."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.cli.across_subjects import across_subjects_is_current
from openlib_assets.cli.runs import QUIET
from openlib_assets.definitions import build_defs
from openlib_assets.defs.assets.iceberg import iceberg_warehouse
from openlib_assets.defs.jobs import ACROSS, ALL, BUILD_DUMP, REBUILD, STORE
from openlib_assets.defs.resources import storage_resource
from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.iceberg.catalogue import Place, is_registered
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.conftest import Pipeline, PlaceMaker, failure_texts
from openlib_assets_tests.tools.warehouses import publish


def steps(definitions: dg.Definitions, job: str) -> set[str]:
    """Return the steps of a job that are about Iceberg."""
    return {name for name in definitions.resolve_job_def(job).graph.node_dict if "iceberg" in name}


def test_they_are_there_only_where_a_catalogue_is_named() -> None:
    without, named = build_defs(Settings()), build_defs(Settings(iceberg="sqlite:///tables.db"))
    jobs = (ACROSS, BUILD_DUMP, ALL, REBUILD, STORE)
    assert [steps(without, job) for job in jobs] == [set()] * len(jobs)
    assert [steps(named, job) for job in jobs] == [{"iceberg_warehouse"}, {"iceberg_catalogue"}, set(), set(), set()]


def test_the_asset_registers_the_warehouse_and_tells_of_it(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path / "root")
    version = publish(storage, {"tea": (20, 1)}, datetime(2026, 11, 3, tzinfo=UTC))
    url = f"sqlite:///{tmp_path}/tables.db"
    place = Place(url, "openlib")

    def run() -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [iceberg_warehouse],
            instance=instance,
            resources={"storage": storage_resource(storage.uri())},
            run_config=QUIET,
            raise_on_error=False,
        )

    monkeypatch.setenv("OPENLIB_STORAGE", storage.uri())
    failed = run()
    (failure,) = failed.filter_events(lambda event: event.is_step_failure)
    assert failure.step_failure_data.user_failure_data
    assert "OPENLIB_ICEBERG is not set" in str(failure.step_failure_data.user_failure_data.description)

    monkeypatch.setenv("OPENLIB_ICEBERG", url)
    assert not is_registered(storage, place)
    assert not across_subjects_is_current(instance, storage, None, None, place)
    for state in ("registered", "unchanged"):
        (told,) = run().asset_materializations_for_node("iceberg_warehouse")
        metadata = {name: value.value for name, value in told.metadata.items()}
        assert {name: metadata[name] for name in ("catalogue", "version", "tables", "state")} == {
            "catalogue": place.address,
            "version": version.name,
            "tables": len(WAREHOUSE_TABLES),
            "state": state,
        }
    assert is_registered(storage, place)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_root_that_is_given_for_one_run_leaves_the_tables_of_the_deployment_as_they_are(
    kind: str, new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    def tables() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(file)) as catalogue:
            return catalogue.execute("SELECT table_name, metadata_location FROM iceberg_tables ORDER BY 1").fetchall()

    place, file, trial = new_place(kind), tmp_path / "tables.db", new_place("local").root
    pipeline = Pipeline(place, instance, "http://127.0.0.1:9", OPENLIB_ICEBERG=f"sqlite:///{file}")
    publish(pipeline.storage, {"tea": (3, 1)})
    assert pipeline.run(job=ACROSS, only=["iceberg_warehouse"]).success
    before = tables()
    assert len(before) == len(WAREHOUSE_TABLES)
    assert all(location.startswith((place.root, f"file://{place.root}")) for _, location in before)
    (line,) = failure_texts(refused := pipeline.run(job=ACROSS, root=trial)).values()
    assert line == (
        f"the storage of this run is {trial}, and what OPENLIB_ICEBERG names is for {place.root} (OPENLIB_STORAGE), so "
        "it stays as it is; leave iceberg_warehouse out of this run, or set both variables anew instead"
    )
    assert [event.step_key for event in refused.get_step_failure_events()] == ["iceberg_warehouse"]
    assert Path(trial, "catalog.duckdb").exists()
    assert tables() == before
    # Another spelling of the same root is that root.
    assert pipeline.run(job=ACROSS, root=f"{place.root}/").success
