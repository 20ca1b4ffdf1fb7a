"""What tests of dumps share."""

from pathlib import Path

import pytest

from openlib_assets_tests.tools.dump_files import write_dumps


@pytest.fixture(scope="session")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dumps of two months, which no test changes."""
    return write_dumps(tmp_path_factory.mktemp("dumps"))
