"""The Dagster UI's pages: how to come to them, what to click, and where on them a value stands."""

import itertools
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from openlib_assets.defs.assets.dumps import GROUP as DUMPS
from openlib_assets.defs.assets.dumps import catalogue_assets, dump_files, dump_records
from openlib_assets.lake.contract import ALL_TABLES, RAW_WORKS, SNAPSHOT_TABLES, WAREHOUSE_TABLES, Layer
from openlib_assets_tests.tools.deployment import wait_until
from openlib_assets_tests.ui.conftest import take_screenshot

if TYPE_CHECKING:
    from dagster import DagsterRun
    from playwright.sync_api import FloatRect, Locator, Page, Request

GROUPS = {
    str(layer): {table.name for table in (*ALL_TABLES, *WAREHOUSE_TABLES) if table.layer is layer} for layer in Layer
}
_PAGES_ACROSS_SUBJECTS = {"catalog", "comparison", "database"}
# They have no partitions.
ACROSS_SUBJECTS = _PAGES_ACROSS_SUBJECTS | {table.name for table in ALL_TABLES if not table.by_subject}
GROUPS[str(Layer.SERVING)] |= {"subject_csv", "subject_report"} | _PAGES_ACROSS_SUBJECTS
# Those of a run of a subject, in which dumps take no part.
ASSETS = sum(map(len, GROUPS.values()))
GROUPS[DUMPS] = {asset.key.to_user_string() for asset in (dump_files, dump_records, *catalogue_assets)}
OF_SUBJECTS = f'not group:"{DUMPS}"'
ASSETS_OF_A_SUBJECT = ASSETS - len(ACROSS_SUBJECTS) - len(WAREHOUSE_TABLES)

_KINDS = {
    **{table.name: ("Python", "Parquet", "File") for table in SNAPSHOT_TABLES},
    "subject_csv": ("File",),
    "subject_report": ("Report", "File"),
}  # for CSV there is a picture only
_SQL_KINDS = ("SQL", "DuckDB", "Parquet", "File")
_RUN_MILLISECONDS = 600_000
_CHOICE_SECONDS = 120
_DRAWN_MILLISECONDS = 5_000
_LONGEST_LABEL = 16
_LAUNCH = "op=LaunchPipelineExecution"
# What a link of Dagster's does. To load the page anew costs three times as much, most of it for the same script.
_FOLLOW = """
address => { history.pushState(null, "", address); dispatchEvent(new PopStateEvent("popstate", { state: null })) }
"""


def run_new_subject(page: "Page", subject: str) -> str:
    """Add a partition on the lineage page, make all assets for it and wait for the end; give the run's address."""
    try:
        open_lineage(page, OF_SUBJECTS)
        select_new_partition(page, subject, "subjects", ASSETS, ASSETS_OF_A_SUBJECT)
        return launched_run(page)
    finally:
        take_screenshot(page, f"06-run-{subject}")


def launched_run(page: "Page") -> str:
    """Launch the one run that is selected, and wait for its end; give its address."""
    page.get_by_role("button", name="Launch 1 run").click()
    page.get_by_text("Launched run").wait_for()
    page.get_by_text("View", exact=True).click()
    page.wait_for_url("**/runs/*")
    page.get_by_text(re.compile("^(Success|Failure|Canceled)$")).first.wait_for(timeout=_RUN_MILLISECONDS)
    return page.url


def select_new_partition(page: "Page", key: str, partitions: str, assets: int, partitioned: int) -> None:
    """Add a partition of such a set in the dialog that launches a run of the assets shown.

    `assets` is how many there are, `partitioned` how many of them have partitions.
    """
    answers = itertools.count(1)
    # The dialog asks for the partitions of one asset after the other, and forgets what was selected meanwhile.
    with page.expect_response(lambda answer: "op=PartitionHealthQuery" in answer.url and next(answers) == partitioned):
        page.get_by_role("button", name="Materialize all").click()
    launcher = page.get_by_role("dialog").filter(has_text=f"Launch runs to materialize {assets} assets")
    launcher.get_by_text("0 partitions").wait_for()
    take_screenshot(page, f"03-launch-{key}")
    launcher.get_by_role("button", name="Add a partition").click()
    adding = page.get_by_role("dialog").filter(has_text=f"Add a partition for {partitions}")
    adding.get_by_placeholder("name").fill(key)
    take_screenshot(page, f"04-add-{key}")
    adding.get_by_role("button", name="Save").click()
    launcher.get_by_text("1 partition", exact=True).wait_for()
    launcher.get_by_text(key, exact=True).first.wait_for()
    take_screenshot(page, f"05-selected-{key}")


def open_lineage(page: "Page", selection: str = "") -> None:
    """Show the graph of all assets, or of some, as one sees it first: with its groups collapsed."""
    page.goto("/asset-groups")
    # From top to bottom the graph is less large.
    page.evaluate(
        "localStorage.clear(); sessionStorage.clear(); "
        "localStorage.setItem('asset-graph-direction', JSON.stringify('vertical'))"
    )
    page.goto(f"/asset-groups~{quote(selection)}/" if selection else "/asset-groups")
    graph_box(page, str(Layer.BRONZE)).wait_for()


def expand_all_groups(page: "Page") -> None:
    """Show every asset, as small as its details may be to be drawn."""
    page.keyboard.press("Alt+e")
    graph_box(page, RAW_WORKS.name).wait_for()
    for _ in range(3):
        page.locator("[aria-label=zoom_out]").click()


