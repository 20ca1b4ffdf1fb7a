"""Who is at work for an application on Spark, as its own web UI says."""

from typing import TYPE_CHECKING

from openlib_assets_tests.tools.spark_cluster import asked

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def at_work(session: "SparkSession") -> list[str]:
    """Return the ids of the executors that have a task."""
    context = session.sparkContext
    executors = asked(f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/executors")
    return [one["id"] for one in executors if one["activeTasks"]]
