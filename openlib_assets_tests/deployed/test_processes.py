"""Two subjects go through the three processes of a deployment, on real servers, and the daemon dies in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openlib_assets.sandbox import FaultPlan, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, assert_tables_equal, reference_tables
from openlib_assets_tests.deployed.processes import Deployment, deployment
from openlib_assets_tests.tools.ceph import Ceph
from openlib_assets_tests.tools.deployment import PROJECT_ROOT, openlib, tail, wait_until
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.postgres import Postgres

pytestmark = pytest.mark.deployed

GOOD = {"love": 120, "place:france": 80}
REFUSED = "hate"
CONFIG = SandboxConfig({**GOOD, REFUSED: 5}, faults=FaultPlan(permanent={REFUSED: "http_403"}), latency=0.2)
# Nothing has to be quick: what is waited for longer than this hangs.
LIMIT_SECONDS = 600
# What is waited for shares the machine with the webserver, for which each look is a query.
POLL_SECONDS = 1.0

_CAPTURED = """
query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
  ... on LogsCapturedEvent { fileKey }
} } } }"""
_TEXT = "query($key: [String!]!) { capturedLogs(logKey: $key) { stderr } }"
_PARTITIONS = """
query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions } }
} } }"""


@pytest.fixture(params=["aws", "compose"])
def deployed(request: pytest.FixtureRequest, postgres: Postgres, ceph: Ceph, tmp_path: Path) -> Iterator[Deployment]:
    variables = {"OPENLIB_PAGE_SIZE": "5", "OPENLIB_MAX_IN_FLIGHT": "1"}
    with deployment(request.param, postgres, ceph, CONFIG, tmp_path, **variables) as deployed:
        yield deployed


def test_two_subjects_are_made_although_the_daemon_is_killed_in_between(deployed: Deployment) -> None:
    way = Path(deployed.env["DAGSTER_HOME"]).name
    files = sorted((PROJECT_ROOT / "deploy").rglob("*"))
    storage = deployed.place.open()
    storage.write("subjects.yaml", b"".join(f"- {key}\n".encode() for key in GOOD))
    deployed.send_event("subjects.yaml")

    wait_until(lambda: "STARTED" in statuses(deployed), LIMIT_SECONDS, what="a run", every=POLL_SECONDS)
    deployed.kill_daemon()
    assert "SUCCESS" not in statuses(deployed), "the daemon died too late for this test"
    deployed.start_daemon()
    both = ["SUCCESS"] * 2
    wait_until(lambda: statuses(deployed) == both, LIMIT_SECONDS, what=f"both subjects of {way}", every=POLL_SECONDS)

    wait_until(
        lambda: materialized(deployed) == sorted(GOOD),
        LIMIT_SECONDS,
        what="the partitions in the UI",
        every=POLL_SECONDS,
    )
    with temporary_instance() as none:
        pipeline = Pipeline(deployed.place, none, deployed.sandbox.url)
    for key, records in works().items():
        assert_tables_equal(pipeline, key, reference_tables(pipeline, key, records))
        assert storage.exists(f"exports/{key.replace(':', '%3A')}/books.csv")
    if way == "aws":
        assert sum("all_assets" in " ".join(command) for command in deployed.commands) == 1, "one task for both"
        assert not [word for command in deployed.commands for word in command if deployed.env["PGPASSWORD"] in word]

    run = deployed.runs()["love"]["runId"]
    keys = [event["fileKey"] for event in deployed.dagster.graphql(_CAPTURED, run=run)["logsForRun"]["events"] if event]
    (text,) = (deployed.dagster.graphql(_TEXT, key=[run, "compute_logs", key]) for key in keys[:1])
    assert "love" in text["capturedLogs"]["stderr"]
    # Automation may look after the subjects again meanwhile, and then holds their locks for a while.
    wait_until(
        lambda: not [path for path in storage.paths("") if path.startswith("_")],
        LIMIT_SECONDS,
        what="nothing left of a run",
        every=POLL_SECONDS,
    )

    said = openlib("doctor", env=deployed.env, seconds=LIMIT_SECONDS)
    assert said.status == 0, said.output
    assert "shared through Postgres at 127.0.0.1" in said.output
    listed = openlib("subjects", "list", env=deployed.env, seconds=LIMIT_SECONDS)
    assert [line.split()[:4] for line in listed.output.splitlines() if "love" in line] == [
        ["love", "yes", "yes", "fetched"]
    ]
    assert sorted((PROJECT_ROOT / "deploy").rglob("*")) == files, "nothing is written beside the configuration"

    storage.write("subjects.yaml", f"- love\n- place:france\n- {REFUSED}\n".encode())
    deployed.send_event("subjects.yaml")
    wait_until(
        lambda: statuses(deployed).count("FAILURE") == 1,
        LIMIT_SECONDS,
        what="the run that is refused",
        every=POLL_SECONDS,
    )
    failed = deployed.runs()[REFUSED]["runId"]
    wait_until(
        lambda: [one["run_id"] for one in deployed.signals() if one["openlib_signal"] == "run_failed"] == [failed],
        LIMIT_SECONDS,
        what=f"the signal\n{tail(deployed.log('code'))}",
    )


def statuses(deployed: Deployment) -> list[str]:
    return sorted(run["status"] for run in deployed.runs().values())


def materialized(deployed: Deployment) -> list[str]:
    """Return the subjects whose report the UI shows as made, and not as being made again."""
    node = deployed.dagster.graphql(_PARTITIONS, key={"path": ["subject_report"]})["assetNodeOrError"]
    return sorted(node["assetPartitionStatuses"]["materializedPartitions"])


def works() -> dict[str, list[dict[str, Any]]]:
    with Sandbox(CONFIG) as sandbox:
        return {key: list(sandbox.works(key)) for key in GOOD}
