"""A subject's report against an independent computation, and what it does with awkward texts and tiny subjects."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pyarrow as pa
import pytest

from openlib_assets.defs.assets.serving import make_report
from openlib_assets.defs.io_manager import SubjectTables
from openlib_assets.defs.steps.writing import put_in_place
from openlib_assets.openlibrary.site import author_link, subject_link, work_link
from openlib_assets.report.counts import middle_years, newcomer_authors, quality
from openlib_assets.report.numbers import INPUTS
from openlib_assets.report.words import counted, share, subject_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets_tests.conftest import Pipeline, Place, PlaceMaker, reference_tables
from openlib_assets_tests.tools.copies import copy_of
from openlib_assets_tests.tools.instances import temporary_instance

Row = dict[str, Any]
SUBJECT = "place:new_york_n.y."
WORKS = 2500
YEAR = 2026
SCRIPT = "<script>document.title = 'injected'</script>"


class Report:
    """A report as it was written, beside the records and the tables that it tells of."""

    def __init__(
        self,
        text: str,
        records: list[Row],
        tables: Mapping[str, list[Row]],
        made: Mapping[str, list[Row]] | None = None,
    ) -> None:
        self.text = text
        self.records = records
        self.tables = tables
        self.made = made or {}
        self.dated = [book for book in tables["books"] if book["year_status"] == "ok"]
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
        assert found
        self.data: dict[str, Any] = json.loads(found[1])

    def figure(self, name: str) -> str:
        """Return a headline figure."""
        found = re.search(rf'data-figure="{name}">.*?<div class="value">(.*?)</div>', self.text, re.DOTALL)
        assert found
        return found[1].replace("\xa0", " ")

    def note(self, name: str) -> str:
        """Return what stands beside a headline figure."""
        found = re.search(rf'data-figure="{name}">.*?<div class="muted note">(.*?)</div>', self.text, re.DOTALL)
        assert found
        return found[1]

    def numbers(self, chart: str) -> list[tuple[str, int]]:
        """Return the numbers that stand beside a chart."""
        found = re.search(rf'<figure data-(?:chart|groups)="{chart}".*?<tbody>(.*?)</tbody>', self.text, re.DOTALL)
        assert found
        rows = re.findall(r'<tr><t[hd][^>]*>(.*?)</t[hd]><td class="number">([\d,]+)</td>', found[1])
        return [(html.unescape(label), int(number.replace(",", ""))) for label, number in rows]

    def findings(self) -> list[str]:
        """Return the findings."""
        found = re.search(r'<ul class="findings">(.*?)</ul>', self.text, re.DOTALL)
        assert found
        return [html.unescape(line).replace("\xa0", " ") for line in re.findall(r"<li>(.*?)</li>", found[1])]


def report_path(place: Place, subject: str) -> Path:
    return Path(place.root, "reports", subject.replace(":", "%3A"), "index.html")


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with temporary_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def report(new_place: PlaceMaker, instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Report:
    place = new_place("local")
    with Sandbox(SandboxConfig({SUBJECT: WORKS})) as sandbox:
        first = next(sandbox.works(SUBJECT))
        authors = [{"key": "/authors/OL99999999A", "name": SCRIPT}]
        sandbox.change_work(SUBJECT, first["key"], title=SCRIPT, edition_count=4000, authors=authors)
        pipeline = Pipeline(place, instance, sandbox.url, XDG_CACHE_HOME=str(tmp_path_factory.mktemp("cache")))
        assert pipeline.run(SUBJECT).success
        records = list(sandbox.works(SUBJECT))
    tables = reference_tables(pipeline, SUBJECT, records)
    folders = {"stocking_list": "gold", "order_list": "serving", "work_details": "silver"}
    subject = f"subject={quote(SUBJECT, safe='')}"
    made = {
        name: pipeline.table(f"{layer}/{name}/{subject}/part-0.parquet").to_pylist() for name, layer in folders.items()
    }
    return Report(report_path(place, SUBJECT).read_text(encoding="utf-8"), records, tables, made)


# Works by the fields in which they are odd, of subjects that are made together.
ODD: Mapping[str, Sequence[Row]] = {
    "stray": [{"first_publish_year": year} for year in (1001, YEAR + 1, *range(1952, 2010))],
    "lacks_all": [{"authors": [], "first_publish_year": None, "title": "__None__", "edition_count": 0}],
    "lacks_what_is_usable": [{"authors": [{"key": "/authors/OL1A", "name": ""}], "first_publish_year": 9999}],
    "lacks_nothing": [{"first_publish_year": YEAR + 1}],
    "editions": [{"edition_count": editions} for editions in (-7, 0, None)],
}


@pytest.fixture(scope="module")
def odd(instance: dg.DagsterInstance, new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Small subjects of odd works, made."""
    with Sandbox(SandboxConfig(dict.fromkeys(ODD, 0))) as sandbox:
        for subject, works in ODD.items():
            for fields in works:
                sandbox.add_work(subject, fields)
        cache = str(tmp_path_factory.mktemp("cache"))
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run(*ODD).success
    return pipeline


