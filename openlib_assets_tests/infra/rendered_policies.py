"""The roles' policies as `modules/policies` renders them, which needs no account and no AWS."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from openlib_assets_tests.infra import terraform

DATA_BUCKET = "openlib-test-data"
COMPUTE_LOGS_BUCKET = "openlib-test-compute-logs"
PREFIX = "openlib"
Policies = Mapping[str, Mapping[str, Any]]
_HERE = f"{terraform.REGION}:{terraform.ACCOUNT}"
_ROLES = {
    role: f"arn:aws:iam::{terraform.ACCOUNT}:role/openlib-test-{role}"
    for role in ("pipeline", "daemon", "webserver", "execution")
}
INPUTS: Mapping[str, Any] = {
    "account_id": terraform.ACCOUNT,
    "region": terraform.REGION,
    "data_bucket_arn": f"arn:aws:s3:::{DATA_BUCKET}",
    "prefix": PREFIX,
    "athena_results_prefix": "athena-results/",
    "data_key_arn": f"arn:aws:kms:{_HERE}:key/data",
    "compute_logs_bucket_arn": f"arn:aws:s3:::{COMPUTE_LOGS_BUCKET}",
    "compute_logs_prefix": "dagster-logs",
    "operations_key_arn": f"arn:aws:kms:{_HERE}:key/operations",
    "queue_arn": f"arn:aws:sqs:{_HERE}:openlib-test-events",
    "cluster_arn": f"arn:aws:ecs:{_HERE}:cluster/openlib-test",
    "run_family": "openlib-test-run",
    "task_families": ["openlib-test-run", "openlib-test-daemon"],
    "service_arns": [f"arn:aws:ecs:{_HERE}:service/openlib-test/daemon"],
    "run_log_group_arn": f"arn:aws:logs:{_HERE}:log-group:/openlib-test/run",
    "log_group_arns": [f"arn:aws:logs:{_HERE}:log-group:/openlib-test/run"],
    "repository_arn": f"arn:aws:ecr:{_HERE}:repository/openlib-test",
    "database_secret_arn": f"arn:aws:secretsmanager:{_HERE}:secret:rds!db-test",
    "run_role_arns": [_ROLES["pipeline"], _ROLES["execution"]],
    "task_role_arns": list(_ROLES.values()),
    "workgroup_arn": f"arn:aws:athena:{_HERE}:workgroup/openlib-test-analysts",
    "gold_database": "openlib_test_gold",
    "warehouse_database": "openlib_test_warehouse",
}
ICEBERG = "openlib_test_iceberg"
EMR = {
    "application_arn": f"arn:aws:emr-serverless:{_HERE}:/applications/00f1",
    "role_arn": f"arn:aws:iam::{terraform.ACCOUNT}:role/openlib-test-emr-job",
    "log_group_arn": f"arn:aws:logs:{_HERE}:log-group:/openlib-test/emr",
}
POSTGRES = {
    "secret_arn": f"arn:aws:secretsmanager:{_HERE}:secret:postgres-AbCdEf",
    "key_arn": f"arn:aws:kms:{_HERE}:key/postgres",
}


def rendered(folder: Path) -> dict[str, Policies]:
    """Render the policy of each role in `folder`, an empty one.

    `plain`; `masked`, where columns are hidden; `loading`, where the warehouse is loaded into PostgreSQL;
    `registering`, where it is registered as Iceberg tables; `on_emr`, where tables of dumps are made on EMR Serverless.
    """
    copy = terraform.copied(folder)
    root = folder / "root"
    root.mkdir()
    module = {"source": f"{copy / 'modules' / 'policies'}", **INPUTS}
    modules = {
        "plain": module,
        "masked": {**module, "masked": True},
        "loading": {**module, "warehouse_postgres": POSTGRES},
        "registering": {**module, "iceberg_database": ICEBERG},
        "on_emr": {**module, "emr": EMR},
    }
    outputs = {name: {"value": f"${{module.{name}.policies}}"} for name in modules}
    (root / "main.tf.json").write_text(
        json.dumps({"module": modules, "provider": {"aws": {}}, "output": outputs}), encoding="utf-8"
    )
    terraform.use_provider(root, {})
    terraform.initialise(root, backend=True)
    terraform.run(root, "apply", "-auto-approve", "-input=false", "-no-color")
    found: dict[str, dict[str, Any]] = json.loads(terraform.run(root, "output", "-json").stdout)
    return {
        name: {role: json.loads(policy) for role, policy in output["value"].items()} for name, output in found.items()
    }


def statements(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a policy's statements, with actions and resources as lists."""
    return [
        {**statement, "Action": _listed(statement["Action"]), "Resource": _listed(statement["Resource"])}
        for statement in policy["Statement"]
    ]


def allows(policy: Mapping[str, Any], action: str, resource: str) -> bool:
    """Tell whether some statement allows an action on a resource, whatever its conditions are."""
    return any(
        statement["Effect"] == "Allow"
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        for statement in statements(policy)
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
