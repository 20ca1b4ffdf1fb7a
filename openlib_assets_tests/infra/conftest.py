"""What the tests of the Terraform configuration share: the provider, and the policies as they are rendered."""

import json
import os
from collections.abc import Iterator, Mapping

import pytest
from filelock import FileLock

from openlib_assets_tests.infra import terraform
from openlib_assets_tests.infra.rendered_policies import Policies, rendered


@pytest.fixture(scope="session", autouse=True)
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start the provider once, for all that terraform is asked to do."""
    with terraform.provider_running(tmp_path_factory.mktemp("provider")):
        yield


@pytest.fixture(scope="session")
def all_policies(provider: None, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Policies]:
    """The policies of all roles, plain and masked: rendered by the first process of the tests that needs them."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "policies.json"
    with FileLock(shared.with_suffix(".lock")):
        if not shared.exists():
            shared.write_text(json.dumps(rendered(tmp_path_factory.mktemp("rendered"))), encoding="utf-8")
        found: dict[str, Policies] = json.loads(shared.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def policies(all_policies: Mapping[str, Policies]) -> Policies:
    """The policy of each role."""
    return all_policies["plain"]


@pytest.fixture(scope="session")
def masked(all_policies: Mapping[str, Policies]) -> Policies:
    """The same where columns are hidden from analysts."""
    return all_policies["masked"]


@pytest.fixture(scope="session")
def loading(all_policies: Mapping[str, Policies]) -> Policies:
    """The same where the warehouse is loaded into PostgreSQL."""
    return all_policies["loading"]


@pytest.fixture(scope="session")
def registering(all_policies: Mapping[str, Policies]) -> Policies:
    """The same where the warehouse is registered as Iceberg tables."""
    return all_policies["registering"]


@pytest.fixture(scope="session")
def on_emr(all_policies: Mapping[str, Policies]) -> Policies:
    """The same where tables of dumps are made on EMR Serverless, with the role of the jobs."""
    return all_policies["on_emr"]
