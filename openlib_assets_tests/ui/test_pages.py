"""The report of a subject and the comparison of all, opened from disk in a real browser, on a desk and on a phone."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.orders.stocking import Weights
from openlib_assets.report.words import subject_name
from openlib_assets_tests.docs import pictures
from openlib_assets_tests.ui import lake
from openlib_assets_tests.ui.conftest import PATIENCE_MILLISECONDS, PICTURES, SCREENSHOTS, take_screenshot
from openlib_assets_tests.ui.lake import LARGE, LARGE_WORKS, LONG, ODD_SUBJECTS, OTHER, SCRIPT, SUBJECT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.ui

COVERS = "covers.openlibrary.org"
DESK, PHONE, WIDE = (1280, 900), (390, 844), (1920, 1080)
WEIGHTS = asdict(Weights())
_PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='45'><rect width='30' height='45'/></svg>"
_MOST_BYTES = 5_000_000
_OPEN_SECONDS = 2.0
_AS_OF_FEW = 4

LOOKS = [pytest.param(size, scheme, id=f"{size[0]}-{scheme}") for size in (DESK, PHONE) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the storage with the pages."""
    return lake.made(tmp_path_factory.mktemp("pages"))


class Opened:
    """A page that was opened from disk, and all that it said and asked for."""

    def __init__(self, page: "Page", file: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        page.goto(file.as_uri())
        page.locator("[data-explore] tbody tr").first.wait_for()
        # Of a processor, for which the page waits while other tests have it.
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        (self.seconds,) = (metric["value"] for metric in metrics if metric["name"] == "ThreadTime")
        devtools.detach()
        self.address = file.as_uri()

    def table(self, name: str) -> "Locator":
        """Return what is around a table to explore."""
        return self.page.locator(f"[data-explore={name}]")

    def column(self, name: str, place: int) -> list[str]:
        """Return the texts of a column as shown."""
        return [text.strip() for text in self.table(name).locator(f"tbody td:nth-child({place})").all_inner_texts()]

    def sort(self, name: str, column: str) -> None:
        """Click a column's head."""
        self.table(name).locator("thead").get_by_role("button", name=column, exact=True).click()


@contextmanager
def opened(
    browser: "Browser", file: Path, size: tuple[int, int] = DESK, scheme: str = "light", *, touch: bool = False
) -> Iterator[Opened]:
    """Open a file of a storage."""
    viewport: Any = {"width": size[0], "height": size[1]}
    look: Any = scheme
    context = browser.new_context(viewport=viewport, color_scheme=look, locale="en-US", has_touch=touch)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    try:
        yield Opened(context.new_page(), file)
    finally:
        context.close()


def report(folder: Path, subject: str) -> Path:
    return folder / "reports" / subject.replace(":", "%3A") / "index.html"


def pages(folder: Path) -> dict[str, Path]:
    return {
        "report": report(folder, SUBJECT),
        "small": report(folder, OTHER),
        "comparison": folder / "reports/index.html",
    }


def numbers(texts: Sequence[str]) -> list[float]:
    return [float(text.replace(",", "")) for text in texts if text]


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("name", ["report", "small", "comparison"])
def test_a_page_is_whole_says_nothing_asks_for_nothing_and_is_accessible(
    browser: "Browser", folder: Path, name: str, size: tuple[int, int], scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - see conftest

    with opened(browser, pages(folder)[name], size, scheme) as shown:
        page = shown.page
        take_screenshot(page, f"page-{name}-{size[0]}-{scheme}", full_page=True)
        figures = page.locator("figure[data-chart], figure[data-groups]")
        assert figures.count() >= (1 if name == "comparison" else 7)
        assert figures.evaluate_all(_WITHOUT_MARKS) == []
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], "the page scrolls sideways"
        # Of what it has found to be right, it would tell every element.
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
        assert serious == [], json.dumps(serious, indent=1)[:3000]
        assert shown.complaints == []
        assert shown.requests == [shown.address]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", ["report", "small", "comparison"])
def test_no_label_of_a_chart_is_cut_off_or_too_small_to_read(
    browser: "Browser", folder: Path, name: str, size: tuple[int, int]
) -> None:
    with opened(browser, pages(folder)[name], size) as shown:
        labels = shown.page.evaluate(_LABELS)
    assert {label["chart"] for label in labels} == (
        {"overlap"} if name == "comparison" else {"years", "concentration", "newcomers"}
    )
    assert [label for label in labels if label["outside"] > 0.5] == []
    assert [label for label in labels if label["size"] < 10] == []


@pytest.mark.parametrize(("size", "columns"), [(PHONE, 2), (DESK, 4), (WIDE, 8)], ids=["phone", "desk", "wide"])
def test_a_page_uses_its_width(browser: "Browser", folder: Path, size: tuple[int, int], columns: int) -> None:
    for name in ("report", "comparison"):
        with opened(browser, pages(folder)[name], size) as shown:
            take_screenshot(shown.page, f"page-{name}-{size[0]}", full_page=True)
            assert _width(shown.page.locator("main")) >= 0.85 * size[0]
            for table in shown.page.locator("[data-explore] .scroll").all():
                assert _width(table) >= 0.85 * size[0]
                assert size == PHONE or table.evaluate("table => table.scrollWidth <= table.clientWidth"), (
                    "all is in sight"
                )
            values = shown.page.locator(".figure .value").all()
            boxes = [box for value in values if (box := value.bounding_box())]
            assert len({box["x"] for box in boxes}) == (columns if boxes else 0)
            assert len({box["y"] for box in boxes}) == len(boxes) / columns


def _width(element: "Locator") -> float:
    box = element.bounding_box()
    return box["width"] if box else 0


# The texts of figures in which nothing is drawn that has a surface.
_WITHOUT_MARKS = """
figures => figures.filter(figure => [...figure.querySelectorAll("svg .marks, .bar span")].every(mark => {
  const box = mark.getBoundingClientRect();
  return box.width * box.height === 0;
})).map(figure => figure.textContent)
"""
# By how many pixels each label of a chart stands out of it at most, and how large its letters are.
_LABELS = """
() => [...document.querySelectorAll("figure[data-chart]")].flatMap((figure) => {
  const picture = figure.querySelector("svg"), edge = picture.getBoundingClientRect();
  return [...picture.querySelectorAll("text")].map((text) => {
    const box = text.getBoundingClientRect(), scale = text.getScreenCTM();
    return {
      chart: figure.dataset.chart,
      text: text.textContent,
      outside: Math.max(edge.left - box.left, edge.top - box.top, box.right - edge.right, box.bottom - edge.bottom),
      size: Math.hypot(scale.a, scale.b) * parseFloat(getComputedStyle(text).fontSize),
    };
  });
})
"""


def test_light_and_dark_differ_and_charts_follow(browser: "Browser", folder: Path) -> None:
    def look(scheme: str) -> tuple[str, str]:
        with opened(browser, report(folder, SUBJECT), scheme=scheme) as shown:
            ground = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
            bar = "getComputedStyle(document.querySelector('figure[data-chart=years] .marks')).fill"
            return ground, shown.page.evaluate(bar)

    light, dark = look("light"), look("dark")
    assert light[0] != dark[0]
    assert light[1] != dark[1]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_authors_are_sorted_and_searched(browser: "Browser", folder: Path, size: tuple[int, int]) -> None:
    table = pq.read_table(folder / f"gold/author_averages/subject={SUBJECT}/part-0.parquet", partitioning=None)
    averages = table.to_pylist()
    with opened(browser, report(folder, SUBJECT), size) as shown:
        assert numbers(shown.column("authors", 2)) == sorted((row["book_count"] for row in averages), reverse=True)[:25]
        for name, place, value in (
            ("books", 2, "book_count"),
            ("first year", 6, "first_year"),
            ("last year", 7, "last_year"),
        ):
            top = sorted(averages, key=lambda row: (-row["book_count"], -row["dated_book_count"], row["author_key"]))
            values = [row[value] for row in top[:1000] if row[value] is not None]
            shown.sort("authors", name)
            once = numbers(shown.column("authors", place))
            shown.sort("authors", name)
            again = numbers(shown.column("authors", place))
            assert sorted([once, again]) == sorted([sorted(values)[:25], sorted(values, reverse=True)[:25]])
        shown.sort("authors", "author")
        assert shown.table("authors").locator("th[aria-sort=ascending]").inner_text() == "author"
        wanted = next(
            row for row in averages if row["author_name"] and "ö" in row["author_name"] and row["book_count"] > 2
        )
        plain = wanted["author_name"].replace("ö", "o").upper()
        shown.page.get_by_label("Search authors").fill(plain)
        found = shown.column("authors", 1)
        assert wanted["author_name"] in found
        assert len(found) < 25
        shown.page.get_by_label("Search authors").fill("nobody is called that")
        assert shown.column("authors", 1) == []
        assert shown.table("authors").get_by_role("status").inner_text() == "0 of 0 authors shown"
        shown.page.get_by_label("Search authors").fill("")
        shown.table("authors").get_by_role("button", name="Show more").click()
        assert len(shown.column("authors", 1)) == 125


def test_each_author_has_a_sparkline_and_a_link(browser: "Browser", folder: Path) -> None:
    with opened(browser, report(folder, SUBJECT)) as shown:
        rows = shown.table("authors").locator("tbody tr")
        for place in range(rows.count()):
            assert rows.nth(place).locator("svg.sparkline rect").count() > 0
            address = rows.nth(place).locator("a").get_attribute("href") or ""
            assert address.startswith("https://openlibrary.org/authors/OL")


def page_data(file: Path) -> dict[str, Any]:
    """Return what the tables of a page hold."""
    text = file.read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    return data


def stock_scores(folder: Path, weights: Mapping[str, float]) -> dict[str, float]:
    """Return what each book of the list must score: what is not known of it does not count."""
    scores = {}
    for row in page_data(report(folder, SUBJECT))["stock"]:
        known = {name: weight for name, weight in weights.items() if row[name] is not None}
        points = sum(weight * row[name] for name, weight in known.items())
        scores[row["work_key"]] = 100 * points / sum(known.values()) if any(known.values()) else 0.0
    return scores


def test_what_to_order_is_the_order_list_and_comes_first(browser: "Browser", folder: Path) -> None:
    table = pq.read_table(folder / f"serving/order_list/subject={SUBJECT}/part-0.parquet", partitioning=None)
    with opened(browser, report(folder, SUBJECT)) as shown:
        assert shown.page.locator("h2").first.inner_text() == "What to order"
        ranks = table["rank"].to_pylist()
        assert numbers(shown.column("orders", 2)) == ranks[:10]
        shown.table("orders").get_by_role("button", name="Show more").click()
        isbns = [text.partition("\n")[0] for text in shown.column("orders", 3)]
        assert [isbn for isbn in isbns if isbn.isdigit()] == [
            isbn for isbn in table["isbn13"].to_pylist()[:110] if isbn
        ]
        shown.sort("orders", "wanted by")
        wanted = numbers(shown.column("orders", 4))
        assert wanted == sorted(wanted, reverse=True)
        assert set(shown.column("orders", 7)) == {"no"}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_what_to_order_is_filtered_by_language_by_what_the_store_sells_and_by_a_text(
    browser: "Browser", folder: Path, size: tuple[int, int]
) -> None:
    rows = page_data(report(folder, SUBJECT))["orders"]["rows"]
    with opened(browser, report(folder, SUBJECT), size) as shown:

        def told() -> str:
            return shown.table("orders").get_by_role("status").inner_text()

        def found(of: list[dict[str, Any]]) -> str:
            return f"{min(10, len(of))} of {len(of)} books to order shown"

        to_order = [row for row in rows if row["to_order"]]
        assert 0 < len(to_order) < len(rows)
        assert told() == found(to_order)
        shown.page.get_by_label("Language").select_option("English")
        assert told() == found([row for row in to_order if "eng" in row["languages"]])
        hide = shown.page.get_by_label("Hide what we sell")
        hide.uncheck()
        english = [row for row in rows if "eng" in row["languages"]]
        assert told() == found(english)
        shown.page.get_by_label("Language").select_option("All")
        shown.sort("orders", "in store")
        shown.sort("orders", "in store")
        sold = shown.column("orders", 7)
        assert (sold[0], sold) == ("yes", sorted(sold, reverse=True))
        isbn = next(row["isbn13"] for row in rows if row["isbn13"])
        shown.page.get_by_label("Search books to order").fill(isbn)
        assert told() == found([row for row in rows if row["isbn13"] == isbn])
        assert shown.complaints == []
        assert shown.requests == [shown.address]


def test_covers_are_asked_for_when_the_reader_says_so_and_nothing_else_is(browser: "Browser", folder: Path) -> None:
    rows = [row for row in page_data(report(folder, SUBJECT))["orders"]["rows"] if row["to_order"]][:10]
    with opened(browser, report(folder, SUBJECT), (1280, 3000)) as shown:
        # Covers of editions are missing, so those of works are asked for next.
        shown.page.route(f"https://{COVERS}/b/olid/**", lambda route: route.fulfill(status=404))
        shown.page.route(
            f"https://{COVERS}/b/id/**", lambda route: route.fulfill(body=_PICTURE, content_type="image/svg+xml")
        )
        button = shown.page.get_by_role("button", name="Show covers")
        button.click()
        pictures = shown.table("orders").locator("img")
        wanted = [row for row in rows if row["cover_id"]]
        shown.page.wait_for_function("many => document.images.length === many", arg=len(wanted))
        addresses = [picture.get_attribute("src") for picture in pictures.all()]
        assert addresses == [f"https://{COVERS}/b/id/{row['cover_id']}-M.jpg?default=false" for row in wanted]
        shown.page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
        asked = shown.requests[1:]
        assert {urlsplit(address).hostname for address in asked} == {COVERS}
        assert sum("/b/olid/" in address for address in asked) == sum(row["edition_key"] is not None for row in rows)
        button.click()
        assert pictures.count() == 0


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_stock_list_follows_the_weights_and_is_saved_as_csv(
    browser: "Browser", folder: Path, size: tuple[int, int], tmp_path: Path
) -> None:
    with opened(browser, report(folder, SUBJECT), size) as shown:
        first = stock_scores(folder, WEIGHTS)
        assert numbers(shown.column("stock", 1)) == pytest.approx(sorted(first.values(), reverse=True)[:25], abs=0.006)
        for name, value in {"demand": 0, "recency": 10, "author": 0, "no_free": 3}.items():
            shown.page.locator(f"input[name={name}]").fill(str(value))
        again = stock_scores(folder, {"demand": 0, "recency": 10, "author": 0, "no_free": 3})
        assert numbers(shown.column("stock", 1)) == pytest.approx(sorted(again.values(), reverse=True)[:25], abs=0.006)
        assert shown.page.locator("input[name=recency] + output").inner_text() == "10"
        with shown.page.expect_download() as download:
            shown.page.get_by_role("button", name="Save as CSV").click()
        download.value.save_as(tmp_path / "stock.csv")
        assert shown.complaints == []
    rows = list(csv.DictReader(io.StringIO((tmp_path / "stock.csv").read_text(encoding="utf-8-sig"))))
    assert {row["work_key"]: float(row["score"]) for row in rows} == pytest.approx(again, abs=0.006)
    assert [float(row["score"]) for row in rows] == sorted((float(row["score"]) for row in rows), reverse=True)
    assert any(row["title"].startswith("'=") for row in rows), "a formula is made harmless"
    assert not any(row["title"].startswith(("=", "+", "-", "@")) for row in rows)
    assert any("\n" in row["title"] or '"' in row["title"] for row in rows)


def test_all_weights_at_nothing_is_no_error(browser: "Browser", folder: Path) -> None:
    with opened(browser, report(folder, SUBJECT)) as shown:
        for name in WEIGHTS:
            shown.page.locator(f"input[name={name}]").fill("0")
        assert set(shown.column("stock", 1)) == {"0.00"}
        assert shown.complaints == []


def test_a_script_in_a_title_or_a_name_shows_as_text(browser: "Browser", folder: Path) -> None:
    with opened(browser, report(folder, SUBJECT)) as shown:
        shown.page.get_by_label("Search books", exact=True).fill("injected")
        assert shown.column("stock", 2) == [SCRIPT]
        assert shown.column("stock", 3) == [SCRIPT]
        shown.page.get_by_text("Changed: 1 work", exact=True).click()
        assert shown.page.locator("#changes ~ details").get_by_text(SCRIPT).is_visible()
        assert shown.page.title() != "injected"
        assert shown.complaints == []


def test_definitions_show_on_hover_by_keyboard_and_by_tap(browser: "Browser", folder: Path) -> None:
    with opened(browser, report(folder, SUBJECT), PHONE, touch=True) as shown:
        definition = shown.page.locator("[data-figure=Works] .definition")
        assert not definition.is_visible()
        shown.page.locator("[data-figure=Works]").hover()
        assert definition.is_visible()
        shown.page.mouse.move(0, 0)
        assert not definition.is_visible()
        shown.page.locator("[data-figure=Works] button").focus()
        assert definition.is_visible()
        shown.page.locator("[data-figure=Authors] button").tap()
        assert shown.page.locator("[data-figure=Authors] .definition").is_visible()


def test_figures_on_the_page_are_those_of_the_summary(browser: "Browser", folder: Path) -> None:
    table = pq.read_table(folder / f"gold/subject_summary/subject={SUBJECT}/part-0.parquet", partitioning=None)
    (summary,) = table.to_pylist()
    with opened(browser, report(folder, SUBJECT)) as shown:
        assert shown.page.locator("[data-figure=Works] .value").inner_text() == f"{summary['works']:,}"
        assert shown.page.locator("[data-figure=Authors] .value").inner_text() == f"{summary['authors']:,}"
        assert shown.page.locator("[data-count=works_reported]").inner_text() == f"{summary['works_reported']:,}"


def test_a_subject_of_200_000_works_opens_at_once_and_says_what_was_left_out(browser: "Browser", folder: Path) -> None:
    file = report(folder, LARGE)
    assert file.stat().st_size < _MOST_BYTES
    with opened(browser, report(folder, SUBJECT)) as small:
        # A machine may be several times as slow as another.
        at_once = max(_OPEN_SECONDS, _AS_OF_FEW * small.seconds)
    with opened(browser, file) as shown:
        assert shown.seconds < at_once
        text = shown.page.locator("main").inner_text()
        assert f"of {LARGE_WORKS:,} works" in text
        assert "Here are the 1,000 with most books of" in text
        shown.page.get_by_label("Search books", exact=True).fill("the")
        shown.page.get_by_label("Search books to order").fill("the")
        assert shown.complaints == []
        take_screenshot(shown.page, "page-large")


def test_the_comparison_links_to_each_report_and_the_report_back(browser: "Browser", folder: Path) -> None:
    with opened(browser, folder / "reports/index.html") as shown:
        assert shown.column("subjects", 1) == ["large", "science fiction", "venice (place)", LONG.replace("_", " ")]
        shown.table("subjects").get_by_role("link", name="venice (place)").click()
        shown.page.locator("h1", has_text="venice (place)").wait_for()
        shown.page.get_by_role("link", name="All subjects").click()
        shown.page.locator("h1", has_text="Subjects side by side").wait_for()
        shown.page.get_by_label("Search subjects", exact=True).fill("VENICE")
        assert shown.column("subjects", 1) == ["venice (place)"]


def test_a_subject_of_any_key_is_a_click_away_and_so_are_its_files(browser: "Browser", tmp_path: Path) -> None:
    with opened(browser, lake.made_of_odd_subjects(tmp_path) / "reports/index.html") as shown:
        names = shown.column("subjects", 1)
        assert sorted(names) == sorted(map(subject_name, ODD_SUBJECTS))
        for name in names:
            shown.table("subjects").get_by_role("link", name=name, exact=True).click()
            shown.page.locator("h1", has_text=name).wait_for()
            assert_files_are_there(shown)
            shown.page.get_by_role("link", name="All subjects").click()
            shown.page.locator("h1", has_text="Subjects side by side").wait_for()
        assert shown.complaints == []


def test_the_comparison_tells_what_to_fetch_next_and_with_which_command(browser: "Browser", folder: Path) -> None:
    books = pq.read_table(folder / f"silver/books/subject={SUBJECT}/part-0.parquet", partitioning=None)
    with opened(browser, folder / "reports/index.html") as shown:
        keys = [command.split()[-1].strip("'\"") for command in shown.column("to_fetch", 6)]
        assert len(keys) == 25
        assert SUBJECT not in keys
        assert numbers(shown.column("to_fetch", 2)) == sorted(numbers(shown.column("to_fetch", 2)), reverse=True)
        pair = next(row for row in page_data(folder / "reports/index.html")["related"] if row["subject"] == SUBJECT)
        shown.page.get_by_label("Search pairs of subjects").fill(f"science fiction {pair['name']}")
        assert shown.column("related", 2)[0] == pair["name"]
        typed = [{subject.strip().lower() for subject in subjects} for subjects in books["subjects"].to_pylist()]
        assert numbers(shown.column("related", 3))[0] == sum(pair["name"].lower() in subjects for subjects in typed)
        lift = numbers(shown.column("related", 5))[0]
        assert 0.5 < lift < 2, "the sandbox strews its subjects at random"
        shown.page.get_by_label("Search pairs of subjects").fill("science fiction large")
        assert {"fetched"} >= set(shown.column("related", 6))
        assert shown.complaints == []


def test_links_to_files_lead_somewhere(browser: "Browser", folder: Path) -> None:
    for subject in (SUBJECT, OTHER):
        with opened(browser, report(folder, subject)) as shown:
            assert_files_are_there(shown)


def assert_files_are_there(report: Opened) -> None:
    """Look up whatever a report links to beside pages: its CSV files and its workbook."""
    links = report.page.locator("a[href$='.csv'], a[href$='.xlsx']").all()
    assert len(links) > 7
    for link in links:
        address = link.evaluate("element => element.href")
        assert Path(unquote(urlsplit(address).path)).is_file()


def test_the_printed_page_shows_what_the_screen_shows(browser: "Browser", folder: Path) -> None:
    with opened(browser, report(folder, SUBJECT), scheme="dark") as shown:
        shown.page.emulate_media(media="print")
        ground = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        assert shown.page.pdf().startswith(b"%PDF")
        assert shown.page.locator("[data-figure=Works] .definition").is_visible()
        assert not shown.page.get_by_label("Search authors").is_visible()
        assert shown.page.locator("figure[data-chart=years] svg").is_visible()


def test_the_picture_of_a_report_can_be_taken(browser: "Browser", folder: Path) -> None:
    """It is as large as the one in the README."""
    pictures.take_report(browser, report(folder, SUBJECT), SCREENSHOTS / pictures.REPORT)
    assert pictures.size(SCREENSHOTS / pictures.REPORT) == pictures.size(PICTURES / pictures.REPORT)
