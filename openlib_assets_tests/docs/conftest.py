"""What tests of documents share."""

from collections.abc import Iterator

import pytest

from openlib_assets_tests.conftest import Pipeline, PlaceMaker
from openlib_assets_tests.tools.fetched_twice import fetched_twice


@pytest.fixture(scope="session")
def made(new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A root on disk with a warehouse."""
    with fetched_twice(new_place("local"), tmp_path_factory.mktemp("made")) as (pipeline, _):
        yield pipeline
