"""Every table of a subject in plain Python: the truth that the SQL must equal cell by cell.

Written from the data contract alone, with the standard library only and nothing of the package under test.
"Rule" means a numbered rule of the contract.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from openlib_assets_tests.tools import reference_orders
from openlib_assets_tests.tools.reference_details import work_details, work_isbns
from openlib_assets_tests.tools.reference_duplicates import possible_duplicate_books, possible_same_authors

Row = dict[str, Any]
Record = Mapping[str, Any]

# The columns of each table, in the contract's order.
COLUMNS = {
    "rejected_works": "work_key position reason payload",
    "books": "work_key title first_publish_year year_status edition_count author_count has_fulltext cover_id subjects",
    "authors": "author_key author_name book_count first_year last_year",
    "author_books": "author_key work_key author_position",
    "possible_same_authors": "author_key author_name into_author_key into_author_name rule score",
    "possible_duplicate_books": "work_key title into_work_key into_title rule score",
    "work_isbns": "work_key isbn13",
    "work_details": (
        "work_key subtitle languages publishers formats pages_median ratings_average ratings_count want_to_read "
        "currently_reading already_read ebook_access isbn_count"
    ),
    "author_yearly_counts": "author_key author_name year book_count",
    "author_averages": (
        "author_key author_name book_count dated_book_count first_year last_year active_years span_years "
        "avg_books_per_active_year avg_books_per_calendar_year"
    ),
    "subject_summary": (
        "works_reported works works_rejected works_dated works_year_missing works_year_implausible "
        "works_without_author "
        "authors first_year last_year fetched_at source proven_by window_seconds"
    ),
    "subject_changes": "work_key title change previous_snapshot current_snapshot",
    "stocking_list": (
        "rank work_key title author_names year languages demand recency author no_free score in_store duplicate_of "
        "reason"
    ),
    "order_list": ("rank work_key edition_key isbn13 title author_names publisher publish_date language score reason"),
}

# The property White_Space of Unicode. `str.isspace` also holds for U+001C to U+001F, which do not have it.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Snapshot(NamedTuple):
    """A fetch: its work records (each work once, any order), when it ended, an aware datetime, and its name.

    Without a name it has that of the time.
    """

    records: Iterable[Record]
    fetched_at: datetime
    name: str | None = None


def tables(
    records: Iterable[Record],
    *,
    works_reported: int,
    fetched_at: datetime,
    source: str,
    proven_by: str = "list of keys",
    name: str | None = None,
    previous: Snapshot | None = None,
    documents: Iterable[Record] = (),
) -> dict[str, list[Row]]:
    """Compute all tables from a subject's work records (each work once, any order) and facts of the fetch.

    `documents` are what the search says of works, none where it was not asked. `fetched_at` is an aware datetime,
    `name` the snapshot's where it is not this time, `previous` the fetch before. The columns of a row stand in the
    contract's order.
    """
    received = sorted(records, key=lambda record: record["key"])
    rejected = [
        {
            "work_key": _bare(record["key"]),
            "position": position,
            "reason": reason,
            "payload": json.dumps(record, separators=(",", ":")),
        }
        for position, record in enumerate(received)
        if (reason := rejection(record))
    ]
    works = _usable(received)
    fetched_at = fetched_at.astimezone(UTC)
    books = _books(works, snapshot_year=fetched_at.year)
    author_books = _author_books(works)
    names = _author_names(works)
    books_by_author = _books_by_author(books, author_books)
    authors = _authors(names, books_by_author)
    documents = list(documents)
    keys = [book["work_key"] for book in books]
    isbns = work_isbns(documents, keys)
    details = work_details(documents, keys, isbns)
    same_authors = possible_same_authors(books, author_books, authors)
    duplicates = possible_duplicate_books(books, author_books, same_authors)
    return {
        "rejected_works": rejected,
        "books": books,
        "authors": authors,
        "author_books": author_books,
        "possible_same_authors": same_authors,
        "possible_duplicate_books": duplicates,
        "work_isbns": isbns,
        "work_details": details,
        "author_yearly_counts": _author_yearly_counts(names, books_by_author),
        "author_averages": _author_averages(names, books_by_author),
        "subject_summary": [
            {
                "works_reported": works_reported,
                "works": len(books),
                "works_rejected": len(rejected),
                "works_dated": _count_status(books, "ok"),
                "works_year_missing": _count_status(books, "missing"),
                "works_year_implausible": _count_status(books, "implausible"),
                "works_without_author": sum(book["author_count"] == 0 for book in books),
                "authors": len(names),
                "first_year": min(_ok_years(books), default=None),
                "last_year": max(_ok_years(books), default=None),
                "fetched_at": fetched_at,
                "source": source,
                "proven_by": proven_by,
                "window_seconds": 0,
            }
        ],
        "subject_changes": _subject_changes(Snapshot(works, fetched_at, name), previous) if previous else [],
        "stocking_list": reference_orders.stocking_list(
            books=books,
            authors=authors,
            author_books=author_books,
            duplicates=duplicates,
            details=details,
            this_year=fetched_at.year,
        ),
    }


def rejection(record: Record) -> str | None:
    """The first reason for which a record cannot be used; none where it can."""
    if not isinstance(record.get("title"), str | None):
        return "title is not a text"
    for name in ("first_publish_year", "edition_count", "cover_id"):
        if record.get(name) is not None and _whole(record[name]) is None:
            return f"{name} is not a whole number"
    if not isinstance(record.get("has_fulltext"), bool | None):
        return "has_fulltext is not true or false"
    for name, of, takes in (("subject", "texts", _is_subject), ("authors", "authors", _is_author)):
        listed = record.get(name)
        if listed is not None and not (isinstance(listed, list) and all(one is None or takes(one) for one in listed)):
            return f"{name} is not a list of {of}"
    return None


def _whole(value: object) -> int | None:
    """A whole number of 64 bits, also as a text of digits, or as a real below 10^15 with nothing behind its point."""
    if isinstance(value, str) and re.fullmatch("-?[0-9]{1,18}", value):
        return int(value)
    if isinstance(value, float) and abs(value) < 1e15 and value == int(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None


def _is_subject(value: object) -> bool:
    return isinstance(value, str)


def _is_author(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str | None):
        return False
    if value.get("key") is None:
        return bool(value.get("name"))
    return isinstance(value["key"], str) and re.fullmatch("/authors/OL[0-9]+A", value["key"]) is not None


def _usable(records: Iterable[Record]) -> list[Record]:
    """The records that can be used, with whole numbers as such, and without what says nothing."""
    return [
        {
            **record,
            **{name: _whole(record.get(name)) for name in ("first_publish_year", "edition_count")},
            "cover_id": cover if (cover := _whole(record.get("cover_id"))) and cover > 0 else None,
            "subject": [subject for subject in record.get("subject") or [] if subject is not None],
        }
        for record in records
        if rejection(record) is None
    ]


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as the CSV of rule 8."""
    lines = [columns, *([_csv_field(row[column]) for column in columns] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def _books(works: Iterable[Record], *, snapshot_year: int) -> list[Row]:
    """Rule 1: each work is a row, whatever it lacks."""
    rows = []
    for work in works:
        title = work.get("title")
        year = work.get("first_publish_year")
        rows.append(
            {
                "work_key": _bare(work["key"]),
                "title": None if title is None or title == "__None__" else _utf8(title),
                "first_publish_year": year,
                "year_status": _year_status(year, snapshot_year),
                "edition_count": work.get("edition_count"),
                "author_count": len(_first_places(work)),
                "has_fulltext": work.get("has_fulltext"),
                "cover_id": work.get("cover_id"),
                "subjects": [_utf8(subject) for subject in work.get("subject") or []],
            }
        )
    return sorted(rows, key=lambda row: row["work_key"])


def _year_status(year: int | None, snapshot_year: int) -> str:
    """Rule 2."""
    if year is None:
        return "missing"
    if 1000 < year <= snapshot_year + 1:
        return "ok"
    return "implausible"


def _first_places(work: Record) -> dict[str, tuple[int, str]]:
    """Rule 3: the distinct authors of a work, each with the position and the name at their first place."""
    places: dict[str, tuple[int, str]] = {}
    for position, author in enumerate(work.get("authors") or [], start=1):
        if author is None or author.get("key") is None:
            continue
        author_key = _bare(author["key"])
        if author_key not in places:
            places[author_key] = (position, _utf8(author.get("name") or ""))
    return places


def _author_books(works: Iterable[Record]) -> list[Row]:
    rows = [
        {"author_key": author_key, "work_key": _bare(work["key"]), "author_position": position}
        for work in works
        for author_key, (position, _) in _first_places(work).items()
    ]
    return sorted(rows, key=lambda row: (row["author_key"], row["work_key"]))


def _author_names(works: Iterable[Record]) -> dict[str, str | None]:
    """Rule 4: each work gives one vote to the name at the author's first place there, unless it is blank."""
    votes: dict[str, Counter[str]] = {}
    for work in works:
        for author_key, (_, name) in _first_places(work).items():
            author_votes = votes.setdefault(author_key, Counter())
            if name.strip(WHITE_SPACE) != "":
                author_votes[name] += 1
    return {author_key: _elected(author_votes) for author_key, author_votes in votes.items()}


def _elected(votes: Counter[str]) -> str | None:
    """Rule 4: most votes first, then the smallest by code point; none without a vote."""
    most = max(votes.values(), default=0)
    return min((name for name, count in votes.items() if count == most), default=None)


def _books_by_author(books: list[Row], author_books: list[Row]) -> dict[str, list[Row]]:
    """The books of each author, authors by key."""
    book_by_key = {book["work_key"]: book for book in books}
    books_by_author: dict[str, list[Row]] = {}
    for row in author_books:
        books_by_author.setdefault(row["author_key"], []).append(book_by_key[row["work_key"]])
    return books_by_author


def _authors(names: Mapping[str, str | None], books_by_author: Mapping[str, list[Row]]) -> list[Row]:
    return [
        {
            "author_key": author_key,
            "author_name": names[author_key],
            "book_count": len(own_books),
            "first_year": min(_ok_years(own_books), default=None),
            "last_year": max(_ok_years(own_books), default=None),
        }
        for author_key, own_books in books_by_author.items()
    ]


def _author_yearly_counts(names: Mapping[str, str | None], books_by_author: Mapping[str, list[Row]]) -> list[Row]:
    """Rule 5: only years with a book have a row."""
    return [
        {
            "author_key": author_key,
            "author_name": names[author_key],
            "year": year,
            "book_count": book_count,
        }
        for author_key, own_books in books_by_author.items()
        for year, book_count in sorted(Counter(_ok_years(own_books)).items())
    ]


def _author_averages(names: Mapping[str, str | None], books_by_author: Mapping[str, list[Row]]) -> list[Row]:
    """Rule 6."""
    rows = []
    for author_key, own_books in books_by_author.items():
        years = _ok_years(own_books)
        active_years = len(set(years))
        span_years = max(years) - min(years) + 1 if years else None
        rows.append(
            {
                "author_key": author_key,
                "author_name": names[author_key],
                "book_count": len(own_books),
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


def _subject_changes(current: Snapshot, previous: Snapshot) -> list[Row]:
    """Rule 10."""
    now, before = _compared(current), _compared(previous)
    rows = []
    for work_key in sorted(now.keys() | before.keys()):
        if _is_same(now.get(work_key), before.get(work_key)):
            continue
        book, _ = now.get(work_key) or before[work_key]
        rows.append(
            {
                "work_key": work_key,
                "title": book["title"],
                "change": "added" if work_key not in before else "changed" if work_key in now else "removed",
                "previous_snapshot": _name(previous),
                "current_snapshot": _name(current),
            }
        )
    return rows


def _name(snapshot: Snapshot) -> str:
    return snapshot.name or snapshot.fetched_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _is_same(now: tuple[Row, list[str]] | None, before: tuple[Row, list[str]] | None) -> bool:
    """Whether nothing made a difference; a text online that one of two does not know of makes none."""
    if now is None or before is None:
        return False
    known = None not in (now[0]["has_fulltext"], before[0]["has_fulltext"])
    return now == before if known else now == ({**before[0], "has_fulltext": now[0]["has_fulltext"]}, before[1])


def _compared(snapshot: Snapshot) -> dict[str, tuple[Row, list[str]]]:
    """What makes a difference: the book, and the authors as listed."""
    works = _usable(snapshot.records)
    listed = {
        _bare(work["key"]): [_bare(one["key"]) for one in work.get("authors") or [] if one and one.get("key")]
        for work in works
    }
    books = _books(works, snapshot_year=snapshot.fetched_at.year)
    return {book["work_key"]: (book, listed[book["work_key"]]) for book in books}


def _count_status(books: list[Row], status: str) -> int:
    return sum(book["year_status"] == status for book in books)


def _ok_years(books: list[Row]) -> list[int]:
    """Rule 2: only these years count."""
    return [book["first_publish_year"] for book in books if book["year_status"] == "ok"]


def _bare(key: str) -> str:
    """`/works/OL27448W` becomes `OL27448W`, `/authors/OL26320A` becomes `OL26320A`."""
    return key.rpartition("/")[2]


def _utf8(text: str) -> str:
    """Put U+FFFD in place of each lone surrogate, which UTF-8 cannot hold; a pair is one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _csv_field(value: object) -> str:
    """Rule 8: the text of one field; an empty text is quoted, so that it differs from null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    text = " | ".join(value) if isinstance(value, list) else str(value)
    if text == "" or any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
