"""What a table alone tells, counted on its Arrow columns: for a small table, planning a query costs more.

Tables come sorted by their keys, as the contract has them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from openlib_assets.lake.arrow_values import texts

Row = dict[str, Any]

# Groups of works by editions, and of authors by the years since their last book: from the least to the most.
_EDITIONS = (
    ("none", 0, 0),
    ("1", 1, 1),
    ("2 to 4", 2, 4),
    ("5 to 9", 5, 9),
    ("10 to 49", 10, 49),
    ("50 or more", 50, 1_000_000_000),
)
_QUIET_YEARS = (
    ("last 5 years", -1000, 4),
    ("5 to 9 years ago", 5, 9),
    ("10 to 19 years ago", 10, 19),
    ("20 or more years ago", 20, 10_000),
)
# As in sql/report/works.sql.
_WAYS_TO_AN_EBOOK = ("readable", "borrowable", "restricted", "none")
_KINDS_OF_CHANGE = ("added", "removed", "changed")
_LIKELY = 0.8
# In percent of the dated works. Nine in ten lie between them, however far off a stray record is.
_MIDDLE = (5, 95)
_MOST_AUTHORS, _MOST_NEWCOMERS, _MOST_PAIRS, _MOST_CHANGES = 1000, 15, 50, 100


def books_per_year(books: pa.Table) -> list[Row]:
    """Return the years in which dated works were first published, with how many."""
    dated = books.filter(_is(books["year_status"], "ok"))
    return [{"year": year, "books": number} for year, number in sorted(_tally(dated["first_publish_year"]).items())]


def middle_years(per_year: Sequence[Row]) -> list[Row]:
    """Return the years of the works at the 5th and the 95th percentile, by nearest rank; no row without a dated work.

    `per_year` is what `books_per_year` returns.
    """
    totals = list(accumulate(row["books"] for row in per_year))
    if not totals:
        return []
    ranks = (-(-percent * totals[-1] // 100) for percent in _MIDDLE)
    first, last = (per_year[bisect_left(totals, rank)]["year"] for rank in ranks)
    return [{"first": first, "last": last}]


def impossible_years(books: pa.Table) -> list[Row]:
    """Return the years that cannot be right, with how many works have each, those with most first."""
    found = _tally(books.filter(_is(books["year_status"], "implausible"))["first_publish_year"])
    return [{"year": year, "books": found[year]} for year in sorted(found, key=lambda year: (-found[year], year))]


def editions(books: pa.Table) -> list[Row]:
    """Return groups of works by how many editions Open Library knows of each; the last is of unknown ones, if any."""
    sizes = _tally(books["edition_count"].drop_null())
    groups: list[Row] = [{"label": label, "books": _between(sizes, least, most)} for label, least, most in _EDITIONS]
    unknown = books.num_rows - sum(group["books"] for group in groups)
    return [*groups, {"label": "unknown", "books": unknown}] if unknown else groups


def quality(books: pa.Table, averages: pa.Table) -> Row:
    """Return how much is missing or doubtful."""
    statuses, author_counts = _tally(books["year_status"]), _tally(books["author_count"])
    return {
        "works": books.num_rows,
        "without_title": books["title"].null_count + _number(_is(pc.utf8_trim_whitespace(books["title"]), "")),
        "without_author": author_counts[0],
        "year_missing": statuses["missing"],
        "year_implausible": statuses["implausible"],
        "without_edition": _tally(books["edition_count"])[0],
        "orphaned_editions": _number(pc.ends_with(books["work_key"], "M")),
        "authors_dated": averages.num_rows - averages["first_year"].null_count,
    }


def ebooks(works: pa.Table) -> list[Row]:
    """Return each way to an e-book with how many works have it."""
    ways = _tally(works["access"])
    return [{"access": way, "books": ways[way]} for way in _WAYS_TO_AN_EBOOK]


def concentration(works: pa.Table) -> list[Row]:
    """Return numbers of authors, the most productive first, with how many dated works are by at least one of them."""
    places = _tally(works["place"].filter(pc.is_valid(works["year"])))
    places.pop(None, None)
    ranked = sorted(places.items())
    totals = accumulate(number for _, number in ranked)
    return [{"authors": place, "books": total} for (place, _), total in zip(ranked, totals, strict=True)]


def newcomers(averages: pa.Table, year: int) -> list[Row]:
    """Return the ten years up to one, with the authors whose first dated book is of that year."""
    firsts = _tally(averages["first_year"])
    return [{"year": each, "newcomers": firsts[each]} for each in range(year - 9, year + 1)]


def newcomer_authors(averages: pa.Table, year: int) -> list[Row]:
    """Return authors whose first dated book is of the ten years up to one, those with most dated books first."""
    found = averages.filter(pc.is_in(averages["first_year"], pa.arange(year - 9, year + 1)))
    order = [("dated_book_count", "descending"), ("first_year", "descending"), ("author_key", "ascending")]
    first = found.sort_by(order).slice(0, _MOST_NEWCOMERS)
    return _rows(first, ("author_key", "author_name", "first_year", "dated_book_count"))


def author_activity(averages: pa.Table, year: int) -> list[Row]:
    """Return groups of authors by how many years before this one their last dated book is."""
    lasts = _tally(averages["last_year"])
    undated = lasts.pop(None, 0)
    quiet = Counter({year - last: number for last, number in lasts.items()})
    groups = [{"label": label, "authors": _between(quiet, least, most)} for label, least, most in _QUIET_YEARS]
    return [*groups, {"label": "no dated book", "authors": undated}]


def top_authors(averages: pa.Table, yearly_counts: pa.Table) -> list[Row]:
    """Return the most productive authors: totals, averages, and the years with a book beside their counts."""
    order = [("book_count", "descending"), ("dated_book_count", "descending"), ("author_key", "ascending")]
    top = averages.sort_by(order).slice(0, _MOST_AUTHORS)
    theirs = yearly_counts.filter(pc.is_in(yearly_counts["author_key"], top["author_key"]))
    years: dict[str, list[int]] = {key: [] for key in top["author_key"].to_pylist()}
    counts: dict[str, list[int]] = {key: [] for key in years}
    for row in _rows(theirs, ("author_key", "year", "book_count")):
        years[row["author_key"]].append(row["year"])
        counts[row["author_key"]].append(row["book_count"])
    shown = (
        "author_key",
        "author_name",
        "book_count",
        "dated_book_count",
        "avg_books_per_active_year",
        "avg_books_per_calendar_year",
        "first_year",
        "last_year",
    )
    return [
        {**row, "years": years[row["author_key"]], "counts": counts[row["author_key"]]} for row in _rows(top, shown)
    ]


def duplicates(kind: str, held: int, pairs: pa.Table) -> Row:
    """Return how many there are of a kind, and would be if the likely or all suspected pairs were merged."""
    likely = sum(number for score, number in _tally(pairs["score"]).items() if score >= _LIKELY)
    return {"kind": kind, "held": held, "without_likely": held - likely, "without_suspected": held - pairs.num_rows}


def surest_pairs(pairs: pa.Table, key: str) -> list[Row]:
    """Return the pairs that are the most alike, which have the highest scores."""
    return _rows(pairs.sort_by([("score", "descending"), (key, "ascending")]).slice(0, _MOST_PAIRS))


def changes(changed: pa.Table) -> list[Row]:
    """Return each kind of change with how many works it came to."""
    kinds = _tally(changed["change"])
    return [{"change": kind, "works": kinds[kind]} for kind in _KINDS_OF_CHANGE]


def changed_works(changed: pa.Table) -> list[Row]:
    """Return the first works of each kind of change."""
    return [
        row
        for kind in _KINDS_OF_CHANGE
        for row in _rows(changed.filter(_is(changed["change"], kind)).slice(0, _MOST_CHANGES))
    ]


def _tally(column: pa.ChunkedArray) -> Counter[Any]:
    """Return how often each value is there, nothing among them."""
    return Counter({found["values"]: found["counts"] for found in pc.value_counts(column).to_pylist()})


def _is(column: pa.ChunkedArray, text: str) -> pa.ChunkedArray:
    return pc.equal(column, texts([text])[0])


def _between(numbers: Counter[int], least: int, most: int) -> int:
    return sum(number for value, number in numbers.items() if least <= value <= most)


def _number(true: pa.ChunkedArray) -> int:
    """Return how many are true."""
    number: int = pc.sum(true, min_count=0).as_py()
    return number


def _rows(table: pa.Table, columns: Sequence[str] = ()) -> list[Row]:
    rows: list[Row] = (table.select(columns) if columns else table).to_pylist()
    return rows