def nearest_ranks(years: list[int]) -> tuple[int, int]:
    """Return the years at the 5th and the 95th percentile, by the definition: the smallest with so many at or below."""

    def smallest(percent: int) -> int:
        return min(year for year in years if 100 * sum(other <= year for other in years) >= percent * len(years))

    return smallest(5), smallest(95)


@pytest.mark.parametrize("works", [1, 2, 19, 20, 21, 40, 60, 140, 199])
def test_middle_years_are_the_5th_and_the_95th_percentile_by_nearest_rank(works: int) -> None:
    years = [1900 + 7 * work * work % 101 for work in range(works)]
    per_year = [{"year": year, "books": books} for year, books in sorted(Counter(years).items())]
    first, last = nearest_ranks(years)
    assert middle_years(per_year) == [{"first": first, "last": last}]


def test_without_a_dated_work_there_are_no_middle_years() -> None:
    assert middle_years([]) == []


def test_a_stray_year_shows_beside_the_headline_and_not_in_it(odd: Pipeline) -> None:
    report = Report(report_path(odd.place, "stray").read_text(), [], {"books": []})
    # Of 60 works, the third and the 57th.
    assert report.figure("Years") == "1953 to 2007"
    assert report.note("Years") == f"all: 1001 to {YEAR + 1}"


def test_headline_figures_are_those_of_the_tables(report: Report) -> None:
    (summary,) = report.tables["subject_summary"]
    recent = [book for book in report.dated if YEAR - 9 <= book["first_publish_year"] <= YEAR]
    active = [author for author in report.tables["authors"] if (author["last_year"] or 0) >= YEAR - 4]
    assert report.figure("Works") == f"{summary['works']:,}"
    assert report.figure("Authors") == f"{summary['authors']:,}"
    assert report.figure("Dated") == f"{100 * len(report.dated) / WORKS:.0f} %"
    years = nearest_ranks([book["first_publish_year"] for book in report.dated])
    assert report.figure("Years") == f"{years[0]} to {years[1]}"
    assert report.note("Years") == f"all: {summary['first_year']} to {summary['last_year']}"
    assert report.figure("Books of the last ten years") == str(len(recent))
    assert report.figure("Authors active now") == str(len(active))
    lent = sum(bool(work["public_scan"] or work["lending_edition"]) for work in report.records)
    assert report.figure("E-books") == f"{100 * lent / WORKS:.0f} %"


def test_books_per_year_are_those_of_the_tables_and_doubtful_years_stand_apart(report: Report) -> None:
    counted_years = sorted(Counter(book["first_publish_year"] for book in report.dated).items())
    assert report.numbers("years") == [(str(year), books) for year, books in counted_years]
    statuses = Counter(book["year_status"] for book in report.tables["books"])
    wanted = [("no year", statuses["missing"]), ("impossible year", statuses["implausible"])]
    assert report.numbers("doubtful") == wanted
    for year in {book["first_publish_year"] for book in report.tables["books"] if book["year_status"] == "implausible"}:
        assert f'<span class="doubt">{year}</span>' in report.text


