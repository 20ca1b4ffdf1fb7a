"""A dump in the Dagster UI: added as a partition of its own, built by its job, and looked at."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from openlib_assets.defs.assets.dumps import GROUP
from openlib_assets.defs.jobs import BUILD_DUMP
from openlib_assets.defs.steps.checks import check_specs
from openlib_assets.lake.contract import CATALOGUE_TABLES, Table
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.tools.deployment import Dagster, dagster_dev, environment, openlib, shipped_instance
from openlib_assets_tests.ui.conftest import kept_if_it_fails, page_of, take_screenshot
from openlib_assets_tests.ui.dagster_pages import (
    GROUPS,
    launched_run,
    open_asset,
    select_new_partition,
    shown,
    value,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.ui

DAY = date(2026, 8, 31)
SUBJECT = "love"
_RUN_SECONDS = 400


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The settings where somebody put a dump into a folder."""
    folder = tmp_path_factory.mktemp("dumps")
    shipped_instance(folder / "home")
    with Sandbox(SandboxConfig({SUBJECT: 30, "hate": 30}, settled=True)) as sandbox:
        sandbox.write_dumps(folder / "given", DAY, mess=0.01)
        yield environment(folder, sandbox.url, OPENLIB_DUMPS=str(folder / "given"))


@pytest.fixture(scope="module")
def data(variables: Mapping[str, str]) -> Path:
    return Path(variables["OPENLIB_STORAGE"])


@pytest.fixture(scope="module")
def server(variables: Mapping[str, str]) -> Iterator[Dagster]:
    with dagster_dev(variables) as server:
        yield server


@pytest.fixture(scope="module")
def tab(browser: "Browser", server: Dagster) -> "Iterator[Page]":
    with page_of(browser, server.url) as page:
        yield page


@pytest.fixture(autouse=True)
def last_look(tab: "Page", request: pytest.FixtureRequest) -> Iterator[None]:
    with kept_if_it_fails(tab, request):
        yield


@pytest.fixture(scope="module")
def built(tab: "Page") -> str:
    """Add the dump on the page of its job and build it; gives the address of the run, which has ended."""
    assets = len(GROUPS[GROUP])
    tab.goto(f"/locations/openlib_assets/jobs/{BUILD_DUMP}")
    select_new_partition(tab, str(DAY), "dumps", assets, assets)
    return launched_run(tab)


def test_a_dump_is_added_and_built(tab: "Page", data: Path, built: str) -> None:
    tab.goto(built)
    for text in ("Success", BUILD_DUMP, f"partition: {DAY}", f"{len(GROUPS[GROUP])} assets", "Errored (0)"):
        shown(tab, text)
    take_screenshot(tab, "40-dump-green")
    assert (data / "dumps" / f"{DAY}.json").is_file()


@pytest.mark.parametrize("table", CATALOGUE_TABLES, ids=lambda table: table.name)
def test_a_table_of_the_dump_shows_its_numbers_and_that_its_checks_passed(
    tab: "Page", data: Path, built: str, table: Table
) -> None:
    tab.goto(f"/assets/{table.name}?view=partitions&partition={DAY}")
    shown(tab, "View all historical events", exact=False)
    folder = data / table.layer / table.name / f"dump={DAY}"
    held = ds.dataset(list(map(str, folder.glob("*.parquet"))))
    assert value(tab, "dagster/partition_row_count") == str(held.count_rows())
    assert value(tab, "dagster/uri") == str(folder)
    assert value(tab, "state") == "made"
    take_screenshot(tab, f"41-{table.name}")
    open_asset(tab, table.name, "Checks")
    for check in check_specs(table):
        tab.get_by_title(check.name, exact=True).first.click()
        shown(tab, "Passed")


def test_a_report_shows_beside_the_averages_of_the_subject_those_of_the_whole_work(
    tab: "Page", variables: Mapping[str, str], data: Path, built: str
) -> None:
    made = openlib("run", "--source", "dump", SUBJECT, env=variables, seconds=_RUN_SECONDS)
    assert made.status == 0, made.output
    file = data / "gold" / "catalogue_author_averages" / f"dump={DAY}" / "part-000.parquet"
    in_all = {row["author_key"]: row["book_count"] for row in pq.read_table(file, partitioning=None).to_pylist()}
    tab.goto((data / "reports" / SUBJECT / "index.html").as_uri())
    table = tab.get_by_role("region", name="Table of authors")
    heads = [head.replace("\u2011", "-") for head in table.get_by_role("columnheader").all_inner_texts()]
    row = table.get_by_role("row").nth(1)
    key = str(row.get_by_role("link").get_attribute("href")).rpartition("/")[2]
    assert row.get_by_role("cell").nth(heads.index(f"books, in all, {DAY}")).inner_text() == str(in_all[key])
    shown(tab, f"dump of {DAY}", exact=False)
    take_screenshot(tab, "42-report-in-all", full_page=True)
