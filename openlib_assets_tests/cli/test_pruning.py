"""Which runs `openlib prune` may remove."""

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from openlib_assets.cli.pruning import replaced_runs
from openlib_assets.defs.partitions import run_tags, subjects
from openlib_assets.sandbox import FaultPlan, Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, PlaceMaker

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.asset(partitions_def=subjects)
def table(context: dg.AssetExecutionContext) -> None:
    """Fail where a run's tag says so."""
    if "fails" in context.run.tags:
        raise dg.Failure("as told")


@dg.asset
def across() -> None:
    """Stand for what is made of all subjects."""


JOBS = dg.Definitions(
    assets=[table, across],
    jobs=[dg.define_asset_job("tables", [table]), dg.define_asset_job("across_subjects", [across])],
    executor=dg.in_process_executor,
)


def start(instance: dg.DagsterInstance, subject: str | None, **tags: str) -> dg.DagsterRun:
    job = JOBS.resolve_job_def("tables" if subject else "across_subjects")
    of_subject = run_tags([subject]) if subject else {}
    return instance.create_run_for_job(job, run_config=QUIET, tags={**of_subject, **tags})


def execute(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    done = execute_run(InMemoryJob(JOBS.resolve_job_def(run.job_name)), run, instance, raise_on_error=False)
    assert done.success == ("fails" not in run.tags)
    return run.run_id


def test_the_run_that_made_what_is_there_stays_though_another_was_started_later(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("subjects", ["love"])
    for subject in ("love", None):
        queued, beside = start(instance, subject), start(instance, subject)
        replaced = execute(instance, beside)
        execute(instance, queued)
        assert replaced_runs(instance) == [replaced]
        instance.delete_run(replaced)


def test_the_newest_failure_of_each_subject_stays_and_tells_why(instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("subjects", ["hate", "love"])
    overlapped = start(instance, "love", fails="")
    old = execute(instance, start(instance, "love", fails=""))
    execute(instance, overlapped)
    execute(instance, start(instance, "hate", fails=""))
    execute(instance, start(instance, "love"))
    assert replaced_runs(instance) == [old]


def test_a_failure_beside_others_is_held_against_the_subject_that_failed_alone(
    new_place: PlaceMaker, instance: dg.DagsterInstance
) -> None:
    faults = FaultPlan(permanent={"s3": "http_403"})
    with Sandbox(SandboxConfig({"s1": 3, "s2": 3, "s3": 3}, faults=faults)) as sandbox:
        pipeline = Pipeline(new_place("local"), instance, sandbox.url)
        first = pipeline.run("s1", "s2", "s3", job="extract")
        pipeline.run("s1", "s2", job="extract", force=True)
        assert replaced_runs(instance) == []
        pipeline.run("s3", job="extract")
        assert replaced_runs(instance) == [first.run_id]
