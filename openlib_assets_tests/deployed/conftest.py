"""The server that the tests of the deployment share."""

from collections.abc import Iterator

import pytest

from openlib_assets_tests.tools.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server
