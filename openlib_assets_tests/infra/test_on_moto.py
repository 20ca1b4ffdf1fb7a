"""The dev environment, with all its options, is applied to moto, an AWS in this process: applied once, it stays as it
is; then it goes again.

moto says whether names, references and orders fit together; it lets pass much that AWS refuses.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from moto.ec2.exceptions import InvalidRouteError
from moto.ec2.models.vpcs import VPCBackend
from moto.server import ThreadedMotoServer

from openlib_assets_tests.infra import terraform
from openlib_assets_tests.infra.scanners import parliament

pytestmark = pytest.mark.terraform

SERVICES = (
    "athena",
    "cloudwatch",
    "cognitoidp",
    "ec2",
    "ecr",
    "ecs",
    "elbv2",
    "glue",
    "iam",
    "kms",
    "lakeformation",
    "logs",
    "rds",
    "s3",
    "scheduler",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "sqs",
    "sts",
)
# What moto 5.2.5 does not have, and nothing else refers to. The database is left out because the provider waits for it
# for three minutes.
NOT_ON_MOTO = {
    "aws_budgets_budget": "DescribeSubscribersForNotification is not implemented",
    "aws_ce_anomaly_monitor": "CreateAnomalyMonitor is not implemented",
    "aws_ce_anomaly_subscription": "needs the monitor",
    "aws_lakeformation_permissions": "those on columns are not found again; the provider waits for them",
    "aws_sqs_queue_redrive_allow_policy": "forgets the attribute; the provider waits for it",
}
# Formatted as they are, blocks end where a line begins with a brace.
_LACKING = re.compile(rf'^resource "({"|".join(NOT_ON_MOTO)})" .*?^}}\n', re.MULTILINE | re.DOTALL)
# What moto tells otherwise than it was told: these, and what is read from them, show up in a second plan.
TOLD_OTHERWISE = {
    "aws_s3_bucket_logging": {"target_object_key_format"},
    "aws_ecs_service": {"availability_zone_rebalancing", "health_check_grace_period_seconds"},
    "aws_sqs_queue": {"redrive_policy"},
    "aws_sqs_queue_policy": {"policy"},
    "aws_vpc_security_group_egress_rule": {"description"},
    "aws_vpc_security_group_ingress_rule": {"description"},
}
VARIABLES_OF_ALL_PROCESSES = {
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "DAGSTER_HOME",
    "HOME",
    "OPENLIB_CODE_HOST",
    "OPENLIB_CODE_PORT",
    "OPENLIB_COMPUTE_LOGS_BUCKET",
    "OPENLIB_COMPUTE_LOGS_PREFIX",
    "OPENLIB_CONTACT",
    "OPENLIB_EVENTS_QUEUE",
    "OPENLIB_ICEBERG",
    "OPENLIB_ICEBERG_NAMESPACE",
    "OPENLIB_MONTHLY_REFRESH",
    "OPENLIB_PACE",
    "OPENLIB_RUN_TASK_DEFINITION",
    "OPENLIB_S3_BUCKET_OWNER",
    "OPENLIB_S3_KMS_KEY",
    "OPENLIB_STORAGE",
    "PGDATABASE",
    "PGHOST",
    "PGPORT",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGUSER",
    "TMPDIR",
    "XDG_CACHE_HOME",
}
FOLDER_OF_VOLUMES = "/tmp"  # noqa: S108 - in a container


@dataclass(frozen=True)
class Applied:
    """The environment as it stands on moto: where it was applied, and who answers for AWS."""

    folder: Path
    url: str

    def client(self, service: str) -> Any:
        """Return a client of one of the services."""
        return _client(service, self.url)


def _client(service: str, url: str) -> Any:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=terraform.REGION)
    return session.client(service, endpoint_url=url)


@pytest.fixture(scope="module")
def deletions_may_be_repeated() -> Iterator[None]:
    """Delete an endpoint whose routes are gone, as AWS does where the provider asks again after a lost answer."""
    delete = VPCBackend.delete_vpc_endpoints

    def delete_again(self: VPCBackend, vpce_ids: list[str] | None = None) -> None:
        try:
            delete(self, vpce_ids)
        except InvalidRouteError:
            for endpoint in vpce_ids or []:
                self.vpc_end_points[endpoint].state = "deleted"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VPCBackend, "delete_vpc_endpoints", delete_again)
        yield


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, deletions_may_be_repeated: None) -> Iterator[Applied]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"

    copy = terraform.copied(tmp_path_factory.mktemp("on_moto"))
    database = copy / "modules" / "database"
    shutil.copy(Path(__file__).parent / "database_stand_in.tf", database / "main.tf")
    (database / "outputs.tf").unlink()
    for file in copy.glob("modules/*/main.tf"):
        file.write_text(_LACKING.sub("", file.read_text(encoding="utf-8")), encoding="utf-8")

    folder = copy / "environments" / "dev"
    certificate = _client("acm", url).request_certificate(DomainName="openlib-dev.example.org")["CertificateArn"]
    example = (folder / "terraform.tfvars.example").read_text(encoding="utf-8")
    variables = re.sub(r'(certificate_arn\s*=\s*)".*"', rf'\1"{certificate}"', example)
    (folder / "terraform.tfvars").write_text(variables, encoding="utf-8")
    terraform.use_provider(folder, dict.fromkeys(SERVICES, url))
    terraform.initialise(folder, backend=True)

    _run(folder, "apply")
    yield Applied(folder, url)
    server.stop()


def test_all_is_there_but_what_moto_lacks(applied: Applied) -> None:
    kinds = {resource["type"] for resource in _state(applied) if resource["mode"] == "managed"}
    assert len(kinds) > 50
    assert not kinds & NOT_ON_MOTO.keys()


def test_a_second_plan_changes_nothing_but_what_moto_tells_otherwise(applied: Applied) -> None:
    plan = terraform.planned(applied.folder, *terraform.OPTIONS)
    changed: dict[str, set[str]] = {}
    for change in plan["resource_changes"]:
        actions = change["change"]["actions"]
        if change["mode"] == "data" or actions == ["no-op"]:
            continue
        assert actions == ["update"], change["address"]
        before, after = change["change"]["before"], change["change"]["after"]
        changed.setdefault(change["type"], set()).update(
            name for name in before if name in after and before[name] != after[name]
        )
        changed[change["type"]].update(
            name for name, unknown in change["change"]["after_unknown"].items() if unknown is True
        )
    assert changed == TOLD_OTHERWISE


def test_every_process_gets_the_variables_that_it_reads(applied: Applied) -> None:
    for process in ("webserver", "daemon", "code-location", "run"):
        definition = applied.client("ecs").describe_task_definition(taskDefinition=f"openlib-dev-{process}")[
            "taskDefinition"
        ]
        (container,) = definition["containerDefinitions"]
        assert container["name"] == process
        variables = {variable["name"]: variable["value"] for variable in container["environment"]}
        loads = process in ("code-location", "run")
        assert set(variables) == VARIABLES_OF_ALL_PROCESSES | ({"OPENLIB_DATABASE_SCHEMA"} if loads else set())
        assert variables["OPENLIB_STORAGE"] == f"s3://openlib-dev-data-{terraform.ACCOUNT}/openlib"
        assert variables["OPENLIB_RUN_TASK_DEFINITION"] == "openlib-dev-run"
        secrets = {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}
        assert secrets.pop("PGPASSWORD").endswith(":password::")
        assert secrets == ({"OPENLIB_DATABASE": f"{terraform.POSTGRES_SECRET}:url::"} if loads else {})
        assert container["readonlyRootFilesystem"]
        assert container["user"] == "10001"
        assert [mount["containerPath"] for mount in container["mountPoints"]] == [FOLDER_OF_VOLUMES]


def test_parliament_finds_nothing_in_any_policy_of_any_role(applied: Applied, tmp_path: Path) -> None:
    policies = {
        instance["attributes"]["id"].replace(":", "_"): json.loads(instance["attributes"]["policy"])
        for resource in _state(applied)
        if resource["type"] == "aws_iam_role_policy"
        for instance in resource["instances"]
    }
    assert len(policies) == 11
    assert parliament(policies, tmp_path) == ""


def test_the_data_bucket_refuses_plain_http_and_other_keys(applied: Applied) -> None:
    s3 = applied.client("s3")
    bucket = f"openlib-dev-data-{terraform.ACCOUNT}"
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    denied = {
        statement["Sid"]: statement["Condition"] for statement in policy["Statement"] if statement["Effect"] == "Deny"
    }
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert rule["BucketKeyEnabled"]
    assert denied["TlsOnly"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied["NoOtherAlgorithm"]["StringNotEquals"] == {"s3:x-amz-server-side-encryption": "aws:kms"}
    assert denied["NoOtherKey"]["StringNotEquals"] == {"s3:x-amz-server-side-encryption-aws-kms-key-id": key}
    # Without a name for the key, the bucket's own is taken.
    assert all("Null" in denied[sid] for sid in ("NoOtherAlgorithm", "NoOtherKey"))


def test_a_new_watch_list_and_a_new_snapshot_reach_the_queue_and_a_table_does_not(applied: Applied) -> None:
    s3, sqs = applied.client("s3"), applied.client("sqs")
    # moto heeds what a bucket policy denies, but not on which conditions.
    s3.delete_bucket_policy(Bucket=f"openlib-dev-data-{terraform.ACCOUNT}")
    queue = sqs.get_queue_url(QueueName="openlib-dev-events")["QueueUrl"]
    snapshot = "openlib/bronze/raw_works/subject=love/snapshot=20260101T000000Z/part-0.parquet"
    for key in ("openlib/subjects.yaml", snapshot, "openlib/gold/author_averages/subject=love/part-0.parquet"):
        s3.put_object(Bucket=f"openlib-dev-data-{terraform.ACCOUNT}", Key=key, Body=b"x")
    told = set()
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            told |= {record["s3"]["object"]["key"] for record in json.loads(message["Body"]).get("Records", [])}
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert {unquote(key) for key in told} == {"openlib/subjects.yaml", snapshot}


def test_a_signal_in_the_log_raises_its_alarm(applied: Applied) -> None:
    filters = applied.client("logs").describe_metric_filters(logGroupName="/openlib-dev/code-location")["metricFilters"]
    assert {f["filterPattern"]: f["metricTransformations"][0]["metricValue"] for f in filters} == {
        '{ $.openlib_signal = "run_failed" }': "1",
        '{ $.openlib_signal = "subjects_overdue" }': "$.count",
    }
    metrics = {(t["metricNamespace"], t["metricName"]) for f in filters for t in f["metricTransformations"]}
    alarms = applied.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert metrics <= {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms}
    assert all(alarm["AlarmActions"] for alarm in alarms)


def test_all_goes_again(applied: Applied) -> None:
    _run(applied.folder, "destroy", "-refresh=false")
    assert _state(applied) == []


def _run(folder: Path, command: str, *arguments: str) -> None:
    arguments = ("-auto-approve", "-input=false", "-no-color", "-parallelism=20", *arguments)
    terraform.run(folder, command, *arguments, *terraform.OPTIONS)


def _state(applied: Applied) -> list[dict[str, Any]]:
    state: dict[str, Any] = json.loads((applied.folder / "terraform.tfstate").read_text(encoding="utf-8"))
    return list(state["resources"])
