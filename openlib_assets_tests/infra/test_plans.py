"""What the environments plan, seen as a whole; planning needs no account."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from openlib_assets.lake.contract import DERIVED_TABLES, Layer
from openlib_assets_tests.infra import terraform

pytestmark = pytest.mark.terraform

Resources = Mapping[str, Mapping[str, Any]]


EXAMPLE = "-var-file=terraform.tfvars.example"


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resources]:
    """The resources that each environment plans, with the variables of its example; and dev's with all options."""
    copy = terraform.copied(tmp_path_factory.mktemp("plans"))
    plans: dict[str, Resources] = {}
    for environment in terraform.ENVIRONMENTS:
        folder = copy / "environments" / environment
        terraform.use_provider(folder, {})
        terraform.initialise(folder, backend=True)
        plans[environment] = terraform.resources(terraform.planned(folder, EXAMPLE))
    plans["dev with options"] = terraform.resources(
        terraform.planned(copy / "environments" / "dev", EXAMPLE, *terraform.OPTIONS, "-var=emr={}")
    )
    return plans


def of_type(resources: Resources, kind: str) -> list[Mapping[str, Any]]:
    """Return the resources of a type."""
    return [after for address, after in resources.items() if f".{kind}." in f".{address}"]


def test_nothing_in_prod_that_holds_data_can_be_deleted_by_mistake(plans: Mapping[str, Resources]) -> None:
    protected = {
        environment: {
            *(database["deletion_protection"] for database in of_type(plan, "aws_db_instance")),
            *(not database["skip_final_snapshot"] for database in of_type(plan, "aws_db_instance")),
            *(balancer["enable_deletion_protection"] for balancer in of_type(plan, "aws_lb")),
            *(pool["deletion_protection"] == "ACTIVE" for pool in of_type(plan, "aws_cognito_user_pool")),
            *(not bucket["force_destroy"] for bucket in of_type(plan, "aws_s3_bucket")),
            *(not repository["force_delete"] for repository in of_type(plan, "aws_ecr_repository")),
        }
        for environment, plan in ((name, plans[name]) for name in terraform.ENVIRONMENTS)
    }
    assert protected == {"dev": {False}, "prod": {True}}


def test_prod_stands_in_two_zones_that_can_do_without_each_other(plans: Mapping[str, Resources]) -> None:
    prod, dev = plans["prod"], plans["dev"]
    assert len(of_type(prod, "aws_nat_gateway")) == 2
    assert len(of_type(dev, "aws_nat_gateway")) == 1
    assert [database["multi_az"] for database in of_type(prod, "aws_db_instance")] == [True]
    assert len(of_type(prod, "aws_subnet")) == 4


@pytest.mark.parametrize("environment", terraform.ENVIRONMENTS)
def test_no_subnet_gives_out_public_addresses_and_nothing_public_holds_more_than_nat(
    plans: Mapping[str, Resources], environment: str
) -> None:
    plan = plans[environment]
    assert not any(subnet["map_public_ip_on_launch"] for subnet in of_type(plan, "aws_subnet"))
    assert not any(database["publicly_accessible"] for database in of_type(plan, "aws_db_instance"))
    assert all(balancer["internal"] for balancer in of_type(plan, "aws_lb"))
    services = of_type(plan, "aws_ecs_service")
    assert len(services) == 3
    assert not any(service["network_configuration"][0]["assign_public_ip"] for service in services)


@pytest.mark.parametrize("environment", terraform.ENVIRONMENTS)
def test_people_come_in_by_https_from_the_given_addresses_only(
    plans: Mapping[str, Resources], environment: str
) -> None:
    plan = plans[environment]
    from_addresses = [
        (rule["cidr_ipv4"], rule["from_port"], rule["to_port"])
        for rule in of_type(plan, "aws_vpc_security_group_ingress_rule")
        if rule["cidr_ipv4"]
    ]
    assert from_addresses == [("10.20.0.0/16", 443, 443)]
    assert [listener["protocol"] for listener in of_type(plan, "aws_lb_listener")] == ["HTTPS"]


@pytest.mark.parametrize("environment", terraform.ENVIRONMENTS)
def test_every_role_of_people_wants_a_second_factor(plans: Mapping[str, Resources], environment: str) -> None:
    roles = {
        role["name"].removeprefix(f"openlib-{environment}-"): role
        for role in of_type(plans[environment], "aws_iam_role")
    }
    for name in ("analyst", "maintainer"):
        (statement,) = json.loads(roles[name]["assume_role_policy"])["Statement"]
        assert statement["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert {"pipeline", "daemon", "webserver", "execution", "restarter", "deployer"} <= set(roles)


@pytest.mark.parametrize("environment", terraform.ENVIRONMENTS)
def test_every_bucket_is_closed_versioned_and_encrypted(plans: Mapping[str, Resources], environment: str) -> None:
    plan = plans[environment]
    assert len(of_type(plan, "aws_s3_bucket")) == 3
    blocks = of_type(plan, "aws_s3_bucket_public_access_block")
    kinds = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert [all(block[kind] for kind in kinds) for block in blocks] == [True] * 3
    versionings = of_type(plan, "aws_s3_bucket_versioning")
    assert [versioning["versioning_configuration"][0]["status"] for versioning in versionings] == ["Enabled"] * 3
    assert len(of_type(plan, "aws_s3_bucket_server_side_encryption_configuration")) == 3


@pytest.mark.parametrize("environment", terraform.ENVIRONMENTS)
def test_all_logs_go_after_a_while(plans: Mapping[str, Resources], environment: str) -> None:
    groups = of_type(plans[environment], "aws_cloudwatch_log_group")
    assert len(groups) == 8
    assert all(0 < group["retention_in_days"] <= 90 for group in groups)


def test_analysts_see_all_gold_tables_but_not_the_masked_column(plans: Mapping[str, Resources]) -> None:
    granted = {
        permissions["table_with_columns"][0]["name"]: permissions["table_with_columns"][0]["column_names"]
        for address, permissions in plans["dev with options"].items()
        if ".aws_lakeformation_permissions.columns" in address
    }
    gold = {
        table.name: {column.name for column in table.columns} for table in DERIVED_TABLES if table.layer is Layer.GOLD
    }
    assert {name: set(columns) for name, columns in granted.items()} == {
        name: columns - {"author_name"} for name, columns in gold.items()
    }
    assert not of_type(plans["dev"], "aws_lakeformation_permissions")


def test_snowflake_gets_a_role_where_it_is_asked_for(plans: Mapping[str, Resources]) -> None:
    names = {name: {role["name"] for role in of_type(plan, "aws_iam_role")} for name, plan in plans.items()}
    assert names["dev with options"] - names["dev"] == {
        "openlib-dev-snowflake",
        "openlib-dev-lake-formation",
        "openlib-dev-emr-job",
    }


def test_there_is_an_application_of_emr_where_it_is_asked_for_which_alone_takes_on_the_role_of_jobs(
    plans: Mapping[str, Resources],
) -> None:
    kind = "aws_emrserverless_application"
    assert [len(of_type(plans[name], kind)) for name in ("dev", "prod", "dev with options")] == [0, 0, 1]
    (role,) = (
        role for role in of_type(plans["dev with options"], "aws_iam_role") if role["name"] == "openlib-dev-emr-job"
    )
    (statement,) = json.loads(role["assume_role_policy"])["Statement"]
    assert statement["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
