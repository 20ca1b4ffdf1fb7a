"""The sandbox that tests ask."""

from collections.abc import Iterator

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.asking import SUBJECTS


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that no test changes."""
    with Sandbox(SandboxConfig(SUBJECTS, this_year=2026)) as running:
        yield running
