"""The asset as Dagster runs it, and the commands: they load, and no password is in anything that they leave."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place
from openlib_assets_tests.database.conftest import Database
from openlib_assets_tests.defs.test_odd_records import answer
from openlib_assets_tests.tools.deployment import environment, openlib_command
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.recorded_server import recorded_server

pytestmark = pytest.mark.database

SECRET = "s3cr%21tw0rd"
PLAIN = "s3cr!tw0rd"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """An Open Library."""
    with Sandbox(SandboxConfig({"tea": 60})) as sandbox:
        yield sandbox


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance of its own."""
    with temporary_instance() as instance:
        yield instance


def everything_said(instance: dg.DagsterInstance) -> str:
    """Return all that the instance has on record."""
    logs = [entry for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    return repr([logs, [(run.tags, run.run_config) for run in instance.get_runs()]])


def test_the_asset_loads_what_is_fetched_and_tells_no_password(
    database: Database, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    answers = {"tea": answer(odd=0)}
    works = answers["tea"]["works"]
    works[0]["title"], works[1]["title"] = "a\x00b", "a lone \ud800 surrogate"
    database.tell(f"CREATE ROLE loader LOGIN SUPERUSER PASSWORD '{PLAIN}'")
    url = database.url("loader", SECRET)
    variables = {"OPENLIB_DATABASE": url, "OPENLIB_DATABASE_SCHEMA": "books", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with recorded_server(answers) as url:
        pipeline = Pipeline(Place(str(tmp_path / "root"), {}), instance, url, **variables)
        assert pipeline.run("tea").success
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("across_subjects")
        assert job.execute_in_process(instance=instance).success
    titles = {title for (title,) in database.ask("SELECT title FROM books.works")}
    assert titles == {"a\ufffdb", "a lone \ufffd surrogate", *(f"Title {number}" for number in range(2, 30))}
    record = instance.get_latest_materialization_event(dg.AssetKey("database"))
    assert record
    assert record.asset_materialization
    told: dict[str, Any] = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    host, port, name = (database.variables[f"PG{part}"] for part in ("HOST", "PORT", "DATABASE"))
    assert told["PostgreSQL"] == f"postgresql://{host}:{port}/{name}, schema books"
    assert told["PostgreSQL: rows sent"] == told["dagster/row_count"] > 200
    database.tell("ALTER ROLE loader PASSWORD 'another'", "DROP SCHEMA books CASCADE")
    with pipeline.environment():
        job = pipeline.definitions.resolve_job_def("across_subjects").get_subset(
            asset_selection={dg.AssetKey("database")}
        )
        failed = job.execute_in_process(instance=instance, raise_on_error=False)
    (failure,) = failed.filter_events(lambda event: event.is_step_failure)
    assert failure.step_failure_data.user_failure_data
    assert str(failure.step_failure_data.user_failure_data.description).endswith(
        'password authentication failed for user "loader"; check user and password'
    )
    said = everything_said(instance)
    assert "password authentication failed" in said
    assert "loader" in said
    assert SECRET not in said
    assert PLAIN not in said


def test_the_commands_load_and_say_so_and_tell_no_password(
    database: Database, sandbox: Sandbox, tmp_path: Path
) -> None:
    database.tell(f"CREATE ROLE loader LOGIN SUPERUSER PASSWORD '{PLAIN}'")
    env = environment(tmp_path, sandbox.url, OPENLIB_DATABASE=database.url("loader", SECRET), OPENLIB_DETAILS="off")
    (tmp_path / "home").mkdir()

    def said(*arguments: str, **variables: str) -> tuple[int, str]:
        done = subprocess.run(
            openlib_command(*arguments), env=env | variables, capture_output=True, text=True, check=False
        )
        assert SECRET not in done.stdout + done.stderr
        assert PLAIN not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    status, text = said("run", "tea", PGOPTIONS="-c default_transaction_read_only=on")
    assert status == 1
    assert "database: postgresql://127.0.0.1" in text
    assert "read-only transaction (SQLSTATE 25006); name the server that can be written to" in text
    assert "Traceback" not in text
    # Nothing is new of the subject; what the database lacks is loaded.
    status, text = said("run", "tea")
    assert status == 0
    assert "unchanged" in text
    assert database.ask("SELECT works FROM openlib.subjects") == [(60,)]
    assert re.search(
        r"ok +database: postgresql://\S+, schema openlib: holds the warehouse of \w+, the current", said("doctor")[1]
    )
    status, text = said("doctor", OPENLIB_DATABASE=database.url("loader", f"{SECRET}x"))
    assert status == 1
    assert re.search(r"WRONG +database: postgresql://\S+, schema openlib: .*password authentication failed", text)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and PLAIN.encode() in path.read_bytes()] == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []
