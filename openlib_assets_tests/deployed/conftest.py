"""The servers that the tests of the deployment share."""

from collections.abc import Iterator

import pytest

from openlib_assets_tests.ceph import Ceph, ceph_s3
from openlib_assets_tests.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    """An S3 server."""
    with ceph_s3(tmp_path_factory.mktemp("ceph")) as server:
        yield server
