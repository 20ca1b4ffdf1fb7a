"""The three processes of a deployment, as its own configuration files have them, beside servers that stand in for AWS.

S3 and Postgres are real servers; ECS and SQS are moto's, with an agent that runs the tasks of ECS as processes.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from dagster._grpc.client import DagsterGrpcClient

from openlib_assets.sandbox import SandboxConfig
from openlib_assets_tests.conftest import Place, serving_s3
from openlib_assets_tests.deployed.ecs import client, fargate
from openlib_assets_tests.tools.ceph import Ceph
from openlib_assets_tests.tools.deployment import (
    PATIENCE_SECONDS,
    PROJECT_ROOT,
    Dagster,
    DeploymentError,
    SandboxProcess,
    environment,
    running,
    sandbox_process,
    tail,
    wait_until,
    wait_until_up,
)
from openlib_assets_tests.tools.ports import free_port
from openlib_assets_tests.tools.postgres import Postgres, connect

_DEPLOY = PROJECT_ROOT / "deploy"
_WORKSPACE = ("-w", str(_DEPLOY / "workspace.yaml"))
_RUNS = """
query { runsOrError { ... on Runs { results {
  runId status jobName tags { key value }
} } } }"""


class Deployment:
    """A running deployment: `place` is its storage, `sandbox` its Open Library, `commands` what ECS was told to run."""

    def __init__(self, place: Place, sandbox: SandboxProcess, env: Mapping[str, str], folder: Path) -> None:
        self.place = place
        self.sandbox = sandbox
        self.env = env
        self.folder = folder
        self.commands: list[list[str]] = []
        self._processes = ExitStack()
        self._daemon = ExitStack()
        self._daemons = 0

    def start(self, variables: Mapping[str, str]) -> None:
        """Start code location, webserver and daemon, with variables that come on top of the environment."""
        self.env = {**self.env, **variables}
        code_port = int(self.env["OPENLIB_CODE_PORT"])
        code = self._run(
            self._processes,
            "code",
            *("dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(code_port)),
            *("-m", "openlib_assets.definitions", "--location-name", "openlib_assets"),
        )
        wait_until(
            lambda: _serves(code_port) or code.poll() is not None, PATIENCE_SECONDS, what="the code location's start"
        )
        if code.poll() is not None:
            raise DeploymentError(f"the code location did not come up:\n{tail(self.log('code'))}")
        port = free_port()
        web = self._run(
            self._processes, "webserver", "dagster-webserver", "-h", "127.0.0.1", "-p", str(port), *_WORKSPACE
        )
        self.dagster = Dagster(f"http://127.0.0.1:{port}", self.log("webserver"), web)
        wait_until_up(f"{self.dagster.url}/server_info", web, self.log("webserver"))
        self.start_daemon()

    def start_daemon(self) -> None:
        """Start the daemon, also once more."""
        self._daemons += 1
        self._running_daemon = self._run(self._daemon, f"daemon-{self._daemons}", "dagster-daemon", "run", *_WORKSPACE)

    def kill_daemon(self) -> None:
        """Kill the daemon the hard way, with what it started."""
        os.killpg(self._running_daemon.pid, signal.SIGKILL)
        self._running_daemon.wait(10)

    def stop(self) -> None:
        """Stop all processes, the daemon first."""
        self._daemon.close()
        self._processes.close()

    def log(self, name: str) -> Path:
        """Return the file of what a process printed."""
        return self.folder / f"{name}.log"

    def signals(self) -> list[dict[str, Any]]:
        """Return the signals in the log of the code location."""
        lines = self.log("code").read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"openlib_signal"')]

    def runs(self) -> dict[str, dict[str, Any]]:
        """Return the latest run of each subject, as the webserver tells of it; a run may be of one or of two."""
        found: dict[str, dict[str, Any]] = {}
        for run in self.dagster.graphql(_RUNS)["runsOrError"]["results"]:
            tags = {tag["key"]: tag["value"] for tag in run["tags"]}
            if run["jobName"] == "all_assets":
                ends = ("dagster/partition", *(f"dagster/asset_partition_range_{end}" for end in ("start", "end")))
                for key in {tags[end] for end in ends if end in tags}:
                    found.setdefault(key, run)
        return found

    def send_event(self, path: str) -> None:
        """Send the notification that S3 would send when a file below the root was put."""
        bucket, _, prefix = self.place.root.removeprefix("s3://").partition("/")
        record = {"s3": {"bucket": {"name": bucket}, "object": {"key": f"{prefix}/{path}"}}}
        queue = self.env["OPENLIB_EVENTS_QUEUE"]
        client("sqs", self.env["AWS_ENDPOINT_URL"]).send_message(
            QueueUrl=queue, MessageBody=json.dumps({"Records": [record]})
        )

    def _run(self, stack: ExitStack, name: str, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(Path(sys.executable).with_name(program)), *arguments]
        return stack.enter_context(running(command, self.env, self.log(name)))


@contextmanager
def deployment(
    way: str, postgres: Postgres, ceph: Ceph, config: SandboxConfig, folder: Path, **variables: str
) -> Iterator[Deployment]:
    """Run the deployment with the configuration files of a way, `aws` or `compose`, for the block."""
    bucket = f"bucket-{uuid.uuid4().hex}"
    ceph.client().create_bucket(Bucket=bucket)
    place = Place(f"s3://{bucket}/books", ceph.variables())
    with ExitStack() as stack:
        aws = stack.enter_context(serving_s3())
        sandbox = stack.enter_context(sandbox_process(config, folder))
        about = {
            **postgres.variables,
            **place.variables,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PGDATABASE": _new_database(postgres),
            "AWS_ENDPOINT_URL": aws,
            "AWS_ENDPOINT_URL_S3": ceph.url,
            "DAGSTER_HOME": str(_DEPLOY / way),
            "OPENLIB_STORAGE": place.root,
            "OPENLIB_PACE": "postgres",
            "OPENLIB_EVENTS_QUEUE": client("sqs", aws).create_queue(QueueName=bucket)["QueueUrl"],
            "OPENLIB_CODE_HOST": "127.0.0.1",
            "OPENLIB_CODE_PORT": str(free_port()),
            "OPENLIB_COMPUTE_LOGS_BUCKET": bucket,
            "OPENLIB_COMPUTE_LOGS_PREFIX": "dagster-logs",
            "OPENLIB_COMPUTE_LOGS_DIR": str(folder / "logs"),
            **variables,
        }
        deployed = Deployment(place, sandbox, environment(folder, sandbox.url, **about), folder)
        stack.callback(deployed.stop)
        given: Mapping[str, str] = {}
        if way == "aws":
            cluster = stack.enter_context(fargate(aws, deployed.env, folder))
            given, deployed.commands = cluster.variables, cluster.commands
        deployed.start(given)
        yield deployed


def _new_database(postgres: Postgres) -> str:
    """Make an empty database for one deployment, and give its name."""
    name = f"dagster_{uuid.uuid4().hex}"
    with closing(connect(postgres.variables)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    return name


def _serves(port: int) -> bool:
    with contextlib.suppress(Exception):
        return bool(DagsterGrpcClient(port=port, host="127.0.0.1").ping("up"))
    return False
