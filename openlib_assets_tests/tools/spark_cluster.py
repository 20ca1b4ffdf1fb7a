"""A real Spark cluster for tests: a master and workers of one core each on this machine only, ended by their ids.

Needs Java, and pyspark, whose package has all of Spark's classes.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any

import psutil
import requests

from openlib_assets_tests.tools.deployment import (
    PATIENCE_SECONDS,
    DeploymentError,
    running,
    tail,
    wait_until,
)
from openlib_assets_tests.tools.ports import free_port

_CLASSES = "org.apache.spark.deploy"
_CONNECTABLE = "Spark Connect server started"
# Of Java 17, without which Spark does not start; its own scripts say the same.
_OPENED = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.lang", "java.nio", "sun.nio.ch", "java.net")]
# Of processes that do not live long: compiled quickly rather than well, which is half of what they would do.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_MEMORY = "spark.executor.memory"
# The least memory that Spark starts with, and as many parts of a table as there are cores.
FOR_SMALL_TABLES = {
    "spark.driver.extraJavaOptions": _SHORT_LIVED,
    "spark.driver.memory": "512m",
    "spark.executor.extraJavaOptions": _SHORT_LIVED,
    _MEMORY: "512m",
    "spark.locality.wait": "0",
    "spark.sql.shuffle.partitions": "2",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster: the URL of its master, the address of that one's web UI, and its workers.

    `variables` are those of who starts an application there, or elsewhere with the same settings.
    """

    url: str
    web_url: str
    workers: Sequence["Popen[bytes]"]
    variables: Mapping[str, str]

    def alive(self) -> int:
        """Return how many workers the master knows to be there."""
        return sum(worker["state"] == "ALIVE" for worker in asked(f"{self.web_url}/json/")["workers"])

    def kill_worker(self, executor: str) -> None:
        """Kill the worker with an executor of this id, and all that it started, at once and the hard way."""
        for process in self.workers:
            worker = psutil.Process(process.pid)
            started = worker.children(recursive=True)
            if any(_is_executor(one.cmdline(), executor) for one in started):
                for one in (*started, worker):
                    one.kill()
                return
        raise DeploymentError(f"no worker has the executor {executor}")


@contextmanager
def spark_cluster(folder: Path, workers: int = 2, settings: Mapping[str, str] = FOR_SMALL_TABLES) -> Iterator[Cluster]:
    """Run a cluster for the block, whose files are in a folder; an executor has all of a worker's memory."""
    variables = _settled(folder, settings)
    port, web_port = free_port(), free_port()
    url, web_url = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{web_port}"
    here = ["--host", "127.0.0.1"]
    with ExitStack() as stack:

        def start(name: str, *command: str) -> "Popen[bytes]":
            return stack.enter_context(_java(folder / f"{name}.log", variables, "256m", *command))

        master = start("master", f"{_CLASSES}.master.Master", *here, "--port", str(port), "--webui-port", str(web_port))
        started = [
            start(
                f"worker-{number}",
                f"{_CLASSES}.worker.Worker",
                *(*here, "--port", str(free_port()), "--webui-port", str(free_port())),
                *("-c", "1", "-m", settings[_MEMORY], "-d", str(folder / f"work-{number}"), url),
            )
            for number in range(workers)
        ]
        cluster = Cluster(url, web_url, started, variables)
        processes = (master, *started)
        wait_until(lambda: _is_up(cluster) or _has_ended(processes), PATIENCE_SECONDS, what="Spark's cluster")
        if _has_ended(processes):
            raise DeploymentError(f"Spark's cluster did not come up:\n{tail(folder / 'master.log')}")
        yield cluster


@contextmanager
def spark_connect(folder: Path) -> "Iterator[tuple[str, Popen[bytes]]]":
    """Run a server of Spark Connect with two cores for the block, whose files are in a folder; lend its URL, and it."""
    variables, log = _settled(folder, FOR_SMALL_TABLES), folder / "connect.log"
    port = free_port()
    options = {"binding.address": "127.0.0.1", "binding.port": port}
    command = [
        f"{_CLASSES}.SparkSubmit",
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", "local[2]"),
        *(part for name, value in options.items() for part in ("--conf", f"spark.connect.grpc.{name}={value}")),
        *("--conf", "spark.ui.enabled=false", "spark-internal"),
    ]
    with _java(log, variables, "512m", *command) as process:
        wait_until(lambda: _CONNECTABLE in tail(log) or _has_ended([process]), PATIENCE_SECONDS, what="Spark Connect")
        if _has_ended([process]):
            raise DeploymentError(f"Spark Connect did not come up:\n{tail(log)}")
        yield f"sc://127.0.0.1:{port}", process


def _settled(folder: Path, settings: Mapping[str, str]) -> Mapping[str, str]:
    """Write Spark's settings into a folder, and return the variables by which it finds them."""
    defaults = {**settings, "spark.sql.warehouse.dir": str(folder / "warehouse")}
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in defaults.items()))
    return {"SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_IP": "127.0.0.1"}


def _java(
    log: Path, variables: Mapping[str, str], memory: str, *command: str
) -> AbstractContextManager["Popen[bytes]"]:
    """Return the running of a class of Spark for the block."""
    home = _spark_home()
    env = {**os.environ, **variables, "SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.13"}
    java = ["java", f"-Xmx{memory}", *_SHORT_LIVED.split(), *_OPENED, "-cp", f"{home}/jars/*"]
    return running([*java, *command], env, log)


def _spark_home() -> Path:
    """Return the folder of Spark; raises DeploymentError where it is not installed."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise DeploymentError("no pyspark; install this project with its extra: pip install -e '.[spark]'")
    return Path(found.origin).parent


def asked(url: str) -> Any:
    """Return what a web UI of Spark says to programs."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=PATIENCE_SECONDS).json()


def _is_up(cluster: Cluster) -> bool:
    try:
        return cluster.alive() == len(cluster.workers)
    except (requests.RequestException, ValueError):
        return False


def _has_ended(processes: Sequence["Popen[bytes]"]) -> bool:
    return any(process.poll() is not None for process in processes)


def _is_executor(command: Sequence[str], wanted: str) -> bool:
    return ("--executor-id", wanted) in pairwise(command)
