"""The presentation: slides written in Markdown, built to one HTML file and to PDF.

`python -m openlib_assets_tests.docs.presentation docs/presentation` builds both, the PDF with chromium. A test builds
the HTML again and compares it, and looks up in the PDF which HTML it was printed from.

In the slides, `{{ measured("...") }}` is a figure of the table that `make bench` writes into docs/benchmarks.md, and
`{{ chart("...") }}` a chart of a sandbox subject's report.
"""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt

from openlib_assets.lake.bronze.snapshots import Snapshot, open_current
from openlib_assets.lake.contract import RAW_WORKS
from openlib_assets.lake.table_files import open_table
from openlib_assets.report.charts import with_colours
from openlib_assets.report.numbers import INPUTS, Numbers, numbers_of
from openlib_assets.report.page import report_charts
from openlib_assets.storage import Storage
from openlib_assets_tests.docs.generated import made_subject

SOURCE, TEMPLATE, HTML, PDF = "slides.md", "template.html", "index.html", "slides.pdf"
# Names the HTML file that a PDF was printed from.
PRINTED_FROM = "/PrintedFrom"

_BENCHMARKS = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_SUBJECT = "science_fiction"
_WORKS = 2500
_BREAK = "\n---\n"


def built_html(folder: Path) -> str:
    """Build the HTML from the slides and the template in a folder."""
    with _numbers() as numbers:
        charts = {chart.name: chart for chart in report_charts(numbers)}
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - our own text
    slides = environment.from_string((folder / SOURCE).read_text(encoding="utf-8")).render(
        measured=measured,
        chart=lambda name: (
            f"<figure>{with_colours(charts[name].svg)}<figcaption>{charts[name].title}</figcaption></figure>"
        ),
        numbers=numbers,
        summary=numbers.summary,
    )
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    pages = [markdown.render(slide) for slide in slides.split(_BREAK)]
    return environment.from_string((folder / TEMPLATE).read_text(encoding="utf-8")).render(pages=pages)


def measured(name: str, column: str = "figure") -> str:
    """Return a cell of the table of measurements; `column` is figure, baseline or ratio."""
    table = _BENCHMARKS.read_text(encoding="utf-8").partition("<!-- bench -->")[2].partition("<!-- /bench -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")]
    (row,) = (row for row in rows if row[0].startswith(name))
    return row[rows[0].index(column)]


@contextmanager
def _numbers() -> Iterator[Numbers]:
    """Lend the numbers of a subject of the sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        storage = made_subject(Path(folder), _SUBJECT, _WORKS)
        yield _numbers_in(storage)


def _numbers_in(storage: Storage) -> Numbers:
    with ExitStack() as stack:
        raw_works = stack.enter_context(open_current(storage, _SUBJECT))
        inputs = {
            table.name: stack.enter_context(
                open_table(storage, f"{table.layer}/{table.name}/subject={_SUBJECT}/part-0.parquet", remedy="run it")
            )
            for table in INPUTS
            if table is not RAW_WORKS
        }
        return numbers_of(_SUBJECT, {RAW_WORKS.name: raw_works, **inputs}, Snapshot.of(raw_works), None)


def print_pdf(html: Path, pdf: Path) -> None:
    """Print the HTML with chromium, and note in the PDF which HTML that was."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only printing needs a browser
    from pypdf import PdfReader, PdfWriter  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(html.absolute().as_uri())
        page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
        browser.close()
    writer = PdfWriter(clone_from=PdfReader(pdf))
    writer.add_metadata({PRINTED_FROM: digest(html)})
    writer.write(pdf)


def digest(html: Path) -> str:
    """Return the SHA-256 of a file, by which a PDF names it."""
    return hashlib.sha256(html.read_bytes()).hexdigest()


def build(folder: Path) -> None:
    """Build both files in the folder of the slides."""
    (folder / HTML).write_text(built_html(folder), encoding="utf-8")
    print_pdf(folder / HTML, folder / PDF)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