def test_authors_stand_in_order_with_their_averages_and_years(report: Report) -> None:
    averages = sorted(
        report.tables["author_averages"],
        key=lambda row: (-row["book_count"], -row["dated_book_count"], row["author_key"]),
    )
    years: dict[str, list[Row]] = {}
    for row in report.tables["author_yearly_counts"]:
        years.setdefault(row["author_key"], []).append(row)
    for shown, wanted in zip(report.data["authors"], averages[:1000], strict=True):
        assert {name: shown[name] for name in wanted if name in shown} == {
            name: value for name, value in wanted.items() if name in shown
        }
        own = years.get(wanted["author_key"], [])
        assert shown["years"] == [row["year"] for row in own]
        assert shown["counts"] == [row["book_count"] for row in own]


def test_half_of_the_books_is_by_as_few_of_the_most_productive_authors_as_it_takes(report: Report) -> None:
    ranked = sorted(
        (row for row in report.tables["author_averages"] if row["dated_book_count"]),
        key=lambda row: (-row["dated_book_count"], row["author_key"]),
    )
    by_author: dict[str, set[str]] = {}
    dated = {book["work_key"] for book in report.dated}
    for row in report.tables["author_books"]:
        if row["work_key"] in dated:
            by_author.setdefault(row["author_key"], set()).add(row["work_key"])
    covered: set[str] = set()
    total = len(set().union(*by_author.values()))
    authors = 0
    while 2 * len(covered) < total:
        covered |= by_author[ranked[authors]["author_key"]]
        authors += 1
    (finding,) = (line for line in report.findings() if line.startswith("Half of the dated books that name an author "))
    assert f"the {authors:,} most productive of {len(ranked):,}" in finding
    assert f"by {100 * authors / len(ranked):.0f} % of the authors" in finding
    assert report.figure("Authors behind half the books") == f"{100 * authors / len(ranked):.0f} %"


def test_newcomers_and_quiet_authors_are_counted_by_their_first_and_last_years(report: Report) -> None:
    firsts = Counter(author["first_year"] for author in report.tables["authors"])
    assert report.numbers("newcomers") == [(str(year), firsts[year]) for year in range(YEAR - 9, YEAR + 1)]
    quiet = [None if a["last_year"] is None else YEAR - a["last_year"] for a in report.tables["authors"]]
    known = [years for years in quiet if years is not None]
    assert report.numbers("activity") == [
        ("last 5 years", sum(years <= 4 for years in known)),
        ("5 to 9 years ago", sum(5 <= years <= 9 for years in known)),
        ("10 to 19 years ago", sum(10 <= years <= 19 for years in known)),
        ("20 or more years ago", sum(years >= 20 for years in known)),
        ("no dated book", quiet.count(None)),
    ]


def test_newcomers_stand_in_the_order_of_their_dated_books() -> None:
    rows = [("OL1A", "Mostly Undated", 40, 1), ("OL2A", "Steady", 5, 5)]
    names = ("author_key", "author_name", "book_count", "dated_book_count")
    averages = pa.Table.from_pylist([dict(zip(names, row, strict=True)) | {"first_year": 2020} for row in rows])
    found = newcomer_authors(averages, 2026)
    assert [(row["author_key"], row["dated_book_count"]) for row in found] == [("OL2A", 5), ("OL1A", 1)]


def access(work: Mapping[str, Any]) -> str:
    if work["public_scan"]:
        return "readable by everybody"
    if work["lending_edition"]:
        return "on loan, one at a time"
    return "scanned, not lent" if work["has_fulltext"] else "no scan"


def test_ebooks_and_editions_are_those_of_the_records(report: Report) -> None:
    ways = Counter(map(access, report.records))
    assert dict(report.numbers("ebooks")) == dict(ways)
    groups: Counter[str] = Counter()
    for work in report.records:
        editions = work["edition_count"]
        groups[
            "none"
            if editions == 0
            else "1"
            if editions == 1
            else "2 to 4"
            if editions < 5
            else "5 to 9"
            if editions < 10
            else "10 to 49"
            if editions < 50
            else "50 or more"
        ] += 1
    assert dict(report.numbers("editions")) == {label: groups[label] for label, _ in report.numbers("editions")}
    assert sum(groups.values()) == sum(number for _, number in report.numbers("editions"))


