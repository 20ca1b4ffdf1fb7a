"""The Dagster UI as a person meets it: find the assets, add a subject, make everything, look at the results.

The tests tell one story, in the order of the file, on one instance: a failed run would redden the checks of all.
"""

import contextlib
import csv
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from openlib_assets.defs.assets.dumps import GROUP as DUMPS
from openlib_assets.defs.steps.checks import check_specs
from openlib_assets.lake.contract import (
    ALL_TABLES,
    CSV_TABLES,
    DERIVED_TABLES,
    ORDER_LIST,
    RAW_WORKS,
    STOCKING_LIST,
    SUBJECT_TABLES,
    WAREHOUSE_TABLES,
    Layer,
    Table,
)
from openlib_assets_tests.docs import pictures
from openlib_assets_tests.ui.conftest import (
    AWS_SECRET,
    CONTACT,
    PICTURES,
    SCREENSHOTS,
    SUBJECT,
    WORKS,
    DagsterServer,
    Wire,
    take_screenshot,
)
from openlib_assets_tests.ui.dagster_pages import (
    ASSETS,
    GROUPS,
    close,
    expand_all_groups,
    graph_box,
    holds,
    in_cells,
    open_asset,
    open_lineage,
    open_partition,
    opened_markdown,
    places_of,
    run_new_subject,
    shown,
    shown_definition,
    value,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.ui, pytest.mark.usefixtures("last_look")]

UNKNOWN_SUBJECT = "no_such_subject"
IN_EDITOR = re.compile("^Open .* in editor$")
CHECKS = sum(len(check_specs(table)) for table in (*ALL_TABLES, *WAREHOUSE_TABLES))
# One makes all tables of the warehouse.
STEPS = ASSETS - len(WAREHOUSE_TABLES) + 1


@pytest.fixture(scope="module")
def good_run(page: "Page") -> str:
    """Add the subject in the UI and make everything for it; gives the address of the run, which has ended."""
    return run_new_subject(page, SUBJECT)


@pytest.fixture(scope="module")
def failed_run(page: "Page", good_run: str) -> str:
    """The same for a subject that Open Library does not know."""
    return run_new_subject(page, UNKNOWN_SUBJECT)


def test_lineage_shows_every_asset_in_its_group(wide_page: "Page") -> None:
    page = wide_page
    open_lineage(page)
    take_screenshot(page, "01-lineage-collapsed")
    expand_all_groups(page)
    assets = {asset for members in GROUPS.values() for asset in members}
    for asset in assets:
        graph_box(page, asset).first.wait_for()
    take_screenshot(page, "02-lineage-expanded")
    boxes = {name: places_of(graph_box(page, name)) for name in (*GROUPS, *assets)}
    found = {
        group: {asset for asset in assets if any(holds(boxes[group][0], place) for place in boxes[asset])}
        for group in GROUPS
    }
    assert found == GROUPS


def test_new_subject_is_added_and_everything_made_for_it(page: "Page", good_run: str) -> None:
    page.goto(good_run)
    for text in (
        "Success",
        f"partition: {SUBJECT}",
        f"{ASSETS} assets",
        f"{CHECKS} checks",
        "Errored (0)",
        f"Succeeded ({STEPS})",
    ):
        shown(page, text)
    take_screenshot(page, "06-run-green")


def test_fetch_tells_its_numbers_and_its_source(page: "Page", dagster: DagsterServer, good_run: str) -> None:
    open_partition(page, RAW_WORKS.name, SUBJECT)
    take_screenshot(page, "07-raw_works-partition")
    source = f"{dagster.sandbox.url}/subjects/{SUBJECT}.json"
    assert value(page, "works_reported") == str(WORKS)
    assert value(page, "pages") == "3"
    assert value(page, "retries") == "0"
    assert int(value(page, "requests")) >= 3
    assert float(value(page, "seconds")) > 0
    assert re.fullmatch("[0-9a-f]{64}", value(page, "content_hash"))
    assert page.get_by_role("link", name=source).get_attribute("href") == source


