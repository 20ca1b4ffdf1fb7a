"""Tables of a dump by a job on EMR Serverless: what is asked of AWS, and what becomes of a run by how its job ends.

moto's server stands for AWS. It runs no jobs, and each is as it was told to be; so when moto is asked to start one, it
is run here as a process, with DuckDB in place of Spark. It knows no dashboards, and no release of EMR that has Spark 4.
"""

import os
import shlex
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import dagster as dg
import pytest
from dagster._core.pipes import utils as pipes_waits
from dagster_aws.pipes.clients import emr_serverless
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.emrserverless import urls
from moto.emrserverless.models import EMRServerlessBackend, JobRun
from moto.emrserverless.responses import EMRServerlessResponse

from openlib_assets.cli.runs import execute
from openlib_assets.defs.emr import job_run
from openlib_assets.defs.jobs import BUILD_DUMP
from openlib_assets.defs.partitions import DUMPS
from openlib_assets.lake.dumps.lakes import complete_lakes
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, failure_text, s3_place
from openlib_assets_tests.tools.dump_lakes import assert_same_tables, catalogue_tables
from openlib_assets_tests.tools.dump_lines import DATE
from openlib_assets_tests.tools.emr_jobs import run_job
from openlib_assets_tests.tools.reference_catalogue import catalogue

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ROLE = "arn:aws:iam::123456789012:role/openlib-test-emr-job"
LOGS = "/openlib-test/emr"


