"""The tables of the warehouse in plain Python: the truth that its SQL must equal cell by cell."""

from collections.abc import Iterable, Mapping
from typing import Any

from openlib_assets_tests.tools import reference
from openlib_assets_tests.tools.made_up_lake import Fetch, Tables

Row = dict[str, Any]


def warehouse(fetches: Iterable[Fetch], forgotten: Iterable[Row] = ()) -> Tables:
    """Compute all tables from the last fetches of subjects and, for the history, from those before them.

    `forgotten` are rows of the history whose snapshots are not there any more.
    """
    last = {fetched.subject: fetched for fetched in fetches}
    tables = {subject: fetched.tables for subject, fetched in last.items()}
    said_by = _who_has_the_say(last, tables)
    records = {
        _bare(record["key"]): record
        for subject, fetched in last.items()
        for record in fetched.records
        if said_by.get(_bare(record["key"])) == subject
    }
    # The works of all subjects, each once, are those of one large subject.
    union = reference.tables(
        records.values(),
        works_reported=len(said_by),
        fetched_at=max(fetched.fetched_at for fetched in last.values()),
        source="",
        documents=[
            document
            for subject, fetched in last.items()
            for document in fetched.documents
            if said_by.get(_bare(document["key"])) == subject
        ],
    )
    return {
        "subjects": sorted(
            (_subject(subject, tables[subject]["subject_summary"][0]) for subject in last), key=lambda r: r["subject"]
        ),
        "works": _works(last, tables, said_by),
        "work_subjects": [
            {"subject": subject, "work_key": book["work_key"]}
            for subject in sorted(last)
            for book in tables[subject]["books"]
        ],
        "authors": union["authors"],
        "work_authors": _work_authors(union["author_books"], records),
        "work_isbns": union["work_isbns"],
        "author_yearly_counts": union["author_yearly_counts"],
        "author_averages": union["author_averages"],
        "subject_author_yearly_counts": _by_subject(tables, "author_yearly_counts"),
        "stocking_list": _by_subject(tables, "stocking_list"),
        "order_list": _by_subject(tables, "order_list"),
        "subject_history": sorted(
            [*forgotten, *(row for fetched in last.values() for row in _history(fetched))],
            key=lambda row: (row["subject"], row["snapshot"]),
        ),
    }


def _who_has_the_say(last: Mapping[str, Fetch], tables: Mapping[str, Tables]) -> dict[str, str]:
    """Return the subject fetched last of all that list a work, the first by key of several, for each work."""
    found: dict[str, str] = {}
    for subject in sorted(last, key=lambda subject: (-last[subject].fetched_at.timestamp(), subject)):
        for book in tables[subject]["books"]:
            found.setdefault(book["work_key"], subject)
    return dict(sorted(found.items()))


def _works(last: Mapping[str, Fetch], tables: Mapping[str, Tables], said_by: Mapping[str, str]) -> list[Row]:
    books = {(subject, row["work_key"]): row for subject in last for row in tables[subject]["books"]}
    details = {(subject, row["work_key"]): row for subject in last for row in tables[subject]["work_details"]}
    orders = {(subject, row["work_key"]): row["isbn13"] for subject in last for row in tables[subject]["order_list"]}
    isbns: dict[tuple[str, str], list[str]] = {}
    for subject in last:
        for row in tables[subject]["work_isbns"]:
            isbns.setdefault((subject, row["work_key"]), []).append(row["isbn13"])
    return [
        {
            **books[subject, key],
            **{name: value for name, value in details[subject, key].items() if name != "work_key"},
            "isbn13": orders.get((subject, key)) or min(isbns.get((subject, key), []), default=None),
            "fetched_for": subject,
            "fetched_at": last[subject].fetched_at,
        }
        for key, subject in said_by.items()
    ]


def _work_authors(author_books: Iterable[Row], records: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    def name(row: Row) -> str | None:
        listed = records[row["work_key"]]["authors"][row["author_position"] - 1]
        return _utf8(listed.get("name"))

    return [{**row, "listed_name": name(row)} for row in author_books]


def _history(fetched: Fetch) -> list[Row]:
    rows = []
    here: Fetch | None = fetched
    while here:
        tables = here.tables
        books = {book["work_key"] for book in tables["books"]}
        before = {book["work_key"] for book in here.previous.tables["books"]} if here.previous else None
        rows.append(
            {
                "subject": here.subject,
                "snapshot": here.name,
                "fetched_at": here.fetched_at,
                "works": len(books),
                "works_dated": sum(book["year_status"] == "ok" for book in tables["books"]),
                "works_added": None if before is None else len(books - before),
                "works_removed": None if before is None else len(before - books),
            }
        )
        here = here.previous
    return rows


def _subject(subject: str, summary: Row) -> Row:
    kind, _, name = subject.rpartition(":")
    return {"subject": subject, "kind": kind or "subject", "name": name.replace("_", " "), **summary}


def _by_subject(tables: Mapping[str, Tables], name: str) -> list[Row]:
    return [{"subject": subject, **row} for subject in sorted(tables) for row in tables[subject][name]]


def _bare(key: str) -> str:
    return key.rpartition("/")[2]


def _utf8(text: str | None) -> str | None:
    """Put U+FFFD in place of each lone surrogate, which UTF-8 cannot hold."""
    return None if text is None else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
