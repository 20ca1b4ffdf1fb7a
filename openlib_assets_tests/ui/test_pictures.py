"""The README's pictures can be taken, and are as large as those that it shows."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.docs import pictures
from openlib_assets_tests.tools.deployment import PROJECT_ROOT, environment, openlib
from openlib_assets_tests.ui.conftest import SCREENSHOTS, DagsterServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.ui

SUBJECT = "poetry"


def test_the_pictures_of_the_readme_can_be_taken(browser: "Browser", dagster: DagsterServer, tmp_path: Path) -> None:
    with Sandbox(SandboxConfig({SUBJECT: 300})) as sandbox:
        finished = openlib("run", SUBJECT, env=environment(tmp_path, sandbox.url), seconds=400)
    assert finished.status == 0, finished.output
    pictures.take_report(browser, tmp_path / "data/reports" / SUBJECT / "index.html", SCREENSHOTS / pictures.REPORT)
    pictures.take_graph(browser, dagster.url, SCREENSHOTS / pictures.GRAPH)
    for name in (pictures.REPORT, pictures.GRAPH):
        assert pictures.size(SCREENSHOTS / name) == pictures.size(PROJECT_ROOT / "docs/pictures" / name)
