"""The assets that register Iceberg tables: there where a catalogue is named, and nowhere else; what they tell."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.cli.runs import across_subjects_is_current
from openlib_assets.definitions import build_defs
from openlib_assets.defs.assets.iceberg import iceberg_warehouse
from openlib_assets.defs.jobs import ACROSS, ALL, BUILD_DUMP, REBUILD, STORE
from openlib_assets.defs.resources import storage_resource
from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.iceberg.catalogue import Place, is_registered
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage
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
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )

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
