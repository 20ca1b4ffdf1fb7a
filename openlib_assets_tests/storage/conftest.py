"""What the tests of a storage share: one opened on each medium, and a root on S3."""

import pytest

from openlib_assets.storage import Storage, open_storage
from openlib_assets_tests.conftest import Place


@pytest.fixture
def storage(storage_root: str) -> Storage:
    """A storage, once on the local disk and once on S3."""
    return open_storage(storage_root)


@pytest.fixture
def s3_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A root on S3, the environment prepared for it."""
    place: Place = request.getfixturevalue("new_place")("s3")
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    return place.root
