"""Terraform, run on copies of the configuration, so that nothing is left in the project's folder."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openlib_assets_tests.tools.deployment import PATIENCE_SECONDS, running, wait_until

PROJECT = Path(__file__).parents[2]
CONFIGURATION = PROJECT / "infra" / "terraform"
ENVIRONMENTS = ("dev", "prod")
ACCOUNT = "123456789012"
REGION = "us-east-1"
# What is off by default.
POSTGRES_SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:postgres-AbCdEf"
OPTIONS = (
    '-var=masked_columns=["author_name"]',
    '-var=snowflake={user_arn = "arn:aws:iam::210987654321:user/snowflake", external_id = "TEST_SFCRole=1_abc="}',
    f'-var=warehouse_postgres={{secret_arn = "{POSTGRES_SECRET}", cidr = "10.30.0.0/24"}}',
    "-var=iceberg=true",
)

# Where plugins usually lie: https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
_PLUGIN_ROOTS = (
    Path.home() / ".terraform.d" / "plugins",
    Path.home() / ".terraform.d" / "plugin-cache",
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
    Path("/opt"),
)
# By this, a provider that was started for debugging says where it is to be found, and terraform is told.
ATTACHED = "TF_REATTACH_PROVIDERS"
# The schemas of all that AWS has are many small objects: by Go's own measure, more than a quarter of the time would be
# spent on looking which of them are garbage.
_FEW_COLLECTIONS = {"GOGC": "800"}


def copied(folder: Path) -> Path:
    """Copy the configuration into `folder` and give the copy."""
    leavings = shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars")
    return Path(shutil.copytree(CONFIGURATION, folder / "terraform", ignore=leavings))


def run(folder: Path, *arguments: str, passes: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run terraform in `folder`; any exit status but those in `passes` fails the test with what terraform said."""
    executable = shutil.which("terraform")
    if executable is None:
        raise AssertionError("terraform is missing: install 1.11 or later, https://developer.hashicorp.com/terraform")
    # A user's own settings may name other mirrors, and variables that are not meant for a test.
    ours = ("TF_PLUGIN_CACHE_DIR", ATTACHED)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TF_") or name in ours}
    variables |= {"TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    variables |= _FEW_COLLECTIONS
    done = subprocess.run(
        [executable, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode in passes, f"terraform {arguments[0]}: {done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done


def initialise(folder: Path, *, backend: bool = False) -> None:
    """Initialise `folder` with the provider that is on this machine, or else from its registry."""
    plugins = plugin_folder()
    run(
        folder,
        "init",
        "-input=false",
        "-no-color",
        *(() if backend else ("-backend=false",)),
        *((f"-plugin-dir={plugins}",) if plugins else ()),
    )


def plugin_folder() -> Path | None:
    """Return the folder of plugins that holds the provider for AWS: TF_PLUGIN_DIR, or one of the usual places."""
    given = os.environ.get("TF_PLUGIN_DIR")
    if given:
        return Path(given)
    # <folder>/<registry>/hashicorp/aws/<version>/<platform>/terraform-provider-aws…
    layout = "hashicorp/aws/*/*/terraform-provider-aws*"
    for root in _PLUGIN_ROOTS:
        for pattern in (f"*/{layout}", f"*/*/{layout}"):
            for provider in root.glob(pattern):
                return provider.parents[5]
    return None


@contextmanager
def provider_running(folder: Path) -> Iterator[None]:
    """Let all commands of the block share one process of the provider; `folder`, an empty one, holds its log.

    Otherwise each command reads all of the 700 MB of the provider and starts it anew, some of them several times. It is
    the one that `terraform init` chooses for the dev environment.
    """
    environment = copied(folder) / "environments" / ENVIRONMENTS[0]
    initialise(environment)
    (provider,) = environment.glob(".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws*")
    log = folder / "provider.log"
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    variables |= _FEW_COLLECTIONS
    with running([str(provider), "-debug"], variables, log) as process, pytest.MonkeyPatch.context() as patch:

        def told() -> list[str]:
            return re.findall(f"{ATTACHED}='(.*)'", log.read_text(encoding="utf-8"))

        wait_until(lambda: bool(told()) or process.poll() is not None, PATIENCE_SECONDS, what="the provider")
        assert told(), log.read_text(encoding="utf-8")
        patch.setenv(ATTACHED, told()[0])
        yield


def use_provider(folder: Path, endpoints: Mapping[str, str]) -> None:
    """Let the root module in `folder` keep its state there and take AWS for what `endpoints` says, by service.

    Without endpoints it can plan, for which AWS is not asked. A connection that a server closes as it answers is an
    error that the provider overcomes by asking again, if it may.
    """
    served = "\n".join(f'    {service} = "{url}"' for service, url in sorted(endpoints.items()))
    (folder / "provider_override.tf").write_text(
        f"""terraform {{
  backend "local" {{}}
}}

provider "aws" {{
  region                      = "{REGION}"
  access_key                  = "test"
  secret_key                  = "test"
  allowed_account_ids         = []
  max_retries                 = 5
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = {"false" if endpoints else "true"}
  endpoints {{
{served}
  }}
}}
""",
        encoding="utf-8",
    )


def planned(folder: Path, *arguments: str) -> dict[str, Any]:
    """Plan in `folder` and give the plan, as `terraform show -json` tells it."""
    run(folder, "plan", "-input=false", "-no-color", "-out=all.plan", *arguments)
    plan: dict[str, Any] = json.loads(run(folder, "show", "-json", "all.plan").stdout)
    return plan


def resources(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the resources that a plan makes, by address: what is known of each before it is made."""
    return {
        change["address"]: change["change"]["after"]
        for change in plan["resource_changes"]
        if change["mode"] == "managed"
    }
