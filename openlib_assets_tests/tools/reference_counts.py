"""What is counted of the works of a dump, in plain Python: part of the reference (`reference_catalogue.py`)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from openlib_assets_tests.tools.reference import WHITE_SPACE
from openlib_assets_tests.tools.reference_dump import SHELVES, Dump, Row, bare, text

_BURST_RATINGS = 100
_MOST_HOPS = 10


class Work(NamedTuple):
    """A work: its row of `catalogue_works`, and its distinct subjects as (type, key with prefix, as written)."""

    row: Row
    subjects: frozenset[tuple[str, str, str]]


def demand(dump: Dump) -> list[Row]:
    """`catalogue_demand`."""
    by_day = Counter(rating.day for rating in dump.ratings)
    fours = Counter(rating.day for rating in dump.ratings if rating.given == "4")
    bursts = {day for day, count in by_day.items() if count >= _BURST_RATINGS and 2 * fours[day] > count}
    stars: dict[str, list[int]] = defaultdict(list)
    for rating in dump.ratings:
        stars[rating.work].append(int(rating.given))
    in_bursts = Counter(rating.work for rating in dump.ratings if rating.day in bursts)
    shelved = Counter((entry.work, entry.given) for entry in dump.shelved)
    return [
        {
            "work_key": bare(work),
            "ratings_count": len(stars[work]),
            "ratings_average": sum(stars[work]) / len(stars[work]) if stars[work] else None,
            "burst_ratings_count": in_bursts[work],
            **{shelf.lower().replace(" ", "_"): shelved[work, shelf] for shelf in SHELVES},
        }
        for work in sorted({*stars, *(work for work, _ in shelved)})
    ]


def subjects(works: Iterable[Work], earlier: Iterable[Row] | None) -> list[Row]:
    """`catalogue_subjects`; `earlier` are the works of the dump before."""
    known = None if earlier is None else {row["work_key"] for row in earlier}
    votes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    having: dict[tuple[str, str], set[str]] = defaultdict(set)
    for work in works:
        for subject_type, key, written in work.subjects:
            votes[key, subject_type][written] += 1
            having[key, subject_type].add(work.row["work_key"])
    return [
        {
            "subject": key,
            "subject_type": subject_type,
            "name": min(spellings, key=lambda written: (-spellings[written], written)),
            "works": len(having[key, subject_type]),
            "new_works": None if known is None else len(having[key, subject_type] - known),
        }
        for (key, subject_type), spellings in sorted(votes.items())
    ]


def works_by_author(works: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """The works that list each author, authors by key."""
    books: dict[str, list[Row]] = defaultdict(list)
    for row in works:
        for author_key in set(row["author_keys"]):
            books[author_key].append(row)
    return sorted(books.items())


def unless_blank(name: str | None) -> str | None:
    """A name, null where there is nothing in it but white space."""
    return name if name and name.strip(WHITE_SPACE) else None


def _ok_years(books: Iterable[Row]) -> list[int]:
    return [book["first_publish_year"] for book in books if book["year_status"] == "ok"]


def author_yearly_counts(names: Mapping[str, str | None], by_author: Iterable[tuple[str, list[Row]]]) -> list[Row]:
    """`catalogue_author_yearly_counts`."""
    return [
        {"author_key": author_key, "author_name": names[author_key], "year": year, "book_count": book_count}
        for author_key, books in by_author
        for year, book_count in sorted(Counter(_ok_years(books)).items())
    ]


def author_averages(names: Mapping[str, str | None], by_author: Iterable[tuple[str, list[Row]]]) -> list[Row]:
    """`catalogue_author_averages`."""
    rows = []
    for author_key, books in by_author:
        years = _ok_years(books)
        active_years = len(set(years))
        span_years = max(years) - min(years) + 1 if years else None
        rows.append(
            {
                "author_key": author_key,
                "author_name": names[author_key],
                "book_count": len(books),
                "dated_book_count": len(years),
                "first_year": min(years, default=None),
                "last_year": max(years, default=None),
                "active_years": active_years,
                "span_years": span_years,
                "avg_books_per_active_year": len(years) / active_years if active_years else None,
                "avg_books_per_calendar_year": len(years) / span_years if span_years else None,
            }
        )
    return rows


def changes(earlier: Iterable[Row], later: Iterable[Row], dump: Dump, previous: str, current: str) -> list[Row]:
    """`catalogue_changes`, from the works of the dump of the date `previous` to those of `current`, which is `dump`."""
    before = {row["work_key"]: row for row in earlier}
    now = {row["work_key"]: row for row in later}
    works = {_full(key): key for key in now}
    locations = {key: location for key, record in dump.redirects if (location := text(record.get("location")))}
    return [
        {
            "work_key": key,
            "title": (now.get(key) or before[key])["title"],
            "change": "added" if key not in before else "changed" if key in now else "removed",
            "merged_into": None if key in now else _end_of_redirects(key, locations, works),
            "previous_dump": previous,
            "current_dump": current,
        }
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def _end_of_redirects(work_key: str, locations: Mapping[str, str], works: Mapping[str, str]) -> str | None:
    """The work that a removed one was merged into, if it was."""
    key = _full(work_key)
    for _ in range(_MOST_HOPS):
        key = locations.get(key, key)
    return None if key in locations else works.get(key)


def _full(work_key: str) -> str:
    """`OL45804W` becomes `/works/OL45804W`, and `OL7M`, an orphan, `/books/OL7M`."""
    return f"/works/{work_key}" if work_key.endswith("W") else f"/books/{work_key}"
