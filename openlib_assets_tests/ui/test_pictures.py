"""The README's pictures can be taken, and are as large as those that it shows."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openlib_assets_tests.docs import pictures
from openlib_assets_tests.tools.deployment import PROJECT_ROOT
from openlib_assets_tests.ui.conftest import SCREENSHOTS, DagsterServer
from openlib_assets_tests.ui.lake import SUBJECT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.ui


def test_the_pictures_of_the_readme_can_be_taken(browser: "Browser", dagster: DagsterServer, folder: Path) -> None:
    pictures.take_report(browser, folder / "reports" / SUBJECT / "index.html", SCREENSHOTS / pictures.REPORT)
    pictures.take_graph(browser, dagster.url, SCREENSHOTS / pictures.GRAPH)
    for name in (pictures.REPORT, pictures.GRAPH):
        assert pictures.size(SCREENSHOTS / name) == pictures.size(PROJECT_ROOT / "docs/pictures" / name)
