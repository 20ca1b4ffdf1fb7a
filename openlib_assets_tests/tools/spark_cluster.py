"""A real Spark cluster for tests: a master and workers of one core each on this machine only, ended by their ids.

Needs Java, and pyspark, whose package has all of Spark's classes.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import requests

from openlib_assets_tests.tools.deployment import DeploymentError, free_port, running, wait_until

_START_SECONDS = 120
_CLASSES = "org.apache.spark.deploy"
# Of Java 17, without which Spark does not start; its own scripts say the same.
_OPENED = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.lang", "java.nio", "sun.nio.ch", "java.net")]


@dataclass(frozen=True)
class Cluster:
    """A running cluster: the URL of its master, the address of that one's web UI, and its workers."""

    url: str
    web_url: str
    workers: Sequence["Popen[bytes]"]

    def alive(self) -> int:
        """Return how many workers the master knows to be there."""
        return sum(worker["state"] == "ALIVE" for worker in asked(f"{self.web_url}/json/")["workers"])

    def kill_worker(self) -> None:
        """Kill a worker and all that it started at once, the hard way."""
        worker = psutil.Process(self.workers[0].pid)
        for process in (*worker.children(recursive=True), worker):
            process.kill()


@contextmanager
def spark_cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Run a cluster for the block, whose files are in a folder."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise DeploymentError("no pyspark; install this project with its extra: pip install -e '.[spark]'")
    home = Path(found.origin).parent
    env = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.13"}
    java = ["java", "-Xmx512m", *_OPENED, "-cp", f"{home}/jars/*"]
    port, web_port = free_port(), free_port()
    url, web_url = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{web_port}"
    here = ["--host", "127.0.0.1"]
    with ExitStack() as stack:

        def start(name: str, *command: str) -> "Popen[bytes]":
            return stack.enter_context(running([*java, *command], env, folder / f"{name}.log"))

        start("master", f"{_CLASSES}.master.Master", *here, "--port", str(port), "--webui-port", str(web_port))
        started = [
            start(
                f"worker-{number}",
                f"{_CLASSES}.worker.Worker",
                *(*here, "--port", str(free_port()), "--webui-port", str(free_port())),
                *("-c", "1", "-m", "1200m", "-d", str(folder / f"work-{number}"), url),
            )
            for number in range(workers)
        ]
        cluster = Cluster(url, web_url, started)
        wait_until(lambda: _is_up(cluster), _START_SECONDS, what="Spark's cluster")
        yield cluster


def asked(url: str) -> Any:
    """Return what a web UI of Spark says to programs."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=30).json()


def _is_up(cluster: Cluster) -> bool:
    try:
        return cluster.alive() == len(cluster.workers)
    except (requests.RequestException, ValueError):
        return False
