"""The roles' policies give what each role needs, and no more."""

import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest

from openlib_assets.lake import layout
from openlib_assets_tests.infra.rendered_policies import (
    COMPUTE_LOGS_BUCKET,
    DATA_BUCKET,
    EMR,
    ICEBERG,
    INPUTS,
    POSTGRES,
    PREFIX,
    Policies,
    allows,
    statements,
)
from openlib_assets_tests.infra.scanners import parliament

pytestmark = pytest.mark.terraform

DATA = f"arn:aws:s3:::{DATA_BUCKET}/{PREFIX}"
BRONZE = f"{DATA}/bronze/raw_works/subject=love/snapshot=20260101T000000Z/part-0.parquet"
SILVER = f"{DATA}/silver/books/subject=love/part-0.parquet"
GOLD = f"{DATA}/gold/author_averages/subject=love/part-0.parquet"
SERVING = f"{DATA}/serving/order_list/subject=love/part-0.parquet"
COMPUTE_LOG = f"arn:aws:s3:::{COMPUTE_LOGS_BUCKET}/dagster-logs/storage/run/compute_logs/step.out"
# For these AWS knows no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/
WITHOUT_RESOURCES = {
    "ec2:DescribeNetworkInterfaces",
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "lakeformation:GetDataAccess",
}
READ_WRITE_DELETE = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")


def test_no_policy_names_all_actions_or_all_of_a_service(policies: Policies, masked: Policies) -> None:
    actions = {
        action
        for policy in (*policies.values(), masked["analyst"])
        for s in statements(policy)
        for action in s["Action"]
    }
    assert not {action for action in actions if "*" in action}


def test_all_resources_are_named_only_where_aws_knows_none(policies: Policies, masked: Policies) -> None:
    everything = {
        action
        for policy in (*policies.values(), masked["analyst"])
        for s in statements(policy)
        if "*" in s["Resource"]
        for action in s["Action"]
    }
    assert everything == WITHOUT_RESOURCES


def test_a_key_is_used_only_through_the_service_whose_objects_it_encrypts(policies: Policies) -> None:
    of_keys = [
        s for policy in policies.values() for s in statements(policy) if any(a.startswith("kms:") for a in s["Action"])
    ]
    assert of_keys
    assert all("kms:ViaService" in s["Condition"]["StringEquals"] for s in of_keys)


def test_the_pipeline_reads_and_writes_all_data_but_deletes_no_bronze(policies: Policies) -> None:
    pipeline = policies["pipeline"]
    assert all(
        allows(pipeline, action, path) for action, path in product(READ_WRITE_DELETE[:2], (BRONZE, SILVER, GOLD))
    )
    folders = ["_staging", "_locks", "silver", "gold", "serving", "exports", "reports", "warehouse"]
    folders += ["dumps", "bronze/dump_works/dump=2026-08-31"]
    assert all(allows(pipeline, "s3:DeleteObject", f"{DATA}/{folder}/x") for folder in folders)
    assert allows(pipeline, "s3:DeleteObject", f"{DATA}/{layout.watch_list_lock('subjects.yaml')}")
    kept = (BRONZE, f"{DATA}/subjects.yaml", f"{DATA}/catalog.duckdb")
    assert not any(allows(pipeline, "s3:DeleteObject", path) for path in kept)


def test_the_maintainer_deletes_bronze_but_no_version_of_it(policies: Policies) -> None:
    assert allows(policies["maintainer"], "s3:DeleteObject", BRONZE)
    assert not any(allows(policy, "s3:DeleteObjectVersion", BRONZE) for policy in policies.values())


def test_only_the_pipeline_and_the_maintainer_reach_bronze_and_silver(policies: Policies) -> None:
    reaching = {
        role
        for role, policy in policies.items()
        if any(
            allows(policy, action, path)
            for action, path in product(READ_WRITE_DELETE, (BRONZE, SILVER, f"{DATA}/subjects.yaml"))
        )
    }
    assert reaching == {"pipeline", "maintainer"}


def test_daemon_and_webserver_name_neither_data_nor_its_key(policies: Policies) -> None:
    for role in ("daemon", "webserver"):
        text = json.dumps(policies[role])
        assert DATA_BUCKET not in text
        assert INPUTS["data_key_arn"] not in text


def test_the_webserver_reads_compute_logs_and_the_daemon_writes_them(policies: Policies) -> None:
    assert allows(policies["webserver"], "s3:GetObject", COMPUTE_LOG)
    assert not allows(policies["webserver"], "s3:PutObject", COMPUTE_LOG)
    assert allows(policies["daemon"], "s3:PutObject", COMPUTE_LOG)


