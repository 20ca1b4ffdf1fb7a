"""A run of the job on EMR Serverless: started, watched and, where this run is cancelled, cancelled."""

import os
from collections.abc import Sequence
from typing import Any

import boto3
import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError
from dagster._core.pipes.utils import PipesLogReader
from dagster_aws.pipes import PipesCloudWatchMessageReader, PipesEMRServerlessClient

from openlib_assets.defs.emr import ACCEPTS_LOSS
from openlib_assets.lake.dumps.files import require_files
from openlib_assets.settings import Settings
from openlib_assets.storage import Storage, storage_kind
from openlib_assets.storage.errors import OpenlibError
from openlib_assets.storage.s3 import S3Storage

ENTRY_POINT = "build_dump.py"
ENVIRONMENT = "environment.tar.gz"

_POLL_SECONDS = 10.0
_PYTHON = "./environment/bin/python"
# What differs from EMR's defaults. The checks are DuckDB's, in the driver but outside of Java's memory; and what Spark
# shuffles of the largest table has to fit on the disks.
_SPARK = {
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": _PYTHON,
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": _PYTHON,
    "spark.executorEnv.PYSPARK_PYTHON": _PYTHON,
    "spark.driver.memory": "8g",
    "spark.driver.memoryOverhead": "7g",
    "spark.emr-serverless.driver.disk": "100g",
    "spark.emr-serverless.executor.disk": "100g",
}


class JobRunError(OpenlibError):
    """The job could not be started or did not succeed; the text says in a line what EMR Serverless said."""


class _MessageReader(PipesCloudWatchMessageReader):
    """Reads what the job tells, and leaves what else it prints in CloudWatch.

    The readers of that, in dagster-aws 0.29, go on asking for more without a pause, also after the job has ended: they
    would keep the run's process from ending.
    """

    def add_log_reader(self, log_reader: PipesLogReader) -> None:
        """Do without it."""


def build_on_emr(
    context: dg.AssetExecutionContext, settings: Settings, storage: Storage, *, accepts_loss: bool
) -> None:
    """Let a job on EMR Serverless make all tables of the dump of the context's partition that are not there yet.

    `accepts_loss`: its files may have far fewer lines than those of the dump before. Raises JobRunError, and
    MissingDumpError.
    """
    date = context.partition_key
    files = require_files(storage, date)
    if storage.kind != S3Storage.kind or files.folder or storage_kind(files.address) != S3Storage.kind:
        raise JobRunError(
            f"{files.folder or files.address}: a job on EMR Serverless reads files of dumps on S3, and writes there: "
            "OPENLIB_STORAGE and OPENLIB_DUMPS must be s3:// URLs, or OPENLIB_EMR not be set"
        )
    last: dict[str, Any] = {}
    try:
        client = boto3.client("emr-serverless")
        # The client of Pipes tells no more than that a job failed.
        client.meta.events.register("after-call.emr-serverless.GetJobRun", _remembering(last))
        reader = _MessageReader(boto3.client("logs"))
        arguments = [date, *([ACCEPTS_LOSS] if accepts_loss else [])]
        pipes = PipesEMRServerlessClient(client, message_reader=reader, poll_interval=_POLL_SECONDS)
        pipes.run(context=context, start_job_run_params=_request(settings, storage, arguments))
    except (BotoCoreError, ClientError) as error:
        raise JobRunError(f"EMR Serverless: {error}") from error
    except RuntimeError as error:
        if not last:
            raise
        reason = " ".join(str(last.get("stateDetails") or "").split())
        raise JobRunError(f"the job {last['jobRunId']} on EMR Serverless is {last['state']}: {reason}") from error


def _remembering(last: dict[str, Any]) -> Any:
    def remember(parsed: dict[str, Any], **_: Any) -> None:
        last.update(parsed.get("jobRun", {}))

    return remember


def _request(settings: Settings, storage: Storage, arguments: Sequence[str]) -> dict[str, Any]:
    date = arguments[0]
    about = settings.emr_has()
    code = about["code"].rstrip("/")
    spark = {"spark.archives": f"{code}/{ENVIRONMENT}#environment", **_SPARK}
    return {
        "applicationId": about["application"],
        "executionRoleArn": about["role"],
        "name": f"dump-{date}",
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": f"{code}/{ENTRY_POINT}",
                "entryPointArguments": [*arguments, *_variables(storage)],
                "sparkSubmitParameters": " ".join(f"--conf {name}={value}" for name, value in spark.items()),
            }
        },
        "configurationOverrides": {
            "monitoringConfiguration": {
                "cloudWatchLoggingConfiguration": {"enabled": True, "logGroupName": about["logs"]}
            }
        },
        "tags": {"project": "openlib", "dump": date},
    }


def _variables(storage: Storage) -> list[str]:
    """Return the settings of the job, as `NAME=value`: where the data are, and how S3 is asked."""
    region = boto3.Session().region_name
    told = {
        "OPENLIB_STORAGE": storage.uri(),
        **({"AWS_DEFAULT_REGION": region} if region else {}),
        **{name: value for name, value in sorted(os.environ.items()) if name.startswith("OPENLIB_S3_")},
    }
    return [f"{name}={value}" for name, value in told.items()]
