"""Findings: what the numbers of a subject tell, in sentences. None claims more than the data can show."""

from collections.abc import Callable, Iterator
from itertools import groupby

from openlib_assets.report.counts import Row
from openlib_assets.report.gaps import gaps
from openlib_assets.report.numbers import Numbers
from openlib_assets.report.words import FEW, count, counted, share


def findings(numbers: Numbers) -> list[str]:
    """Return the findings of a subject, the most telling first."""
    return [sentence for finding in _FINDINGS for sentence in finding(numbers)]


def half_of_books(numbers: Numbers) -> Row | None:
    """Return the fewest of the most productive authors who account for at least half of the dated books."""
    curve = numbers.rows["concentration"]
    return next((point for point in curve if 2 * point["books"] >= curve[-1]["books"]), None)


def _dated(numbers: Numbers) -> Iterator[str]:
    works, dated = numbers.summary["works"], numbers.summary["works_dated"]
    if not works:
        yield "No work of the subject can be used."
    elif dated == works:
        yield "Every work has a usable year of first publication."
    elif not dated:
        yield "No work has a usable year of first publication."
    else:
        yield (
            f"{_part(dated, works, 'work')} {_have(dated)} a usable year of first publication; "
            f"no count by year includes the other {count(works - dated)}."
        )


def _concentration(numbers: Numbers) -> Iterator[str]:
    half = half_of_books(numbers)
    authors = numbers.quality["authors_dated"]
    if half is None or authors < FEW:
        return
    yield (
        f"Half of the dated books that name an author are by {share(half['authors'], authors)} of the authors: "
        f"the {count(half['authors'])} most productive of {count(authors)}."
    )


def _most_productive(numbers: Numbers) -> Iterator[str]:
    authors = numbers.rows["top_authors"]
    most = max((author["book_count"] for author in authors), default=0)
    if most > 1:
        yield f"No author is listed on more than {count(most)} of the works."


def _decades(numbers: Numbers) -> Iterator[str]:
    years = numbers.rows["books_per_year"]
    if numbers.summary["works_dated"] < FEW:
        return
    decades = {
        decade: sum(year["books"] for year in group) for decade, group in groupby(years, lambda row: row["year"] // 10)
    }
    most = max(decades, key=lambda decade: (decades[decade], decade))
    yield (
        f"The decade with most first publications is the {most}0s: {count(decades[most])} books, "
        f"{share(decades[most], numbers.summary['works_dated'])} of those dated."
    )


def _growth(numbers: Numbers) -> Iterator[str]:
    recent, before = books_in_last_ten_years(numbers), books_in_ten_years_before(numbers)
    if min(recent, before) < FEW:
        return
    change = recent - before
    direction = (
        "as many as" if change == 0 else f"{share(abs(change), before)} {'more' if change > 0 else 'fewer'} than"
    )
    yield (
        f"{counted(recent, 'book')} are dated {numbers.year - 9} to {numbers.year}, {direction} in the ten years "
        "before. Open Library may not know of all recent books yet."
    )


def _newcomers(numbers: Numbers) -> Iterator[str]:
    newcomers = sum(row["newcomers"] for row in numbers.rows["newcomers"])
    authors = numbers.quality["authors_dated"]
    if authors:
        yield (
            f"{_part(newcomers, authors, 'author')} with a dated book {_have(newcomers)} their first one in the last "
            "ten years" + ("; they may have written on other subjects before." if newcomers else ".")
        )


def _ebooks(numbers: Numbers) -> Iterator[str]:
    if numbers.dump or not numbers.summary["works"]:  # a dump does not say
        return
    ways = {row["access"]: row["books"] for row in numbers.rows["ebooks"]}
    yield (
        f"{_part(ways['readable'] + ways['borrowable'], numbers.summary['works'], 'work')} can be read or borrowed "
        f"as an e-book at the Internet Archive: {count(ways['readable'])} by everybody, "
        f"{count(ways['borrowable'])} on loan."
    )


def _editions(numbers: Numbers) -> Iterator[str]:
    groups = {row["label"]: row["books"] for row in numbers.rows["editions"]}
    if groups["1"]:
        single = _part(groups["1"], numbers.summary["works"], "work")
        yield f"{single} {_have(groups['1'])} only one edition that Open Library knows."


def _duplicates(numbers: Numbers) -> Iterator[str]:
    works = numbers.rows["duplicates"][0]
    likely = works["held"] - works["without_likely"]
    if likely:
        yield (
            f"{counted(likely, 'work')} {'is' if likely == 1 else 'are'} probably the same book as another, by title "
            f"and author. Merged, there would be {counted(works['without_likely'], 'work')}. All counts here are Open "
            "Library's, not merged."
        )


def _changes(numbers: Numbers) -> Iterator[str]:
    if numbers.previous_snapshot is None:
        return
    kinds = {row["change"]: row["works"] for row in numbers.rows["changes"]}
    if not any(kinds.values()):
        yield "Nothing has changed since the snapshot before."
        return
    yield (
        f"Since the snapshot before: {counted(kinds['added'], 'work')} added, {count(kinds['removed'])} removed, "
        f"{count(kinds['changed'])} changed."
    )


def books_in_last_ten_years(numbers: Numbers) -> int:
    """Return how many books are dated in the year of the snapshot or the nine before."""
    return _books_between(numbers, numbers.year - 9, numbers.year)


def books_in_ten_years_before(numbers: Numbers) -> int:
    """Return how many books are dated in the ten years before those."""
    return _books_between(numbers, numbers.year - 19, numbers.year - 10)


def _books_between(numbers: Numbers, first: int, last: int) -> int:
    return sum(row["books"] for row in numbers.rows["books_per_year"] if first <= row["year"] <= last)


def _part(part: int, whole: int, thing: str) -> str:
    """Return what part of so many things, in words: in percent too, where they are not few."""
    text = f"{count(part)} of {counted(whole, thing)}"
    return f"{text} ({share(part, whole)})" if whole >= FEW else text


def _have(things: int) -> str:
    return "has" if things == 1 else "have"


_FINDINGS: tuple[Callable[[Numbers], Iterator[str]], ...] = (
    gaps,
    _concentration,
    _most_productive,
    _decades,
    _growth,
    _newcomers,
    _ebooks,
    _editions,
    _duplicates,
    _changes,
    _dated,
)
