"""The daemon, as `dagster dev` runs it: tables follow a partial backfill, and a killed run gives its place back."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.lake.contract import DERIVED_TABLES
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import environment as variables_of
from openlib_assets_tests.tools.deployment import (
    Dagster,
    dagster_dev,
    environment,
    openlib_command,
    running,
    shipped_instance,
    subjects_of,
    wait_until,
)

pytestmark = pytest.mark.deployed

# The daemon looks every 30 seconds for a backfill, for what changed, and for runs that died. Nothing has to be quick:
# what is waited for longer than this hangs.
_TICKS_SECONDS = 600
_POLL_SECONDS = 0.5

_LAUNCH = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on PythonError { message } }
}"""


@dataclass(frozen=True)
class Deployed:
    """A running `dagster dev`, and its instance and sandbox as a test sees them."""

    dagster: Dagster
    env: dict[str, str]
    instance: dg.DagsterInstance
    sandbox: Sandbox
    folder: Path


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    with Sandbox(SandboxConfig({"love": 30, "sea": 20, "war": 10, "slow": 200}, latency=0.05)) as sandbox:
        env = environment(folder, sandbox.url)
        shipped_instance(Path(env["DAGSTER_HOME"]))
        with (
            variables_of({"DAGSTER_HOME": env["DAGSTER_HOME"]}),
            dagster_dev(env) as dagster,
            dg.DagsterInstance.get() as instance,
        ):
            yield Deployed(dagster, env, instance, sandbox, folder)


def materialized(deployed: Deployed, asset: str) -> set[str]:
    return set(deployed.instance.get_materialized_partitions(dg.AssetKey(asset)))


def test_a_backfill_of_raw_works_alone_is_followed_by_the_rest_of_these_subjects(deployed: Deployed) -> None:
    deployed.instance.add_dynamic_partitions("subjects", ["love", "sea", "war"])
    params = {"assetSelection": [{"path": ["raw_works"]}], "partitionNames": ["love", "war"]}
    answer = deployed.dagster.graphql(_LAUNCH, params=params)["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    for name in [*(table.name for table in DERIVED_TABLES), "subject_csv", "subject_report"]:
        wait_until(
            lambda name=name: materialized(deployed, name) == {"love", "war"},  # type: ignore[misc]
            _TICKS_SECONDS,
            what=f"{name} of love and war",
            every=_POLL_SECONDS,
        )
    assert materialized(deployed, "raw_works") == {"love", "war"}
    for name in ("catalog", "comparison"):
        wait_until(
            lambda name=name: deployed.instance.get_latest_materialization_event(dg.AssetKey(name)) is not None,  # type: ignore[misc]
            _TICKS_SECONDS,
            what=name,
            every=_POLL_SECONDS,
        )
    assert subjects_of(deployed.sandbox.requests) == {"love", "war"}


def test_a_run_whose_process_was_killed_is_failed_and_says_why(deployed: Deployed) -> None:
    env = {**deployed.env, "OPENLIB_PAGE_SIZE": "2"}
    with running(openlib_command("run", "slow"), env, deployed.folder / "openlib.log") as process:
        wait_until(lambda: bool(started(deployed)), _TICKS_SECONDS, what="the run's start")
        (run_id,) = started(deployed)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    wait_until(lambda: not started(deployed), _TICKS_SECONDS, what="the run's end", every=_POLL_SECONDS)
    run = deployed.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert any(f"process {process.pid} is gone" in entry.message for entry in deployed.instance.all_logs(run_id))


def started(deployed: Deployed) -> list[str]:
    """Return the runs of the command that are under way; those that the daemon starts belong to no job of ours."""
    filters = dg.RunsFilter(job_name="all_assets", statuses=[dg.DagsterRunStatus.STARTED])
    return [run.run_id for run in deployed.instance.get_runs(filters)]
