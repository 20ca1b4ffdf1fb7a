"""What the policies say of other services than S3: attached to roles on moto, which are then taken on.

moto looks at actions and ignores conditions; it looks at resources for S3 and SQS, and takes all calls of other
services for calls on everything. For these, roles are tried that have the same actions on all resources: that the
policies name the right resources is for `test_policies.py` to say.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from openlib_assets_tests.infra import terraform
from openlib_assets_tests.infra.rendered_policies import DATA_BUCKET, INPUTS, PREFIX, Policies

pytestmark = pytest.mark.terraform

BRONZE = f"{PREFIX}/bronze/raw_works/subject=love/snapshot=20200101T000000Z/part-0.parquet"
STAGED = f"{PREFIX}/_staging/love/1-0.arrow"
SECRET = "openlib-test-database"
ROLES = ("pipeline", "maintainer", "analyst", "daemon", "webserver", "deployer", "execution")


class Account:
    """An account on moto with what the roles work on, and a session for each role."""

    def __init__(self, url: str, policies: Policies) -> None:
        self.url = url
        owner = boto3.Session("test", "test", region_name=terraform.REGION)
        s3, sqs, ecs = (self.client(service, owner) for service in ("s3", "sqs", "ecs"))
        s3.create_bucket(Bucket=DATA_BUCKET)
        for key in (BRONZE, STAGED):
            s3.put_object(Bucket=DATA_BUCKET, Key=key, Body=b"there")
        self.queue = sqs.create_queue(QueueName="openlib-test-events")["QueueUrl"]
        self.other_queue = sqs.create_queue(QueueName="other")["QueueUrl"]
        sqs.send_message(QueueUrl=self.queue, MessageBody="{}")
        ecs.create_cluster(clusterName="openlib-test")
        for family in ("openlib-test-run", "other"):
            ecs.register_task_definition(
                family=family, containerDefinitions=[{"name": "run", "image": "x", "memory": 1}]
            )
        secrets = self.client("secretsmanager", owner)
        self.secret = secrets.create_secret(Name=SECRET, SecretString="x")["ARN"]
        assert self._arn(sqs, self.queue) == INPUTS["queue_arn"]
        self.sessions = {role: self._session(owner, role, policies[role]) for role in ROLES}
        self.everywhere = {role: self._session(owner, f"{role}-all", on_all(policies[role])) for role in ROLES}

    def client(self, service: str, session: boto3.Session) -> Any:
        untyped: Any = session
        return untyped.client(service, endpoint_url=self.url)

    def of(self, role: str, service: str) -> Any:
        """Return a client of a service with the rights of a role."""
        return self.client(service, self.sessions[role])

    def of_everywhere(self, role: str, service: str) -> Any:
        """Return a client of a service with the actions of a role on all resources."""
        return self.client(service, self.everywhere[role])

    def _arn(self, sqs: Any, queue: str) -> str:
        about = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        return str(about["Attributes"]["QueueArn"])

    def _session(self, owner: boto3.Session, role: str, policy: Mapping[str, Any]) -> boto3.Session:
        iam = self.client("iam", owner)
        trust = {"Version": "2012-10-17", "Statement": []}
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=role, PolicyName="rendered", PolicyDocument=json.dumps(policy))
        keys = self.client("sts", owner).assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.Session(
            keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=terraform.REGION
        )


def on_all(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {**policy, "Statement": [{**statement, "Resource": "*"} for statement in policy["Statement"]]}


@pytest.fixture(scope="module")
def account(policies: Policies) -> Iterator[Account]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    account = Account(f"http://{host}:{port}", policies)
    requests.post(f"{account.url}/moto-api/reset-auth", data=b"0", timeout=10)
    yield account
    requests.post(f"{account.url}/moto-api/reset-auth", data=b"inf", timeout=10)
    server.stop()


def allowed(call: Callable[[], object]) -> bool:
    """Tell whether a call is allowed; anything else than an answer or a refusal is an error."""
    try:
        call()
    except ClientError as error:
        if "AccessDenied" not in str(error):
            raise
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_the_queue_is_drained_by_who_evaluates_the_sensor(account: Account, role: str) -> None:
    sqs = account.of(role, "sqs")
    drains = role in ("pipeline", "maintainer")
    assert allowed(lambda: sqs.receive_message(QueueUrl=account.queue)) == drains
    # openlib doctor asks how many messages wait.
    assert allowed(lambda: sqs.get_queue_attributes(QueueUrl=account.queue, AttributeNames=["All"])) == drains
    assert not allowed(lambda: sqs.get_queue_attributes(QueueUrl=account.other_queue, AttributeNames=["All"]))
    assert not allowed(lambda: sqs.set_queue_attributes(QueueUrl=account.queue, Attributes={"DelaySeconds": "1"}))
    assert not allowed(lambda: sqs.send_message(QueueUrl=account.queue, MessageBody="{}"))
    assert not allowed(lambda: sqs.purge_queue(QueueUrl=account.queue))
    assert not allowed(lambda: sqs.receive_message(QueueUrl=account.other_queue))


@pytest.mark.parametrize("role", ROLES)
def test_runs_are_started_by_the_daemon_alone(account: Account, role: str) -> None:
    ecs = account.of_everywhere(role, "ecs")
    run = {"cluster": "openlib-test", "taskDefinition": "openlib-test-run", "launchType": "FARGATE"}
    assert allowed(lambda: ecs.run_task(**run)) == (role == "daemon")
    assert allowed(lambda: ecs.describe_tasks(cluster="openlib-test", tasks=["x"])) == (role in ("daemon", "webserver"))
    assert not allowed(lambda: ecs.delete_cluster(cluster="openlib-test"))
    assert not allowed(lambda: ecs.execute_command(cluster="openlib-test", task="x", command="sh", interactive=True))


@pytest.mark.parametrize("role", ROLES)
def test_the_password_is_read_by_who_starts_containers_alone(account: Account, role: str) -> None:
    secrets = account.of_everywhere(role, "secretsmanager")
    assert allowed(lambda: secrets.get_secret_value(SecretId=account.secret)) == (role == "execution")
    assert not allowed(lambda: secrets.put_secret_value(SecretId=account.secret, SecretString="x"))


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gives_themselves_more(account: Account, role: str) -> None:
    iam = account.of(role, "iam")
    assert not allowed(lambda: iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess"))
    assert not allowed(lambda: iam.create_user(UserName="other"))


@pytest.mark.parametrize("role", ROLES)
def test_bronze_is_deleted_by_the_maintainer_alone_also_here(account: Account, role: str) -> None:
    s3 = account.of(role, "s3")
    assert allowed(lambda: s3.delete_object(Bucket=DATA_BUCKET, Key=STAGED)) == (role in ("pipeline", "maintainer"))
    assert allowed(lambda: s3.delete_object(Bucket=DATA_BUCKET, Key=BRONZE)) == (role == "maintainer")
