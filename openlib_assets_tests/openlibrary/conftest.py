"""Where tests of the enumeration keep what they fetch."""

from pathlib import Path

import pytest

from openlib_assets.storage import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)