def test_what_to_order_comes_first_and_is_the_order_list(report: Report) -> None:
    headings = re.findall(r'<h2 id="(\w+)">', report.text)
    assert headings[:3] == ["order", "findings", "years"]
    listed = {row["work_key"]: row for row in report.made["order_list"]}
    details = {row["work_key"]: row for row in report.made["work_details"]}
    shown = report.data["orders"]["rows"]
    assert [row["work_key"] for row in shown] == list(listed)
    for row in shown:
        wanted = listed[row["work_key"]]
        same = ("rank", "edition_key", "isbn13", "publisher", "publish_date", "reason")
        assert {name: row[name] for name in same} == {name: wanted[name] for name in same}
        document = details[row["work_key"]]
        # Of a work with a document, a count that it leaves out is zero.
        assert row["wanted"] == (None if document["languages"] is None else document["want_to_read"] or 0)
        assert wanted["language"] is None or row["languages"] == [wanted["language"]]
        assert row["in_store"] is None
    editions = sum(row["edition_key"] is not None for row in listed.values())
    text = " ".join(report.text.split())
    assert f"{len(listed)} works to stock, best first; for {editions} of them there is an edition to order." in text
    folder = "../../exports/place%253Anew_york_n.y."
    assert f'<a href="{folder}/order_list.xlsx">Excel</a>, <a href="{folder}/order_list.csv">CSV</a>' in text
    assert re.findall(r'data-state="(\w+)"', text) == ["store"]


def test_the_list_to_stock_is_the_stocking_lists_best(report: Report) -> None:
    ranked = report.made["stocking_list"]
    shown = report.data["stock"]
    best = {row["rank"] for row in ranked[:700]}
    for criterion in ("demand", "recency", "author"):
        by_criterion = sorted(ranked, key=lambda row: (row[criterion] is None, -(row[criterion] or 0), row["rank"]))
        best |= {row["rank"] for row in by_criterion[:100]}
    assert [row["rank"] for row in shown] == sorted(best)
    listed: dict[str, list[Row]] = {}
    for pair in report.tables["author_books"]:
        listed.setdefault(pair["work_key"], []).append(pair)
    for row in shown:
        same = ("work_key", "title", "year", "demand", "recency", "author", "no_free", "score", "duplicate_of")
        assert {name: row[name] for name in same} == {name: ranked[row["rank"] - 1][name] for name in same}
        own = sorted(listed.get(row["work_key"], []), key=lambda pair: pair["author_position"])
        assert row["author_keys"] == [pair["author_key"] for pair in own][:3]
        assert row["ebook"] == {0.0: "free", 0.5: "to borrow", 1.0: "none", None: None}[row["no_free"]]
    assert f"Here are {len(shown)} of 2,500 works" in " ".join(report.text.split())


def test_subjects_beside_this_one_come_with_the_command_that_adds_them(report: Report) -> None:
    found = re.findall(r"<tr data-related>.*?<bdi>(.*?)</bdi>.*?number\">(.*?)<.*?<code>(.*?)</code>", report.text)
    assert len(found) == 20
    name, works, command = (html.unescape(text) for text in found[0])
    key = command.removeprefix("openlib subjects add ")
    own = [{typed.strip().lower().replace(" ", "_") for typed in book["subjects"]} for book in report.tables["books"]]
    assert name.lower() == key.replace("_", " ")
    assert int(works) == sum(key in keys for keys in own)


def test_a_blank_title_is_none() -> None:
    books = pa.table(
        {
            "work_key": ["OL1W", "OL2W", "OL3W", "OL4W"],
            "title": ["Tea", None, "", " \u3000"],
            **{name: pa.nulls(4, pa.int64()) for name in ("author_count", "edition_count")},
            "year_status": pa.nulls(4, pa.string()),
        }
    )
    assert quality(books, pa.table({"first_year": pa.nulls(0, pa.int32())}))["without_title"] == 3