def test_the_daemon_starts_runs_in_its_cluster_with_their_two_roles_and_nothing_else(policies: Policies) -> None:
    by_sid = {s["Sid"]: s for s in statements(policies["daemon"])}
    start = by_sid["StartRuns"]
    assert start["Resource"] == ["arn:aws:ecs:us-east-1:123456789012:task-definition/openlib-test-run:*"]
    assert start["Condition"] == {"ArnEquals": {"ecs:cluster": INPUTS["cluster_arn"]}}
    assert sorted(by_sid["GiveRunsTheirRoles"]["Resource"]) == sorted(INPUTS["run_role_arns"])
    assert by_sid["GiveRunsTheirRoles"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }


def test_analysts_read_gold_and_what_is_made_for_people_and_write_only_results(policies: Policies) -> None:
    analyst = policies["analyst"]
    files = ("exports/love/books.csv", "reports/index.html", "catalog.duckdb", "warehouse/v/works/x", "digest.atom")
    readable = (GOLD, SERVING, *(f"{DATA}/{file}" for file in files))
    assert all(allows(analyst, "s3:GetObject", path) for path in readable)
    assert not any(allows(analyst, action, path) for action, path in product(READ_WRITE_DELETE[1:], readable))
    assert allows(analyst, "s3:PutObject", f"arn:aws:s3:::{DATA_BUCKET}/athena-results/result.csv")
    listed = [s["Condition"]["StringLike"]["s3:prefix"] for s in statements(analyst) if "s3:ListBucket" in s["Action"]]
    assert listed == [
        [f"{PREFIX}/{folder}/*" for folder in ("gold", "serving", "exports", "reports", "warehouse")],
        "athena-results/*",
    ]
    assert not allows(analyst, "glue:GetTable", "arn:aws:glue:us-east-1:123456789012:table/openlib_test_silver/books")


def test_analysts_from_whom_columns_are_hidden_read_no_file_that_holds_them(masked: Policies) -> None:
    analyst = masked["analyst"]
    files = (GOLD, SERVING, f"{DATA}/exports/love/books.csv", f"{DATA}/reports/love/index.html")
    assert not any(allows(analyst, "s3:GetObject", path) for path in files)
    assert allows(analyst, "lakeformation:GetDataAccess", "*")


def test_the_deployer_reaches_neither_data_nor_secrets(policies: Policies) -> None:
    services = {action.partition(":")[0] for s in statements(policies["deployer"]) for action in s["Action"]}
    assert services == {"ecr", "ecs", "iam"}


def test_the_execution_role_reads_one_secret(policies: Policies) -> None:
    (secret,) = (s for s in statements(policies["execution"]) if "secretsmanager:GetSecretValue" in s["Action"])
    assert secret["Resource"] == [INPUTS["database_secret_arn"]]
    roles = {
        role
        for role, policy in policies.items()
        if allows(policy, "secretsmanager:GetSecretValue", INPUTS["database_secret_arn"])
    }
    assert roles == {"execution"}


def test_it_reads_the_url_of_the_database_too_where_the_warehouse_is_loaded(loading: Policies) -> None:
    reading = [s for s in statements(loading["execution"]) if "secretsmanager:GetSecretValue" in s["Action"]]
    assert [s["Resource"] for s in reading] == [[INPUTS["database_secret_arn"], POSTGRES["secret_arn"]]]
    (decrypting,) = (s for s in statements(loading["execution"]) if s["Resource"] == [POSTGRES["key_arn"]])
    assert decrypting["Action"] == ["kms:Decrypt"]
    assert decrypting["Condition"]["StringEquals"]["kms:EncryptionContext:SecretARN"] == POSTGRES["secret_arn"]
    readers = {
        role
        for role, policy in loading.items()
        if allows(policy, "secretsmanager:GetSecretValue", POSTGRES["secret_arn"])
    }
    assert readers == {"execution"}


