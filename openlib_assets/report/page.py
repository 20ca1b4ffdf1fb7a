"""The report of a subject as one HTML page that needs nothing beside itself."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any
from urllib.parse import quote

from openlib_assets.lake import layout
from openlib_assets.lake.orders.stocking import Weights
from openlib_assets.report import findings, words
from openlib_assets.report.charts import bars_by_year, curve_of_shares
from openlib_assets.report.numbers import Numbers
from openlib_assets.report.orders import order_rows, orders, stock_rows
from openlib_assets.report.rendering import script, template

# A few very old books would squeeze all others into a corner.
_CHARTED_YEARS = 100
# More points than this cannot be told apart on a curve.
_CURVE_POINTS = 120

# What is told of an author's whole work.
_IN_ALL = ("book_count", "avg_books_per_active_year", "avg_books_per_calendar_year")

_ACCESS = {
    "readable": "readable by everybody",
    "borrowable": "on loan, one at a time",
    "restricted": "scanned, not lent",
    "none": "no scan",
}


@dataclass(frozen=True)
class Figure:
    """A headline figure with its definition; `note` says of what it is, and what stands beside it."""

    name: str
    value: str
    definition: str
    note: str = ""


@dataclass(frozen=True)
class Groups:
    """A few groups of things and how many are in each, which a table with bars shows best; `doubt` sets them apart."""

    name: str
    title: str
    description: str
    head: tuple[str, str]
    rows: Sequence[tuple[str, int]]
    doubt: bool = False

    @property
    def most(self) -> int:
        """The greatest of the numbers, at least 1."""
        return max(1, *(number for _, number in self.rows))


@dataclass(frozen=True)
class Chart:
    """A chart with what it shows in words and in numbers; `rows` have the columns `head`."""

    name: str
    title: str
    svg: str
    description: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


def report_html(numbers: Numbers, charts: Sequence[Chart]) -> str:
    """Return the page, with its charts; equal numbers give equal text."""
    return template("report.html").render(
        subject=numbers.subject,
        name=words.subject_name(numbers.subject),
        numbers=numbers,
        summary=numbers.summary,
        quality=numbers.quality,
        findings=findings.findings(numbers),
        figures=headline_figures(numbers),
        charts={chart.name: chart for chart in charts},
        dump=numbers.dump,
        groups={groups.name: groups for groups in report_groups(numbers)},
        orders=orders(numbers),
        weights=asdict(Weights()),
        proof=_proof(numbers),
        changes={row["change"]: row["works"] for row in numbers.rows["changes"]},
        data=_data(numbers),
        related_command=words.related_command(numbers.subject),
        run_command=words.run_command(numbers.subject),
        exports="../../" + quote(layout.exports_folder(numbers.subject)),
        script=script("explore.js", "report.js"),
    )


def _proof(numbers: Numbers) -> str:
    """Return how the works of the snapshot were proven to be complete."""
    proof = numbers.snapshot.proof
    if proof is None:
        return "not known: the snapshot is of an earlier release"
    moment = f"{proof.at:%Y-%m-%d %H:%M:%S} UTC"
    when = (
        f"as of {moment}" if not proof.window else f"within {words.counted(ceil(proof.window), 'second')} from {moment}"
    )
    return f"{proof.by} ({words.counted(proof.requests, 'request')}), {when}"


def headline_figures(numbers: Numbers) -> list[Figure]:
    """Return the figures that stand on top."""
    summary, quality = numbers.summary, numbers.quality
    works, dated = summary["works"], summary["works_dated"]
    middle = numbers.rows["middle_years"]
    ways = {row["access"]: row["books"] for row in numbers.rows["ebooks"]}
    active = numbers.rows["author_activity"][0]["authors"]
    half = findings.half_of_books(numbers)
    return [
        Figure("Works", words.count(works), "Works that Open Library lists under the subject. Each is one book here."),
        Figure(
            "Authors",
            words.count(summary["authors"]),
            "Everybody who is listed as an author of at least one of the works.",
        ),
        Figure(
            "Dated",
            words.share(dated, works),
            "Works with a usable year of first publication: after 1000, at most a year after the fetch.",
            "of the works",
        ),
        Figure(
            "Years",
            words.years(**middle[0]) if middle else "none",
            "Years of first publication from the 5th to the 95th percentile, between which nine in ten dated works "
            "lie. Beside them, the first and the last usable year.",
            f"all: {words.years(summary['first_year'], summary['last_year'])}" if middle else "",
        ),
        Figure(
            "Books of the last ten years",
            words.count(findings.books_in_last_ten_years(numbers)),
            f"Dated works first published from {numbers.year - 9} to {numbers.year}.",
        ),
        Figure(
            "Authors active now",
            words.count(active),
            f"Authors whose last dated book of the subject is of {numbers.year - 4} or later.",
        ),
        Figure(
            "Authors behind half the books",
            words.share(half["authors"], quality["authors_dated"]) if half else "none",
            "How few authors account for half of the dated books that name an author: the most productive ones, as a "
            "share of all authors with a dated book.",
            "of the authors" if half else "",
        ),
        Figure(
            "E-books",
            "not known" if numbers.dump else words.share(ways["readable"] + ways["borrowable"], works),
            "Works of which an e-book can be read or borrowed at the Internet Archive, by the record of the snapshot.",
            "a dump does not say" if numbers.dump else "of the works",
        ),
    ]


def report_charts(numbers: Numbers) -> list[Chart]:
    """Return the charts of a subject; one without anything to show is left out."""
    drawn = [draw(numbers) for draw in (_years, _concentration, _newcomers)]
    return [chart for chart in drawn if chart is not None]


def _years(numbers: Numbers) -> Chart | None:
    rows = numbers.rows["books_per_year"]
    if not rows:
        return None
    shown = [row for row in rows if row["year"] > rows[-1]["year"] - _CHARTED_YEARS]
    description = f"Dated works by the year of their first publication, {shown[0]['year']} to {shown[-1]['year']}."
    earlier = sum(row["books"] for row in rows) - sum(row["books"] for row in shown)
    if earlier:
        description += f" Not drawn: {words.counted(earlier, 'book')} of earlier years, from {rows[0]['year']} on."
    return Chart(
        "years",
        "Books per year",
        bars_by_year([(row["year"], row["books"]) for row in shown], "book"),
        description,
        ("year", "books"),
        [(row["year"], row["books"]) for row in rows],
    )


def _concentration(numbers: Numbers) -> Chart | None:
    curve, authors = numbers.rows["concentration"], numbers.quality["authors_dated"]
    if not curve:
        return None
    step = -(-len(curve) // _CURVE_POINTS)
    points = [*curve[:-1:step], curve[-1]]
    books = curve[-1]["books"]
    shares = [(point["authors"] / authors, point["books"] / books) for point in points]
    return Chart(
        "concentration",
        "How the output is spread",
        curve_of_shares([(0, 0), *shares, (1, 1)], across="authors, most productive first", up="dated books"),
        "What share of the dated books the most productive authors account for, from no author to all of them. The "
        "dashed line is where every author would have equally many.",
        ("most productive authors", "books by at least one of them"),
        [(point["authors"], point["books"]) for point in points],
    )


def _newcomers(numbers: Numbers) -> Chart | None:
    rows = numbers.rows["newcomers"]
    if not any(row["newcomers"] for row in rows):
        return None
    return Chart(
        "newcomers",
        "Newcomers of the last ten years",
        bars_by_year([(row["year"], row["newcomers"]) for row in rows], "newcomer"),
        "Authors by the year of their first dated book of the subject.",
        ("year", "newcomers"),
        [(row["year"], row["newcomers"]) for row in rows],
    )


def report_groups(numbers: Numbers) -> list[Groups]:
    """Return what is counted by groups."""
    groups = [
        Groups(
            "doubtful",
            "Doubtful years",
            "Works without a year, or with an impossible one. No count by year includes them.",
            ("year", "works"),
            [
                ("no year", numbers.summary["works_year_missing"]),
                ("impossible year", numbers.summary["works_year_implausible"]),
            ],
            doubt=True,
        ),
        Groups(
            "activity",
            "Active and quiet authors",
            "Authors by the year of their last dated book of the subject.",
            ("last dated book", "authors"),
            [(row["label"], row["authors"]) for row in numbers.rows["author_activity"]],
        ),
        Groups(
            "ebooks",
            "E-books",
            "Works by how an e-book of them can be had at the Internet Archive.",
            ("e-book", "works"),
            [(_ACCESS[row["access"]], row["books"]) for row in numbers.rows["ebooks"]],
        ),
        Groups(
            "editions",
            "Editions",
            "Works by how many editions of them Open Library knows.",
            ("editions", "works"),
            [(row["label"], row["books"]) for row in numbers.rows["editions"]],
        ),
    ]
    return [group for group in groups if not (numbers.dump and group.name == "ebooks")]


def _data(numbers: Numbers) -> dict[str, Any]:
    """Return what the page's tables hold."""
    return {
        "orders": order_rows(numbers),
        "stock": stock_rows(numbers),
        **_authors(numbers),
    }


def _authors(numbers: Numbers) -> dict[str, Any]:
    """Return what the table of authors holds, and the date of the dump by which it tells what they wrote in all."""
    rows, whole = numbers.rows["top_authors"], numbers.whole_catalogue
    if whole is None:
        return {"authors": rows}
    nothing = dict.fromkeys(_IN_ALL)
    in_all = (whole.averages.get(row["author_key"], nothing) for row in rows)
    return {
        "authors": [
            {**row, "in_all": {name: found[name] for name in _IN_ALL}} for row, found in zip(rows, in_all, strict=True)
        ],
        "in_all_by": whole.date,
    }