def test_what_is_missing_is_counted(report: Report) -> None:
    def counted_as(label: str) -> int:
        found = re.search(rf'<th scope="row">{re.escape(label)}</th><td class="number">([\d,]+)</td>', report.text)
        assert found
        return int(found[1].replace(",", ""))

    books = report.tables["books"]
    assert counted_as("without a title") == sum(not (book["title"] or "").strip() for book in books)
    assert counted_as("without an author") == sum(book["author_count"] == 0 for book in books)
    assert counted_as("without an edition") == sum(book["edition_count"] == 0 for book in books)
    assert counted_as("an edition without a work (its key ends in M)") == sum(
        book["work_key"].endswith("M") for book in books
    )


def test_counts_are_told_as_they_are_and_as_they_would_be_if_duplicates_were_merged(report: Report) -> None:
    for kind, held, table in (
        ("works", "books", "possible_duplicate_books"),
        ("authors", "authors", "possible_same_authors"),
    ):
        found = re.search(rf'<tr data-duplicates="{kind}">.*?</tr>', report.text)
        assert found
        numbers = [int(number.replace(",", "")) for number in re.findall(r'class="number">([\d,]+)<', found[0])]
        scores = [row["score"] for row in report.tables[table]]
        total = len(report.tables[held])
        assert numbers == [total, total - sum(score >= 0.8 for score in scores), total - len(scores)]
        assert scores, "the sandbox has duplicates"


def test_text_of_open_library_is_shown_and_never_run(report: Report) -> None:
    assert any(row["title"] == SCRIPT for row in report.data["stock"])
    assert any(row["author_names"] == [SCRIPT] for row in report.data["stock"])
    assert SCRIPT not in report.text
    assert len(re.findall(r"<script", report.text, re.IGNORECASE)) == 2


def test_the_page_asks_no_host_for_anything(report: Report) -> None:
    assert "default-src 'none'" in report.text
    assert not re.search(r"<(img|link|iframe|object|embed|audio|video|source)\b", report.text)
    assert not re.search(r"@import|url\(", report.text)


@pytest.fixture(scope="module")
def cups(
    instance: dg.DagsterInstance, new_place: PlaceMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """A small subject, made."""
    with Sandbox(SandboxConfig({"cups": 60})) as sandbox:
        cache = str(tmp_path_factory.mktemp("cache"))
        pipeline = Pipeline(new_place("local"), instance, sandbox.url, XDG_CACHE_HOME=cache)
        assert pipeline.run("cups").success
        yield pipeline


def test_the_same_tables_give_the_same_bytes(cups: Pipeline) -> None:
    before = report_path(cups.place, "cups").read_bytes()
    report_path(cups.place, "cups").unlink()
    assert cups.run("cups", job="rebuild_from_bronze").success
    assert report_path(cups.place, "cups").read_bytes() == before


def test_the_report_tells_what_changed_since_the_snapshot_before(cups: Pipeline) -> None:
    with Sandbox(SandboxConfig({"cups": 60})) as sandbox, copy_of(cups, sandbox.url) as pipeline:
        place = pipeline.place
        assert "This is the first snapshot" in report_path(place, "cups").read_text()
        sandbox.add_work("cups", {"title": "A new one & more"})
        changed = next(sandbox.works("cups"))
        sandbox.change_work("cups", changed["key"], title="Another title")
        assert pipeline.run("cups").success
        text = " ".join(report_path(place, "cups").read_text().split())
    assert (
        "added: <strong>1 work</strong>, removed: <strong>0 works</strong>, changed: <strong>1 work</strong>." in text
    )
    assert "Since the snapshot before: 1 work added, 0 removed, 1 changed." in text
    assert "A new one &amp; more" in text


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [
        ("lacks_all", "No work has a usable"),
        ("lacks_what_is_usable", "No work has a usable"),
        ("lacks_nothing", "Every work has a usable"),
    ],
)
def test_a_subject_of_one_work_has_a_report_whatever_the_work_lacks(odd: Pipeline, subject: str, wanted: str) -> None:
    assert f"<li>{wanted} year of first publication.</li>" in report_path(odd.place, subject).read_text()