@pytest.mark.parametrize("table", SUBJECT_TABLES, ids=lambda table: table.name)
def test_table_shows_what_it_is_and_holds(page: "Page", dagster: DagsterServer, good_run: str, table: Table) -> None:
    open_asset(page, table.name, "Overview")
    shown(page, table.description, exact=False)
    shown_definition(page, table.name, str(table.layer))
    shown(page, f"{dagster.storage}/{table.layer}/{table.name}/subject=SUBJECT", exact=False)
    files = [link.get_attribute("href") or "" for link in page.get_by_role("link", name=IN_EDITOR).all()]
    module = "ordering.py" if table in (STOCKING_LIST, ORDER_LIST) else "tables.py"
    assert [href.rpartition("/")[2].partition(":")[0] for href in files] == (
        [f"{table.name}.sql", module] if table.made_from else ["bronze.py"]
    )
    columns = page.get_by_role("table").filter(has_text="Column name").first
    descriptions = {column.name: in_cells(columns, column.name)[-1] for column in table.columns}
    take_screenshot(page, f"08-{table.name}")
    assert descriptions == {column.name: column.description.replace("`", "") for column in table.columns}

    open_partition(page, table.name, SUBJECT)
    file = Path(value(page, "dagster/uri"))
    assert file.is_relative_to(dagster.storage)
    held = pq.read_table(file, partitioning=None)
    assert value(page, "dagster/partition_row_count") == str(held.num_rows)
    key = table.key[0]
    preview = page.get_by_role("table").filter(has=page.get_by_role("columnheader", name=key, exact=True)).last
    preview.wait_for()
    take_screenshot(page, f"09-{table.name}-partition")
    assert all(str(first)[:30] in preview.inner_text() for first in held[key][:1].to_pylist()), "long ones are cut"


def test_csv_files_are_shown(page: "Page", dagster: DagsterServer, good_run: str) -> None:
    open_asset(page, "subject_csv", "Overview")
    shown_definition(page, "subject_csv", "serving")
    take_screenshot(page, "08-subject_csv")
    open_partition(page, "subject_csv", SUBJECT)
    take_screenshot(page, "09-subject_csv-partition")
    folder = Path(value(page, "dagster/uri"))
    assert folder.is_relative_to(dagster.storage)
    for table in CSV_TABLES:
        with (folder / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in csv.reader(file)) - 1
        assert in_cells(page.get_by_role("table").last, f"{table.name}.csv")[1] == str(rows)


def test_report_shows_its_charts_and_its_findings(page: "Page", dagster: DagsterServer, good_run: str) -> None:
    open_asset(page, "subject_report", "Overview")
    shown_definition(page, "subject_report", "serving")
    open_partition(page, "subject_report", SUBJECT)
    file = Path(value(page, "dagster/uri"))
    assert file.is_relative_to(dagster.storage)
    report = file.read_text(encoding="utf-8")
    drawn = [html.unescape(title) for title in re.findall(r'<h3 id="chart-\w+">(.*?)</h3>', report)]
    charts = opened_markdown(page, "charts")
    pictures = charts.locator("img[src^='data:image/svg+xml;base64,']")
    pictures.last.wait_for()
    assert [picture.get_attribute("alt") for picture in pictures.all()] == drawn
    for picture in pictures.all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    take_screenshot(page, "09-subject_report-charts")
    close(charts)
    findings = re.findall(r"<li>(.*?)</li>", report.partition('class="findings"')[2].partition("</ul>")[0])
    assert len(findings) >= 5
    dialog = opened_markdown(page, "findings")
    told = dialog.get_by_role("listitem")
    told.last.wait_for()
    assert told.all_inner_texts() == [html.unescape(finding) for finding in findings]
    take_screenshot(page, "09-subject_report-findings")
    close(dialog)


def test_numbers_of_the_report_are_plotted(page: "Page", good_run: str) -> None:
    open_asset(page, "subject_report", "Overview")
    page.get_by_text("Plots", exact=True).first.click()
    for name in ("works", "authors", "dated share (%)"):
        shown(page, name)
    page.locator("canvas").nth(2).wait_for()
    take_screenshot(page, "09-subject_report-plots")


