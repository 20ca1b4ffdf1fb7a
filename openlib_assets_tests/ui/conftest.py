"""`dagster dev` on the sandbox, a browser to look at it, and a record of all that the browser is told.

Playwright is imported where it is used: tests that need no browser are collected without it.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.tools.deployment import PROJECT_ROOT, dagster_dev, environment, shipped_instance

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, ViewportSize, WebSocket

SCREENSHOTS = PROJECT_ROOT / "test-results" / "ui"
# Those that the README shows.
PICTURES = PROJECT_ROOT / "docs" / "pictures"

SUBJECT = "love"
WORKS = 2500
CONTACT = "somebody@example.org"
AWS_SECRET = "a-secret-that-nobody-may-see"

_BROWSER = "chromium"
_BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MILLISECONDS = 120_000
_TOLD_CHARACTERS = 1500
# Dagster's pages scroll in parts: what is out of sight may not be there at all. The wide page has room for the whole
# graph with the details of every asset.
_HIGH: "ViewportSize" = {"width": 1600, "height": 1800}
_WIDE: "ViewportSize" = {"width": 7000, "height": 2600}
# Without a graphics card, each step of an animation is drawn by the processor: a quarter of what a page costs.
_STILL = """
document.addEventListener("DOMContentLoaded", () => {
  const still = document.createElement("style");
  still.textContent = "*, *::before, *::after { animation: none !important; transition: none !important }";
  document.head.append(still);
});
"""


@dataclass(frozen=True)
class DagsterServer:
    """A running `dagster dev`, all that it works on, and the Open Library that it fetches from."""

    url: str
    home: Path
    storage: Path
    log: Path
    sandbox: Sandbox


@dataclass
class Wire:
    """All that the browser was told by Dagster: answers to queries and frames of log streams."""

    texts: list[str] = field(default_factory=list)

    def listen(self, page: "Page") -> None:
        """Record from now on what a page is told."""
        page.on("requestfinished", self._on_finished)
        page.on("websocket", self._on_websocket)

    def _on_finished(self, request: "Request") -> None:
        from playwright.sync_api import Error  # noqa: PLC0415 - see above

        if request.resource_type not in ("document", "fetch", "xhr"):
            return
        with contextlib.suppress(Error):  # the page may have moved on
            response = request.response()
            if response:
                self.texts.append(response.text())

    def _on_websocket(self, websocket: "WebSocket") -> None:
        websocket.on("framereceived", lambda frame: self.texts.append(str(frame)))


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterServer]:
    """Start `dagster dev` in the project root, as the README says, on an instance and a storage of its own."""
    folder = tmp_path_factory.mktemp("dagster")
    secrets = {"OPENLIB_CONTACT": CONTACT, "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": AWS_SECRET}
    with Sandbox(SandboxConfig({SUBJECT: WORKS})) as sandbox:
        env = environment(folder, sandbox.url, OPENLIB_REQUESTS_PER_SECOND="1000", **secrets)
        shipped_instance(folder / "home")
        with dagster_dev(env) as server:
            yield DagsterServer(server.url, folder / "home", folder / "data", server.log, sandbox)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Start the browser; without one the tests fail, so that nobody takes them for passed."""
    executable = shutil.which(_BROWSER)
    if executable is None:
        pytest.fail(f"no {_BROWSER} on the PATH; on Debian: apt-get install {_BROWSER}", pytrace=False)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - see above
    except ImportError:
        pytest.fail("no playwright; install this project with its extra: pip install -e '.[ui]'", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_BROWSER_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: "Browser", dagster: DagsterServer, wire: Wire) -> "Iterator[Page]":
    """Open the one page in which all tests go about, as a person does; its addresses are relative to Dagster's."""
    with page_of(browser, dagster.url) as page:
        wire.listen(page)
        yield page


@contextlib.contextmanager
def page_of(browser: "Browser", url: str) -> "Iterator[Page]":
    """Open a page of the Dagster that serves at an address."""
    with contextlib.closing(
        browser.new_context(base_url=url, viewport=_HIGH, locale="en-US", timezone_id="UTC")
    ) as context:
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        page = context.new_page()
        page.add_init_script(_STILL)
        yield page


@pytest.fixture
def wide_page(page: "Page") -> "Iterator[Page]":
    """Return the page room for the whole graph."""
    page.set_viewport_size(_WIDE)
    yield page
    page.set_viewport_size(_HIGH)


@pytest.fixture
def last_look(page: "Page", request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep what stood on the screen when a test failed."""
    with kept_if_it_fails(page, request):
        yield


@contextlib.contextmanager
def kept_if_it_fails(page: "Page", request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep what stands on a page when the test of the block failed: as a picture, and as text in pytest's report."""
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        request.node.add_report_section("teardown", f"page {page.url}", visible_text(page))
        take_screenshot(page, f"failed-{request.node.name}")


def visible_text(page: "Page") -> str:
    """Return what can be read on a page, a line for each of its parts; dialogs come last. Of much, both ends."""
    text = "\n".join(line for line in page.locator("body").inner_text().splitlines() if line.strip())
    return text if len(text) <= 2 * _TOLD_CHARACTERS else f"{text[:_TOLD_CHARACTERS]}\n…\n{text[-_TOLD_CHARACTERS:]}"


def take_screenshot(page: "Page", name: str, *, full_page: bool = False) -> None:
    """Put a picture of the screen where people find it; CI keeps the folder, git does not.

    A large page as JPEG takes a third of what it takes as PNG.
    """
    page.screenshot(path=SCREENSHOTS / f"{name}.jpg", type="jpeg", animations="disabled", full_page=full_page)
