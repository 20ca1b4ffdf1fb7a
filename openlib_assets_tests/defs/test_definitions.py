"""What Dagster finds when it loads the project, and that every way of loading it finds the same."""

import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from openlib_assets.definitions import build_defs
from openlib_assets.defs import schedules, sensors
from openlib_assets.defs.instance.home import DEFAULT_HOME
from openlib_assets.defs.resources import OpenLibraryResource
from openlib_assets.lake.contract import CATALOGUE_TABLES
from openlib_assets.settings import Settings
from openlib_assets_tests.conftest import BRONZE

PROJECT = Path(__file__).parents[2]
HEAVY = ("dagster", "pandas", "pyarrow", "duckdb", "boto3", "botocore", "sqlalchemy", "rich", "requests", "yaml")


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def test_who_keeps_everything_on_disk_and_this_host_waits_for_no_library_of_aws_or_postgres() -> None:
    code = "import sys, openlib_assets.definitions; print({'boto3', 'psycopg2', 'dagster_aws'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_definitions_are_sound() -> None:
    dg.Definitions.validate_loadable(build_defs(Settings()))


def test_workspace_and_both_sections_of_pyproject_name_the_same_code_location(pyproject: dict[str, Any]) -> None:
    (entry,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    module, name = "openlib_assets.definitions", "openlib_assets"
    assert entry == {"python_module": {"module_name": module, "location_name": name}}
    assert pyproject["tool"]["dagster"] == {"module_name": module, "code_location_name": name}
    project = pyproject["tool"]["dg"]["project"]
    assert pyproject["tool"]["dg"]["directory_type"] == "project"
    assert project["code_location_target_module"] == module
    assert project["code_location_name"] == name
    assert project["root_module"] == name
    assert isinstance(import_module(module).defs, dg.Definitions)


def test_the_jobs_select_what_their_names_say() -> None:
    defs = build_defs(Settings())
    everything = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    selected = {
        name: {key.to_user_string() for key in defs.resolve_job_def(name).asset_layer.executable_asset_keys}
        for name in (
            "all_assets",
            "extract",
            "rebuild_from_bronze",
            "across_subjects",
            "read_store_catalogue",
            "build_dump",
        )
    }
    warehouse = {key for key in everything if key.startswith("warehouse/")}
    across, store = {"store_matches", *warehouse, "catalog", "comparison", "database"}, {"store_catalogue"}
    dumps = {"dump_files", "dump_records", *(table.name for table in CATALOGUE_TABLES)}
    everything -= dumps
    assert selected == {
        "all_assets": everything - across - store,
        "extract": {*BRONZE},
        "rebuild_from_bronze": everything - across - store - {*BRONZE, "order_list"},
        "across_subjects": across,
        "read_store_catalogue": store,
        "build_dump": dumps,
    }
    for name in selected:
        assert defs.resolve_job_def(name).description


def test_there_is_a_sensor_on_the_watch_list_and_a_monthly_schedule() -> None:
    defs = build_defs(Settings())
    sensor, schedule = defs.resolve_sensor_def("storage_events"), defs.resolve_schedule_def("monthly_refresh")
    assert (sensor.job_name, schedule.job_name) == ("all_assets", "all_assets")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert [sensor.name for sensor in sensors.sensors] == [
        "storage_events",
        "store_file",
        "overdue_subjects",
        "failed_runs",
        "keep_fresh",
    ]
    assert [schedule.name for schedule in schedules.schedules(Settings())] == ["monthly_refresh"]
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    on = build_defs(Settings(monthly_refresh="on")).resolve_schedule_def("monthly_refresh")
    assert on.default_status == dg.DefaultScheduleStatus.RUNNING
    assert sensor.description
    assert schedule.description


def test_steps_run_in_the_process_of_their_run() -> None:
    assert build_defs(Settings()).resolve_job_def("all_assets").executor_def.name == "in_process"


def test_every_asset_is_backfilled_by_the_same_policy_since_dagster_would_split_the_runs() -> None:
    graph = build_defs(Settings()).resolve_asset_graph()
    policies = defaultdict(set)
    for asset in map(graph.get, graph.get_all_asset_keys()):
        policies[asset.partitions_def].add(asset.backfill_policy)
    del policies[None]
    assert [len(of_one_kind) for of_one_kind in policies.values()] == [1, 1]


def test_the_storage_is_that_of_the_settings_and_resources_can_be_replaced() -> None:
    settings = Settings(storage="s3://bucket/prefix")
    resources = build_defs(settings).resources or {}
    assert "s3://bucket/prefix" in str(resources["storage"])
    mine = OpenLibraryResource()
    assert (build_defs(settings, resources={"openlibrary": mine}).resources or {})["openlibrary"] is mine


def test_the_shipped_instance_settings_send_nothing_home_and_bound_the_runs() -> None:
    shipped = yaml.safe_load((PROJECT / "openlib_assets/defs/instance/dagster.yaml").read_text(encoding="utf-8"))
    assert shipped["telemetry"] == {"enabled": False}
    assert shipped["concurrency"]["runs"]["max_concurrent_runs"] >= 1
    thrown_away = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    assert thrown_away == {name: value for name, value in shipped.items() if name != "storage"}


def test_the_shipped_instance_settings_are_accepted_by_dagster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_bytes((PROJECT / "openlib_assets/defs/instance/dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_concurrency_config().run_queue_config is not None
        assert not instance.telemetry_enabled


def test_the_default_home_is_kept_out_of_version_control() -> None:
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {line.strip("/") for line in ignored} >= {DEFAULT_HOME, "data"}


def test_the_command_line_loads_nothing_slow_before_it_knows_the_command() -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import openlib_assets.cli"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stderr
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in loaded.splitlines()}
    assert "openlib_assets" in names
    assert names.isdisjoint(HEAVY)