def test_groups_without_anybody_say_so_and_so_does_what_was_not_asked_for(
    instance: dg.DagsterInstance, new_place: PlaceMaker
) -> None:
    place = new_place("local")
    with Sandbox(SandboxConfig({"old": 1})) as sandbox:
        authors = [{"key": "/authors/OL1A", "name": "Ada"}, {"key": "/authors/OL2A", "name": "Bea"}]
        work = next(sandbox.works("old"))
        sandbox.change_work("old", work["key"], first_publish_year=YEAR - 12, authors=authors)
        assert Pipeline(place, instance, sandbox.url, OPENLIB_DETAILS="off").run("old").success
    report = Report(report_path(place, "old").read_text(), [], {"books": []})
    assert dict(report.numbers("activity")) == {
        "last 5 years": 0,
        "5 to 9 years ago": 0,
        "10 to 19 years ago": 2,
        "20 or more years ago": 0,
        "no dated book": 0,
    }
    assert report.figure("Authors active now") == "0"
    assert re.findall(r'data-state="(\w+)"', report.text) == ["editions", "details", "store"]
    said = " ".join(report.text.split())
    assert (
        "so there are no ISBNs: they were not asked for (<code>OPENLIB_DETAILS=off</code>), none was found, or" in said
    )
    assert (
        "so demand is told by editions only: they were not asked for (<code>OPENLIB_DETAILS=off</code>), or the step"
        in said
    )
    (row,) = report.data["orders"]["rows"]
    assert (row["wanted"], row["isbn13"], row["languages"]) == (None, None, [])


def test_a_number_of_editions_that_cannot_be_is_unknown(odd: Pipeline) -> None:
    report = Report(report_path(odd.place, "editions").read_text(), [], {"books": []})
    groups = dict(report.numbers("editions"))
    assert (groups["none"], groups["unknown"], sum(groups.values())) == (1, 2, 3)
    assert Counter(row["edition_count"] for row in report.data["stock"]) == {0: 1, None: 2}


def test_the_asset_shows_its_charts_and_findings(cups: Pipeline) -> None:
    records = dg.AssetRecordsFilter(asset_key=dg.AssetKey("subject_report"), asset_partitions=["cups"])
    (record,) = cups.instance.fetch_materializations(records, limit=1).records
    assert record.asset_materialization
    shown = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    assert shown["dagster/uri"] == str(report_path(cups.place, "cups"))
    pictures = re.findall(
        r"^\*\*(.*)\*\*\n\n!\[(.*)\]\(data:image/svg\+xml;base64,[\w+/=]+\)$", str(shown["charts"]), re.MULTILINE
    )
    assert [title for title, _ in pictures] == [alternative for _, alternative in pictures]
    assert [title for title, _ in pictures] == [
        "Books per year",
        "How the output is spread",
        "Newcomers of the last ten years",
    ]
    assert "works" in str(shown["findings"])


def test_a_table_that_is_missing_is_said_in_one_line(instance: dg.DagsterInstance, new_place: PlaceMaker) -> None:
    storage = new_place("local").open()
    inputs = {table.name: SubjectTables(storage, table.name, table.layer, ["tea"]) for table in INPUTS}
    with pytest.raises(Exception, match="openlib run"), make_report(storage, inputs, "tea") as output:
        put_in_place(storage, output)


@pytest.mark.parametrize(
    ("part", "whole", "wanted"),
    [
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 3, "33 %"),
        (1, 100_000, "0.1 %"),
        (99_999, 100_000, "99.9 %"),
        (995, 1000, "99.5 %"),
        (3, 400, "0.8 %"),
        (0, 0, "none"),
        (200, 40, "500 %"),
        (1_001, 1_000, "101 %"),
    ],
)
def test_a_share_says_neither_nothing_nor_all_unless_it_is(part: int, whole: int, wanted: str) -> None:
    assert share(part, whole).replace("\xa0", " ") == wanted


def test_names_counts_and_links_are_written_as_people_and_open_library_write_them() -> None:
    assert counted(1, "book") == "1 book"
    assert counted(12_345, "book") == "12,345 books"
    assert subject_name("place:new_york") == "new york (place)"
    assert subject_link("person:o'neil") == "https://openlibrary.org/subjects/person:o%27neil"
    assert work_link("OL1W") == "https://openlibrary.org/works/OL1W"
    assert work_link("OL1M") == "https://openlibrary.org/books/OL1M"
    assert author_link("OL1A") == "https://openlibrary.org/authors/OL1A"
