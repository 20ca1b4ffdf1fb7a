"""What Fargate is to the deployment, for tests: ECS's API from moto, and an agent that runs the tasks as processes.

moto records which task was to be run with which command; the agent reads that there, as a host of ECS would, and runs
just that command.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from openlib_assets_tests.tools.deployment import running

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

_CLUSTER = "openlib"
_RUN_FAMILY = "openlib-run"
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Fargate:
    """A cluster in which the daemon's task is; `variables` are those that ECS and the task definition give to it."""

    variables: Mapping[str, str]
    commands: list[list[str]]


@contextmanager
def fargate(url: str, environment: Mapping[str, str], folder: Path) -> Iterator[Fargate]:
    """Run what is launched in a cluster of the ECS at an address, in an environment, with logs in a folder."""
    commands: list[list[str]] = []
    with cluster(url) as variables, _agent(client("ecs", url), environment, folder, commands):
        yield Fargate(variables, commands)


@contextmanager
def cluster(url: str) -> Iterator[dict[str, str]]:
    """Make a cluster in which the daemon's task is, and give the variables of that task."""
    ecs: ECSClient = client("ecs", url)
    arn = ecs.create_cluster(clusterName=_CLUSTER)["cluster"]["clusterArn"]
    for family, container in (("openlib-daemon", "daemon"), (_RUN_FAMILY, "run")):
        ecs.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="1024",
            memory="4096",
            containerDefinitions=[{"name": container, "image": "openlib-assets", "memory": 4096}],
        )
    ec2 = client("ec2", url)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
    daemon = ecs.run_task(
        cluster=arn,
        taskDefinition="openlib-daemon",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}},
    )["tasks"][0]["taskArn"]
    with _metadata(arn, daemon) as metadata_url:
        yield {"ECS_CONTAINER_METADATA_URI_V4": metadata_url, "OPENLIB_RUN_TASK_DEFINITION": _RUN_FAMILY}


def launched(ecs: "ECSClient") -> list[str]:
    """Return the tasks of runs in the cluster."""
    return ecs.list_tasks(cluster=_CLUSTER, family=_RUN_FAMILY)["taskArns"]


def client(service: str, url: str) -> Any:
    """Return boto3's client of a service at an address that asks for no credentials."""
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    untyped: Any = session
    return untyped.client(service, endpoint_url=url)


@contextmanager
def _metadata(cluster_arn: str, task: str) -> Iterator[str]:
    """Serve what a task asks Fargate about itself."""
    body = json.dumps({"Cluster": cluster_arn, "TaskARN": task, "Name": "daemon"}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v4/daemon"
        server.shutdown()
        thread.join()


@contextmanager
def _agent(ecs: "ECSClient", environment: Mapping[str, str], folder: Path, commands: list[list[str]]) -> Iterator[None]:
    """Run each new task of the runs' family as a process, until the block ends."""
    done = threading.Event()

    def work() -> None:
        with ExitStack() as tasks:
            processes: dict[str, subprocess.Popen[bytes]] = {}
            while not done.wait(_POLL_SECONDS):
                new = [arn for arn in launched(ecs) if arn not in processes]
                for task in ecs.describe_tasks(cluster=_CLUSTER, tasks=new)["tasks"] if new else ():
                    command = task["overrides"]["containerOverrides"][0]["command"]
                    commands.append(command)
                    log = folder / f"task-{len(commands)}.log"
                    processes[task["taskArn"]] = tasks.enter_context(
                        running(["env", *command], {**os.environ, **environment}, log)
                    )

    thread = threading.Thread(target=work, name="ecs agent")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