def graph_box(page: "Page", name: str) -> "Locator":
    """Find a group or an asset in the graph, or several of that name; of a key of two parts it has the second."""
    # A long name is cut in its middle.
    cut = re.compile(f"^{re.escape(name[:3])}.*{re.escape(name[-5:])}$")
    text = page.get_by_text(cut) if len(name) > _LONGEST_LABEL else page.get_by_text(name, exact=True)
    return page.locator("foreignObject").filter(has=text)


def places_of(boxes: "Locator") -> "list[FloatRect]":
    """Return where boxes of the graph stand."""
    places = [box.bounding_box() for box in boxes.all()]
    return [place for place in places if place]


def holds(around: "FloatRect", box: "FloatRect") -> bool:
    """Tell whether a place lies within another."""
    return (
        around["x"] < box["x"] < box["x"] + box["width"] < around["x"] + around["width"]
        and around["y"] < box["y"] < box["y"] + box["height"] < around["y"] + around["height"]
    )


def open_asset(page: "Page", asset: str, tab: str) -> None:
    """Show a tab of an asset's page; comes from another of Dagster's pages."""
    if urlsplit(page.url).path != f"/assets/{asset}":
        page.evaluate(_FOLLOW, f"/assets/{asset}")
        page.wait_for_function("title => document.title === title", arg=f"Assets | {asset}")
    page.get_by_role("tab", name=tab, exact=True).first.click()


def open_partition(page: "Page", asset: str, subject: str) -> None:
    open_asset(page, asset, "Partitions")
    page.get_by_title(subject, exact=True).first.click()
    page.wait_for_url(f"**partition={subject}*")
    shown(page, "View all historical events", exact=False)


def shown(page: "Page", text: str, *, exact: bool = True) -> None:
    """Wait until a text stands on the page."""
    page.get_by_text(text, exact=exact).filter(visible=True).first.wait_for()


def shown_definition(page: "Page", asset: str, group: str) -> None:
    """Wait until the page says to which group an asset belongs, whose it is, and what it is made with."""
    page.get_by_role("link", name=group, exact=True).wait_for()
    for text in ("openlib", *_KINDS.get(asset, _SQL_KINDS)):
        shown(page, text)


def value(page: "Page", key: str) -> str:
    """Return the value of a metadata entry."""
    return in_cells(page.get_by_role("table").first, key)[1]


def opened_markdown(page: "Page", key: str) -> "Locator":
    """Open the dialog that shows a metadata entry of text and pictures."""
    metadata_entry(page, key).get_by_text("[Show Markdown]").click()
    return page.get_by_role("dialog")


def close(dialog: "Locator") -> None:
    """Close a dialog, and wait until nothing lies over the page any more."""
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")


def metadata_entry(page: "Page", key: str) -> "Locator":
    """Find the row of a metadata entry."""
    return page.get_by_role("row").filter(has=page.get_by_text(key, exact=True)).first


def in_cells(table: "Locator", first: str) -> list[str]:
    """Return the texts of the row that begins with a text."""
    row = table.get_by_role("row").filter(has=table.page.get_by_text(first, exact=True)).first
    row.wait_for()
    return [" ".join(cell.split()) for cell in row.locator("> td").all_inner_texts()]


def checks_by_subject(page: "Page", asset: str, check: str) -> None:
    """Show in how many partitions a check has passed, failed, and so on."""
    page.goto(f"/assets/{asset}?view=checks&checkDetail={check}")
    page.get_by_role("tab", name="Partitions", exact=True).nth(1).click()  # the first is that of the asset


def launch_alone(page: "Page", job: str, subject: str) -> None:
    """Start a run of a job for one subject in the launchpad: one run, also where a click of ours is lost."""
    asked: list[str] = []

    def listen(request: "Request") -> None:
        if _LAUNCH in request.url:
            asked.append(request.url)

    def launched() -> bool:
        open_launchpad(page, job, subject)
        # The page before this one is gone: what it has not asked for by now, it never will.
        if not asked:
            page.get_by_role("button", name="Launch Run").click()
            with suppress(_not_in_time()):
                page.wait_for_url("**/runs/*", timeout=_DRAWN_MILLISECONDS)
        return bool(asked)

    page.on("request", listen)
    wait_until(launched, _CHOICE_SECONDS, what=f"the launch of {job} for {subject}")
    page.remove_listener("request", listen)


def open_launchpad(page: "Page", job: str, subject: str) -> None:
    """Show the launchpad of a job with a subject chosen."""
    tag = page.get_by_text(f"partition: {subject}", exact=True)

    def chosen() -> bool:
        if not tag.is_visible():
            with suppress(_not_in_time()):
                page.get_by_placeholder("Partition").click()
                page.get_by_text(subject, exact=True).first.click(timeout=_DRAWN_MILLISECONDS)
                # The page asks for the configuration of the partition; until it has it, none is chosen.
                tag.wait_for(timeout=_DRAWN_MILLISECONDS)
        return tag.is_visible()

    page.goto(f"/locations/openlib_assets/jobs/{job}/playground")
    shown(page, "All defaults expanded")
    # What is open closes when the page is drawn again, as long as some of it is loaded.
    wait_until(chosen, _CHOICE_SECONDS, what=f"{subject} among the partitions of {job}")


def _not_in_time() -> type[Exception]:
    from playwright.sync_api import TimeoutError as NotInTimeError  # noqa: PLC0415 - slow, and only the browser's tests need it

    return NotInTimeError


def re_execute(page: "Page", run: "DagsterRun", way: str) -> None:
    """Run a failed run again in one of the ways that its page offers; the backfill of one has ended, if it has one."""
    page.goto(f"/runs/{run.run_id}")
    page.get_by_role("button", name=re.compile("^Re-execute")).locator("xpath=following::button[1]").click()
    page.get_by_text(way, exact=True).first.click()
    if "dagster/backfill" in run.tags:
        page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
