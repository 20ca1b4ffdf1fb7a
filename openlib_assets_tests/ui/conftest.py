"""`dagster dev` on the sandbox, a browser to look at it, and a record of all that the browser is told.

Playwright is imported where it is used: tests that need no browser are collected without it.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from openlib_assets.sandbox import Sandbox, SandboxConfig

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, ViewportSize, WebSocket

PROJECT_ROOT = Path(__file__).parents[2]
SCREENSHOTS = PROJECT_ROOT / "test-results" / "ui"

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
_PATIENCE_SECONDS = 30
_START_SECONDS = 90
_STOP_SECONDS = 20
# Dagster's pages scroll in parts: what is out of sight may not be there at all. The wide page has room for the whole
# graph with the details of every asset.
_HIGH: "ViewportSize" = {"width": 1600, "height": 1800}
_WIDE: "ViewportSize" = {"width": 2400, "height": 1500}


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


@pytest.fixture(scope="session")
def wire() -> Wire:
    return Wire()


@pytest.fixture(scope="session")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterServer]:
    """Start `dagster dev` in the project root, as the README says, on an instance and a storage of its own."""
    folder = tmp_path_factory.mktemp("dagster")
    home = folder / "home"
    home.mkdir()
    (home / "dagster.yaml").write_bytes(files("openlib_assets").joinpath("dagster.yaml").read_bytes())
    port = _free_port()
    with Sandbox(SandboxConfig({SUBJECT: WORKS})) as sandbox:
        server = DagsterServer(f"http://127.0.0.1:{port}", home, folder / "data", folder / "dagster.log", sandbox)
        with _running(server, port):
            yield server


@contextlib.contextmanager
def _running(server: DagsterServer, port: int) -> Iterator[None]:
    with server.log.open("wb") as log:
        # A session of its own: signals are Dagster's alone then, and not ignored, whatever shell started the tests.
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)],
            cwd=PROJECT_ROOT,
            env=_environment(server),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_up(server, process)
            yield
        finally:
            _stop(process)


def _environment(server: DagsterServer) -> dict[str, str]:
    kept = ("PATH", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(server.home),
        "XDG_CACHE_HOME": str(server.home.parent / "cache"),
        "DAGSTER_HOME": str(server.home),
        "OPENLIB_STORAGE": str(server.storage),
        "OPENLIB_API_URL": server.sandbox.url,
        "OPENLIB_REQUESTS_PER_SECOND": "1000",
        "OPENLIB_RETRY_WAIT": "0.1",
        "OPENLIB_CONTACT": CONTACT,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_up(server: DagsterServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with requests.Session() as session:
        session.trust_env = False  # no proxy on the way to this machine
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(requests.RequestException):
                if session.get(f"{server.url}/server_info", timeout=5).ok:
                    return
            time.sleep(0.1)
    pytest.fail(f"dagster dev did not come up:\n{server.log.read_text()[-3000:]}", pytrace=False)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End Dagster and all that it started, which is its process group; politely first."""
    for by in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, by)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):  # whoever outlived their parent
        os.killpg(process.pid, signal.SIGKILL)


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


@pytest.fixture(scope="session")
def page(browser: "Browser", dagster: DagsterServer, wire: Wire) -> "Iterator[Page]":
    """Open the one page in which all tests go about, as a person does; its addresses are relative to Dagster's."""
    with contextlib.closing(
        browser.new_context(
            base_url=dagster.url,
            viewport=_HIGH,
            locale="en-US",
            timezone_id="UTC",
        )
    ) as context:
        context.set_default_timeout(_PATIENCE_SECONDS * 1000)
        page = context.new_page()
        wire.listen(page)
        yield page


@pytest.fixture
def wide_page(page: "Page") -> "Iterator[Page]":
    """Give the page room for the whole graph."""
    page.set_viewport_size(_WIDE)
    yield page
    page.set_viewport_size(_HIGH)


@pytest.fixture(autouse=True)
def last_look(page: "Page", request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep what stood on the screen when a test failed."""
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        take_screenshot(page, f"failed-{request.node.name}")


def take_screenshot(page: "Page", name: str) -> None:
    """Put a picture of the screen where people find it; CI keeps the folder, git does not."""
    page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")