@dataclass
class Emr:
    """EMR Serverless as moto has it: an application, its jobs, and what is done when one is started."""

    pipeline: Pipeline
    application: str
    does: Callable[[JobRun], None]
    jobs: list[JobRun] = field(default_factory=list)

    def build(self, *, force: bool = False) -> dg.JobExecutionResult:
        """Build the dump."""
        self.pipeline.instance.add_dynamic_partitions(DUMPS, [DATE])
        with self.pipeline.environment():
            job = self.pipeline.definitions.resolve_job_def(BUILD_DUMP)
            config = {**QUIET, "ops": {"dump_records": {"config": {"force": force}}}}
            return execute(self.pipeline.instance, job, config, {"dagster/partition": DATE})

    def submitted(self) -> dict[str, Any]:
        """Return what the last job was submitted with."""
        driver = self.jobs[-1].job_driver
        assert driver
        return dict(driver["sparkSubmit"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    with Sandbox(SandboxConfig({"love": 20}, settled=True)) as sandbox:
        sandbox.write_dumps(folder, date.fromisoformat(DATE), mess=0.01)
    return folder


@pytest.fixture
def place(s3_url: str, files: Path) -> Place:
    """A bucket with the files of a dump."""
    place = s3_place(s3_url)
    storage = place.open()
    for file in files.iterdir():
        storage.write(f"dump_files/{file.name}", file.read_bytes())
    return place


@pytest.fixture
def emr(place: Place, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Emr:
    """EMR Serverless, and a pipeline that knows its application."""
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(job_run, "_POLL_SECONDS", 0.2)
    monkeypatch.setattr(pipes_waits, "WAIT_FOR_LOGS_AFTER_EXECUTION_INTERVAL", 0)
    dashboard = "{0}/applications/(?P<applicationId>[^/]+)/jobruns/(?P<jobRunId>[^/]+)/dashboard$"
    monkeypatch.setitem(urls.url_paths, dashboard, EMRServerlessResponse.dispatch)
    monkeypatch.setattr(
        EMRServerlessResponse,
        "get_dashboard_for_job_run",
        lambda _: ActionResult({"url": "https://dashboard.invalid"}),
        raising=False,
    )
    client: Any = boto3.client("emr-serverless")
    application = client.create_application(name="dumps", releaseLabel="emr-7.0.0", type="SPARK")["applicationId"]
    described = f"application={application},role={ROLE},code=s3://bucket/openlib/code,logs={LOGS}"
    pipeline = Pipeline(
        place,
        instance,
        "http://127.0.0.1:9",
        OPENLIB_DUMPS=f"{place.root}/dump_files",
        OPENLIB_EMR=described,
        OPENLIB_S3_BUCKET_OWNER=DEFAULT_ACCOUNT_ID,
    )
    emr = Emr(pipeline, application, does=lambda job: _end(job, "SUCCESS"))
    start = EMRServerlessBackend.start_job_run

    def started(backend: EMRServerlessBackend, **about: Any) -> JobRun:
        job = start(backend, **about)
        job.state = "RUNNING"
        emr.jobs.append(job)
        threading.Thread(target=_done, args=(emr, job)).start()
        return job

    monkeypatch.setattr(EMRServerlessBackend, "start_job_run", started)
    return emr


def _done(emr: Emr, job: JobRun) -> None:
    try:
        emr.does(job)
    except Exception as error:  # noqa: BLE001 - as EMR does
        _end(job, "FAILED", repr(error))


def _end(job: JobRun, state: str, details: str | None = None) -> None:
    job.state_details, job.state = details, state


_DRIVER_ENV = "spark.emr-serverless.driverEnv."


def _made_by_duckdb(emr: Emr, job: JobRun, folder: Path) -> None:
    """Run the job as a process, and put what it prints where EMR puts it."""
    submitted, client = emr.submitted(), boto3.client("logs")
    options = dict(option.split("=", 1) for option in shlex.split(submitted["sparkSubmitParameters"])[1::2])
    given = {name.removeprefix(_DRIVER_ENV): value for name, value in options.items() if name.startswith(_DRIVER_ENV)}
    # The driver knows nothing of the run but what it is told.
    own = {name: value for name, value in os.environ.items() if not name.startswith("OPENLIB_")}
    status = run_job(submitted["entryPointArguments"], {**own, **given}, folder)
    printed = {name: (folder / name).read_text() for name in ("stdout", "stderr")}
    client.create_log_group(logGroupName=LOGS)
    for name, text in printed.items():
        stream = f"/applications/{job.application_id}/jobs/{job.id}/SPARK_DRIVER/{name}"
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in text.splitlines() if line]
        client.create_log_stream(logGroupName=LOGS, logStreamName=stream)
        if events:
            client.put_log_events(logGroupName=LOGS, logStreamName=stream, logEvents=events)
    _end(job, "FAILED" if status else "SUCCESS", printed["stderr"])


def test_the_job_makes_all_tables_and_the_run_tells_of_them(emr: Emr, files: Path, tmp_path: Path) -> None:
    emr.does = lambda job: _made_by_duckdb(emr, job, tmp_path)
    result = emr.build(force=True)
    assert result.success, failure_text(result)
    assert_same_tables(catalogue_tables(emr.pipeline.storage, DATE), catalogue(files, DATE))
    assert complete_lakes(emr.pipeline.storage) == [DATE]
    events = [event.materialization for event in result.get_asset_materialization_events()]
    told = {event.asset_key.to_user_string(): event for event in events}
    assert {told[name].metadata["state"].value for name in told.keys() - {"dump_files"}} == {"unchanged"}
    said = [entry.user_message for entry in emr.pipeline.instance.all_logs(result.run_id)]
    assert any(line.startswith("catalogue_works: 20 rows, made in") for line in said), said

    # Who would read what the job prints does not end with it.
    assert [thread.name for thread in threading.enumerate() if thread.name.endswith("(_start)")] == []

    (job,) = emr.jobs
    assert (job.application_id, job.execution_role_arn) == (emr.application, ROLE)
    assert job.tags
    assert job.tags.items() >= {"project": "openlib", "dump": DATE, "dagster/run-id": result.run_id}.items()
    submitted = emr.submitted()
    assert submitted["entryPoint"] == "s3://bucket/openlib/code/build_dump.py"
    assert submitted["entryPointArguments"] == [
        DATE,
        "--accept-loss",
        f"OPENLIB_STORAGE={emr.pipeline.place.root}",
        "AWS_DEFAULT_REGION=us-east-1",
        f"OPENLIB_S3_BUCKET_OWNER={DEFAULT_ACCOUNT_ID}",
    ]
    options = shlex.split(submitted["sparkSubmitParameters"])
    assert "spark.archives=s3://bucket/openlib/code/environment.tar.gz#environment" in options
    assert options.count("--conf") * 2 == len(options)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_job_that_does_not_succeed_fails_the_run_with_its_state_and_reason(emr: Emr, state: str) -> None:
    emr.does = lambda job: _end(job, state, "Job failed.\nExitCode: 1.")
    result = emr.build()
    assert not result.success
    (job,) = emr.jobs
    assert failure_text(result) == f"the job {job.id} on EMR Serverless is {state}: Job failed. ExitCode: 1."


def test_a_job_that_cannot_be_started_fails_the_run_in_a_line(emr: Emr) -> None:
    client: Any = boto3.client("emr-serverless")
    client.stop_application(applicationId=emr.application)
    client.delete_application(applicationId=emr.application)
    result = emr.build()
    assert not result.success
    assert failure_text(result).startswith("EMR Serverless: An error occurred (ValidationException)")
    assert "\n" not in failure_text(result)


def test_a_run_that_is_cancelled_cancels_its_job(emr: Emr, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    emr.does = lambda _: None
    # While it waits to look after its job again: within a request, a socket may stay open.
    monkeypatch.setattr(emr_serverless, "time", SimpleNamespace(sleep=interrupted, time=time.time))
    result = emr.build()
    assert not result.success
    assert [job.state for job in emr.jobs] == ["CANCELLED"]


def test_files_that_no_job_can_read_are_refused_before_one_is_started(emr: Emr, files: Path) -> None:
    emr.pipeline.variables["OPENLIB_DUMPS"] = str(files)
    result = emr.build()
    assert not result.success
    assert failure_text(result).startswith(f"{files}: a job on EMR Serverless reads files of dumps on S3")
    assert emr.jobs == []
