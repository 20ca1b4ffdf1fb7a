"""What a table took on Spark: its own account of its stages, from the interface that its UI has for programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from openlib_assets.lake.dumps.engines import APPLICATION_URL, EXECUTOR_CPU, Numbers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_APPLICATION = "application"
# The first answer of a driver loads what its UI is made of, which takes long where the processors are busy.
_SECONDS = 60


@contextmanager
def group(session: "SparkSession", name: str) -> Iterator[None]:
    """Let Spark call the jobs of a block by a name."""
    context = _context(session)
    if context:
        context.setJobGroup(name, name)
    yield


def numbers_of(session: "SparkSession", name: str) -> Numbers:
    """Return the application, and what the jobs of a name took; only the application where its UI does not answer.

    Behind Spark Connect it is not known where that is.
    """
    context = _context(session)
    if context is None:
        return {_APPLICATION: session.conf.get("spark.app.id", "")}
    told = {_APPLICATION: context.applicationId}
    if not context.uiWebUrl:
        return told
    told[APPLICATION_URL] = context.uiWebUrl
    base = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}"
    try:
        jobs = [job for job in _asked(f"{base}/jobs") if job.get("jobGroup") == name]
        wanted = {stage for job in jobs for stage in job["stageIds"]}
        stages = [one for one in _asked(f"{base}/stages") if one["stageId"] in wanted and one["status"] != "SKIPPED"]
    except (requests.RequestException, ValueError):
        return told
    return {
        **told,
        "stages": len(stages),
        "tasks": sum(stage["numCompleteTasks"] for stage in stages),
        "failed tasks": sum(stage["numFailedTasks"] for stage in stages),
        "shuffle bytes": sum(stage["shuffleWriteBytes"] for stage in stages),
        "spill bytes": sum(stage["diskBytesSpilled"] for stage in stages),
        EXECUTOR_CPU: round(sum(stage["executorCpuTime"] for stage in stages) / 1e9, 3),
    }


def _context(session: "SparkSession") -> Any:
    """Return the driver's context; None where that is behind Spark Connect."""
    return getattr(session, "_sc", None)


def _asked(url: str) -> list[dict[str, Any]]:
    with requests.Session() as asking:
        # No proxy stands between a driver and itself.
        asking.trust_env = False
        answer = asking.get(url, timeout=_SECONDS)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found
