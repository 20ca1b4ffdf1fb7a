"""The sandbox that tests ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.sandbox.asking import SUBJECTS
from openlib_assets_tests.sandbox.dumped import DAY, SETTLED_SUBJECTS


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that no test changes."""
    with Sandbox(SandboxConfig(SUBJECTS, this_year=2026)) as running:
        yield running


@pytest.fixture(scope="module")
def settled() -> Iterator[Sandbox]:
    """A settled sandbox that no test changes."""
    with Sandbox(SandboxConfig(SETTLED_SUBJECTS, this_year=2026, settled=True)) as running:
        yield running


@pytest.fixture(scope="module")
def dump(settled: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dump of that one."""
    folder = tmp_path_factory.mktemp("dump")
    assert settled.write_dumps(folder, DAY) == []
    return folder
