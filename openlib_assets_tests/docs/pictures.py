"""The README's pictures: the report of a sandbox subject, and the asset graph as the Dagster UI draws it.

`python -m openlib_assets_tests.docs.pictures docs/pictures` takes them with chromium, and notes what they were
taken of: where the report's templates or the graph have changed since, a test asks for new ones.
"""

import hashlib
import json
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import openlib_assets
from openlib_assets.cli.commands.sandbox import DEMO_SUBJECTS
from openlib_assets.defs.assets import ASSETS
from openlib_assets.defs.assets.dumps import GROUP as DUMPS
from openlib_assets.lake.contract import RAW_WORKS, Layer
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.tools.deployment import (
    PATIENCE_SECONDS,
    dagster_dev,
    environment,
    openlib,
    shipped_instance,
)
from openlib_assets_tests.ui.dagster_pages import graph_box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FloatRect, ViewportSize

REPORT, GRAPH, TAKEN_OF = "report.png", "assets.png", "taken_of.json"

_SUBJECT = "science_fiction"
_PATIENCE_MILLISECONDS = 120_000
# Pages as wide as they are meant to be, in pictures that are small.
_REPORT_SIZE: "ViewportSize" = {"width": 1280, "height": 930}
_REPORT_SCALE = 0.75
_GRAPH_SIZE: "ViewportSize" = {"width": 4600, "height": 2600}
_GRAPH_SCALE = 0.33
_GRAPH_MARGIN = 40
# From top to bottom the graph is less large; of what it can tell of an asset, what is no matter of the moment.
_GRAPH_LOOK = {"asset-graph-direction": "vertical", "asset-node-facets": ["status", "kind-tag", "partitions"]}

# With the warehouse, which hangs on almost everything, the picture would be twice as wide; dumps stand by themselves.
_GRAPH_SELECTION = quote(f'not (group:"{Layer.WAREHOUSE}" or group:"{DUMPS}")')
_GRAPH_LAYERS = [layer for layer in Layer if layer is not Layer.WAREHOUSE]


def sources() -> dict[str, str]:
    """Return by picture the SHA-256 of what it shows: the report's templates, and which asset is made from which."""
    folder = Path(openlib_assets.__file__).parent / "report" / "templates"
    templates = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        templates.update(file.read_bytes())
    graph = sorted(
        [spec.key.to_user_string(), spec.group_name, *sorted(dep.asset_key.to_user_string() for dep in spec.deps)]
        for asset in ASSETS
        for spec in asset.specs
    )
    return {REPORT: templates.hexdigest(), GRAPH: hashlib.sha256(json.dumps(graph).encode()).hexdigest()}


def size(picture: Path) -> tuple[int, int]:
    """Return the width and the height of a PNG file in pixels."""
    signature, width, height = struct.unpack(">16s2I", picture.read_bytes()[:24])
    if not signature.startswith(b"\x89PNG"):
        raise ValueError(f"{picture}: not a PNG file")
    return width, height


def take_report(browser: "Browser", report: Path, picture: Path) -> None:
    """Take a picture of the beginning of a report."""
    page = browser.new_page(
        viewport=_REPORT_SIZE, device_scale_factor=_REPORT_SCALE, color_scheme="light", locale="en-US"
    )
    page.set_default_timeout(_PATIENCE_MILLISECONDS)
    page.goto(report.as_uri())
    page.screenshot(path=picture, animations="disabled")
    page.close()


def take_graph(browser: "Browser", dagster_url: str, picture: Path) -> None:
    """Take a picture of the asset graph with its groups expanded."""
    page = browser.new_page(
        viewport=_GRAPH_SIZE, device_scale_factor=_GRAPH_SCALE, base_url=dagster_url, locale="en-US", timezone_id="UTC"
    )
    page.set_default_timeout(_PATIENCE_MILLISECONDS)
    look = json.dumps({name: json.dumps(value) for name, value in _GRAPH_LOOK.items()})
    page.add_init_script(f"Object.assign(localStorage, {look})")
    page.goto(f"/asset-groups~{_GRAPH_SELECTION}/")
    graph_box(page, Layer.BRONZE).wait_for()
    page.keyboard.press("Alt+e")
    graph_box(page, RAW_WORKS.name).wait_for()
    page.locator("foreignObject").filter(has_text="Loading").first.wait_for(state="detached")
    page.wait_for_load_state("networkidle")
    groups = [box for layer in _GRAPH_LAYERS if (box := graph_box(page, layer).bounding_box())]
    left, top = (min(box[side] for box in groups) - _GRAPH_MARGIN for side in ("x", "y"))
    right = max(box["x"] + box["width"] for box in groups) + _GRAPH_MARGIN
    bottom = max(box["y"] + box["height"] for box in groups) + _GRAPH_MARGIN
    clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    page.screenshot(path=picture, animations="disabled", clip=clip)
    page.close()


def take(folder: Path) -> None:
    """Take both pictures into a folder, of a subject that was fetched from the sandbox."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, Sandbox(SandboxConfig(DEMO_SUBJECTS)) as sandbox:
        place = Path(temporary)
        env = environment(place, sandbox.url)
        shipped_instance(place / "home")
        made = openlib("run", *DEMO_SUBJECTS, env=env, seconds=PATIENCE_SECONDS)
        if made.status:
            raise RuntimeError(made.output)
        with dagster_dev(env) as server, _browser() as browser:
            take_report(browser, place / "data/reports" / _SUBJECT / "index.html", folder / REPORT)
            take_graph(browser, server.url, folder / GRAPH)
    (folder / TAKEN_OF).write_text(json.dumps(sources(), indent=2) + "\n", encoding="utf-8")


@contextmanager
def _browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only taking pictures needs a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