def test_the_column_lineage_is_told(page: "Page", good_run: str) -> None:
    # Dagster's open-source UI draws none; its pages are told of it, and so is whoever asks for it.
    query = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode { metadataEntries {
      ... on TableColumnLineageMetadataEntry {
        lineage { columnName columnDeps { assetKey { path } columnName } }
      }
    } } } }
    """
    for table in DERIVED_TABLES:
        asked = {"query": query, "variables": {"key": {"path": [table.name]}}}
        entries = page.request.post("/graphql", data=asked).json()["data"]["assetNodeOrError"]["metadataEntries"]
        (lineage,) = (entry["lineage"] for entry in entries if "lineage" in entry)
        assert {
            one["columnName"]: {f"{dep['assetKey']['path'][0]}.{dep['columnName']}" for dep in one["columnDeps"]}
            for one in lineage
        } == {column: set(sources) for column, sources in table.lineage.items()}


@pytest.mark.parametrize(("asset", "entry"), [("catalog", "views"), ("comparison", "subjects")])
def test_what_is_made_across_subjects_is_made_with_the_first(
    page: "Page", dagster: DagsterServer, good_run: str, asset: str, entry: str
) -> None:
    open_asset(page, asset, "Overview")
    page.get_by_role("link", name="serving", exact=True).wait_for()
    assert page.get_by_role("tab", name="Partitions", exact=True).count() == 0
    open_asset(page, asset, "Events")
    file = Path(value(page, "dagster/uri"))
    assert file.is_relative_to(dagster.storage)
    assert file.is_file()
    assert value(page, entry)
    take_screenshot(page, f"09-{asset}")


@pytest.mark.parametrize("table", SUBJECT_TABLES, ids=lambda table: table.name)
def test_checks_are_green_and_say_numbers(page: "Page", good_run: str, table: Table) -> None:
    open_asset(page, table.name, "Checks")
    checks = check_specs(table)
    shown(page, f"Checks ({len(checks)})")
    for check in checks:
        page.get_by_title(check.name, exact=True).first.click()
        page.wait_for_url(f"**checkDetail={check.name}*")
        shown(page, str(check.description).splitlines()[0], exact=False)
        shown(page, "Passed")
        page.get_by_role("row").first.wait_for()
        numbers = dict(row.rsplit(None, 1) for row in page.get_by_role("row").all_inner_texts())
        assert numbers.pop("Subject") == SUBJECT
        assert numbers
        assert all(float(number) >= 0 for number in numbers.values())
    assert page.get_by_text("Succeeded", exact=True).count() == len(checks)
    take_screenshot(page, f"10-{table.name}-checks")


def test_completeness_is_proved_by_two_numbers(page: "Page", good_run: str) -> None:
    page.goto(f"/assets/{RAW_WORKS.name}?view=checks&checkDetail=contract_holds")
    assert value(page, "is_complete: works_reported") == str(WORKS)
    assert value(page, "is_complete: works") == str(WORKS)


def test_graph_tells_that_all_is_well(wide_page: "Page", good_run: str) -> None:
    page = wide_page
    # With the warehouse and the dumps, the graph is too wide to tell of all at once.
    open_lineage(page, f'not (group:"{Layer.WAREHOUSE}" or group:"{DUMPS}")')
    expand_all_groups(page)
    for table in SUBJECT_TABLES:
        box = graph_box(page, table.name)
        checks = len(check_specs(table))
        box.get_by_text(f"{checks} / {checks} Passed").wait_for()
        box.get_by_text("100% filled").wait_for()
    take_screenshot(page, "11-lineage-green")


def test_unknown_subject_is_red_with_its_reason(page: "Page", dagster: DagsterServer, failed_run: str) -> None:
    page.goto(failed_run)
    for text in (
        "Failure",
        f"partition: {UNKNOWN_SUBJECT}",
        "Errored (1)",
        "Succeeded (1)",  # the store's catalogue, which is of no subject
        f"Not executed ({STEPS - 2})",
    ):
        shown(page, text)
    reason = page.get_by_text(re.compile(f"/subjects/{UNKNOWN_SUBJECT}\\.json: Open Library has no work")).first
    reason.wait_for()
    take_screenshot(page, "12-run-red")
    page.get_by_role("button", name="View full message").first.click()
    page.get_by_role("dialog").get_by_text("Open Library has no work").first.wait_for()
    take_screenshot(page, "13-run-red-message")
    assert not [path for path in dagster.storage.rglob("*") if f"subject={UNKNOWN_SUBJECT}" in path.name]

    open_partition(page, RAW_WORKS.name, UNKNOWN_SUBJECT)
    shown(page, "Failed (1)")
    shown(page, "Materialized (1)")
    take_screenshot(page, "14-raw_works-failed-partition")


def test_contact_and_secrets_are_shown_nowhere(
    page: "Page", dagster: DagsterServer, wire: Wire, good_run: str, failed_run: str
) -> None:
    location = "/locations/openlib_assets"
    stations = {
        "location": (location, "openlib_assets.definitions"),
        "resources": (f"{location}/resources", "openlibrary"),
        "resource-openlibrary": (f"{location}/resources/openlibrary", "Configuration"),
        "resource-storage": (f"{location}/resources/storage", str(dagster.storage)),
        "resource-io_manager": (f"{location}/resources/io_manager", "Configuration"),
        "sensor": (f"{location}/sensors/storage_events", "Follows the watch list"),
        "schedule": (f"{location}/schedules/monthly_refresh", "Fetches every registered subject again"),
        "job": (f"{location}/jobs/all_assets", "Fetch a subject and make everything from it."),
        "configuration": ("/config", "max_concurrent_runs"),
        "good-run": (good_run, f"Succeeded ({STEPS})"),
        "failed-run": (failed_run, "Errored (1)"),
    }
    for name, (address, text) in stations.items():
        page.goto(address)
        shown(page, text, exact=False)
        page.wait_for_load_state("networkidle")
        wire.texts.append(page.content())
        take_screenshot(page, f"15-{name}")
    page.get_by_role("button", name="View tags and config").click()
    page.get_by_role("dialog").get_by_text(f"partition: {UNKNOWN_SUBJECT}").wait_for()
    wire.texts.append(page.content())
    take_screenshot(page, "16-tags-and-config")
    page.goto(f"{good_run}?logType=stderr")
    page.get_by_placeholder("Select a step").click()
    page.get_by_text(re.compile(rf"^pid: \d+ \({STEPS} steps\)$")).click()
    shown(page, "STEP_SUCCESS", exact=False)
    wire.texts.append(page.content())
    take_screenshot(page, "17-good-run-stderr")

    told = "\n".join(wire.texts)
    assert "ExecutionStepFailureEvent" in told, "the logs of runs have not been recorded"
    assert files_with(UNKNOWN_SUBJECT, dagster.home), "what is kept of runs has not been found"
    assert any(CONTACT in request.user_agent for request in dagster.sandbox.requests), "Open Library is told"
    for hidden in (CONTACT, CONTACT.replace("@", "%40"), AWS_SECRET):
        assert hidden not in told
        assert files_with(hidden, dagster.home, dagster.storage, dagster.log) == []


def test_the_picture_of_the_graph_can_be_taken(browser: "Browser", dagster: DagsterServer) -> None:
    """It is as large as the one in the README."""
    pictures.take_graph(browser, dagster.url, SCREENSHOTS / pictures.GRAPH)
    assert pictures.size(SCREENSHOTS / pictures.GRAPH) == pictures.size(PICTURES / pictures.GRAPH)


def files_with(text: str, *places: Path) -> list[Path]:
    """Return the files in some folders that contain a text."""
    found = []
    for place in places:
        for path in (place, *place.rglob("*")):
            with contextlib.suppress(FileNotFoundError):  # journals of databases come and go
                if path.is_file() and text.encode() in path.read_bytes():
                    found.append(path)
    return found
