"""What tests of documents share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openlib_assets_tests.conftest import Pipeline
from openlib_assets_tests.tools.fetched_twice import fetched_twice


@pytest.fixture(scope="session")
def made(twice: Path) -> Iterator[Pipeline]:
    """A root on disk with a warehouse."""
    with fetched_twice(twice) as (pipeline, _):
        yield pipeline