def test_only_who_registers_iceberg_tables_changes_those_of_glue_and_only_in_their_database(
    policies: Policies, registering: Policies
) -> None:
    glue = "arn:aws:glue:us-east-1:123456789012"
    works, other = f"{glue}:table/{ICEBERG}/works", f"{glue}:table/openlib_test_warehouse/works"
    metadata = f"{DATA}/iceberg/works/metadata/00000.metadata.json"
    changing = ("glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable")
    may = {role for role, policy in registering.items() if any(allows(policy, action, works) for action in changing)}
    assert may == {"pipeline", "maintainer"}
    for role in may:
        assert all(
            allows(registering[role], action, works) for action in (*changing, "glue:GetTable", "glue:GetTables")
        )
        assert allows(registering[role], "glue:UpdateDatabase", f"{glue}:database/{ICEBERG}")
        assert allows(registering[role], "s3:DeleteObject", metadata)
        assert not allows(policies[role], "s3:DeleteObject", metadata)
    assert not any(
        allows(policy, action, resource)
        for policy in registering.values()
        for action, resource in (
            *product(changing, (other,)),
            ("glue:CreateDatabase", f"{glue}:catalog"),
            ("glue:DeleteDatabase", f"{glue}:database/{ICEBERG}"),
        )
    )
    assert not any(allows(policies["pipeline"], action, works) for action in (*changing, "glue:GetTable"))


def test_a_job_on_emr_makes_tables_of_dumps_and_changes_nothing_else(on_emr: Policies) -> None:
    job = on_emr["emr-job"]
    tables = ("bronze/dump_works", "silver/catalogue_works", "silver/work_records", "gold/catalogue_changes")
    made = [f"{DATA}/{table}/dump=2026-08-31/{name}" for table in tables for name in ("part-000.parquet", "made.json")]
    made += [f"{DATA}/dumps/2026-08-31.json", f"{DATA}/_locks/dump=2026-08-31"]
    assert all(allows(job, action, path) for action, path in product(READ_WRITE_DELETE, made))
    read = [f"{DATA}/dump_files/ol_dump_works_2026-08-31.txt.gz", f"{DATA}/code/environment.tar.gz"]
    assert all(allows(job, "s3:GetObject", path) for path in read)
    others = [BRONZE, SILVER, GOLD, SERVING, COMPUTE_LOG, f"{DATA}/subjects.yaml", f"{DATA}/_locks/love", *read]
    assert not any(allows(job, action, path) for action, path in product(READ_WRITE_DELETE[1:], others))
    assert not any(allows(job, "s3:GetObject", path) for path in (BRONZE, SERVING, COMPUTE_LOG))
    assert {action.partition(":")[0] for s in statements(job) for action in s["Action"]} == {"s3", "kms", "logs"}
    (key,) = (s for s in statements(job) if s["Resource"] == [INPUTS["data_key_arn"]])
    assert key["Condition"]["StringEquals"] == {"kms:ViaService": "s3.us-east-1.amazonaws.com"}


def test_only_runs_start_jobs_of_this_application_and_give_them_this_role(policies: Policies, on_emr: Policies) -> None:
    application, run = EMR["application_arn"], f"{EMR['application_arn']}/jobruns/1"
    other = application.replace("00f1", "00f2")
    assert not any(s for p in policies.values() for s in statements(p) if "emr-serverless" in json.dumps(s))
    assert policies.keys() == on_emr.keys() - {"emr-job"}
    asked = [("emr-serverless:StartJobRun", application), ("emr-serverless:GetApplication", application)]
    asked += [(f"emr-serverless:{name}", run) for name in ("GetJobRun", "CancelJobRun", "GetDashboardForJobRun")]
    for action, resource in asked:
        assert {role for role, policy in on_emr.items() if allows(policy, action, resource)} == {"pipeline"}
        assert not allows(on_emr["pipeline"], action, resource.replace(application, other))
    (passing,) = (s for s in statements(on_emr["pipeline"]) if s["Action"] == ["iam:PassRole"])
    assert passing["Resource"] == [EMR["role_arn"]]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}


def test_parliament_finds_nothing_in_any_policy(all_policies: Mapping[str, Policies], tmp_path: Path) -> None:
    others = {
        "analyst-masked": all_policies["masked"]["analyst"],
        "execution-loading": all_policies["loading"]["execution"],
        "pipeline-registering": all_policies["registering"]["pipeline"],
        "pipeline-on-emr": all_policies["on_emr"]["pipeline"],
        "emr-job": all_policies["on_emr"]["emr-job"],
    }
    assert parliament({**all_policies["plain"], **others}, tmp_path) == ""


def test_parliament_finds_what_is_wrong(tmp_path: Path) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObjects", "Resource": "*"}
    assert "UNKNOWN_ACTION" in parliament({"wrong": {"Version": "2012-10-17", "Statement": [statement]}}, tmp_path)
