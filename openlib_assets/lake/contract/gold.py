"""Gold: counts of authors and of the subject."""

import pyarrow as pa

from openlib_assets.lake.contract.columns import (
    AUTHOR_KEY,
    AUTHOR_NAME,
    BOOK_COUNT,
    FIRST_YEAR,
    LAST_YEAR,
    REAL,
    TEXT,
    WHOLE,
    WORK_KEY,
)
from openlib_assets.lake.contract.model import Check, Column, Layer, Table
from openlib_assets.lake.contract.silver import BOOKS

AUTHOR_YEARLY_COUNTS = Table(
    "author_yearly_counts",
    Layer.GOLD,
    "an author and a year in which they have at least one book",
    purpose="It answers how many books each author published in each year.",
    key=("author_key", "year"),
    columns=(
        AUTHOR_KEY,
        AUTHOR_NAME,
        Column("year", WHOLE, "Year of first publication; only years with status `ok`."),
        Column("book_count", WHOLE, "Distinct works of the author first published in that year."),
    ),
    made_from=("books", "authors", "author_books"),
    lineage={
        "author_key": ("author_books.author_key",),
        "author_name": ("authors.author_name",),
        "year": ("books.first_publish_year",),
        "book_count": ("author_books.work_key",),
    },
    checks=(
        Check(
            "counts_add_up_to_dated_pairs",
            "The yearly counts add up to the pairs of author and dated work.",
            """
            SELECT coalesce(sum(book_count), 0)::BIGINT AS counted,
                   (SELECT count(*) FROM author_books JOIN books USING (work_key)
                    WHERE year_status = 'ok') AS dated_pairs
            FROM author_yearly_counts
            """,
            "counted = dated_pairs",
        ),
    ),
)

AUTHOR_AVERAGES = Table(
    "author_averages",
    Layer.GOLD,
    "an author",
    purpose="It answers how many books an author publishes a year on average, and ranks authors by it.",
    key=("author_key",),
    columns=(
        AUTHOR_KEY,
        AUTHOR_NAME,
        BOOK_COUNT,
        Column("dated_book_count", WHOLE, "How many of them have a year with status `ok`."),
        FIRST_YEAR,
        LAST_YEAR,
        Column("active_years", WHOLE, "Years in which the author has at least one dated work."),
        Column("span_years", WHOLE, "last_year - first_year + 1; null without a dated work.", nullable=True),
        Column(
            "avg_books_per_active_year",
            REAL,
            "dated_book_count / active_years: works per year with a work; null without a dated work.",
            nullable=True,
        ),
        Column(
            "avg_books_per_calendar_year",
            REAL,
            "dated_book_count / span_years: works per year, from the first to the last; null without a dated work.",
            nullable=True,
        ),
    ),
    made_from=("authors", "author_yearly_counts"),
    lineage={
        "author_key": ("authors.author_key",),
        "author_name": ("authors.author_name",),
        "book_count": ("authors.book_count",),
        "dated_book_count": ("author_yearly_counts.book_count",),
        "first_year": ("authors.first_year",),
        "last_year": ("authors.last_year",),
        "active_years": ("author_yearly_counts.year",),
        "span_years": ("authors.first_year", "authors.last_year"),
        "avg_books_per_active_year": ("author_yearly_counts.book_count", "author_yearly_counts.year"),
        "avg_books_per_calendar_year": ("author_yearly_counts.book_count", "authors.first_year", "authors.last_year"),
    },
    checks=(
        Check(
            "every_author_has_an_average",
            "There are as many rows as authors.",
            "SELECT (SELECT count(*) FROM authors) AS authors, count(*) AS rows FROM author_averages",
            "authors = rows",
        ),
    ),
)

SUBJECT_SUMMARY = Table(
    "subject_summary",
    Layer.GOLD,
    "the subject",
    purpose="It tells how large the subject is and how complete its data are; report and comparison begin with it.",
    key=("source",),
    columns=(
        Column("works_reported", WHOLE, "Works that Open Library listed, or counted, in proof of the fetch."),
        Column("works", WHOLE, "Works that can be used: rows of `books`."),
        Column("works_rejected", WHOLE, "Works whose record cannot be used: rows of `rejected_works`."),
        Column("works_dated", WHOLE, "Works whose year has status `ok`."),
        Column("works_year_missing", WHOLE, "Works without a year."),
        Column("works_year_implausible", WHOLE, "Works whose year is implausible."),
        Column("works_without_author", WHOLE, "Works that list no author."),
        Column("authors", WHOLE, "Distinct authors."),
        Column("first_year", WHOLE, "First year of dated works; null without one.", nullable=True),
        Column("last_year", WHOLE, "Last year of dated works; null without one.", nullable=True),
        Column("fetched_at", pa.timestamp("us", "UTC"), "When the fetch of the snapshot ended."),
        Column("source", TEXT, "Where the snapshot was fetched from (URL)."),
        Column(
            "proven_by",
            TEXT,
            "What the works read were compared with: `list of keys`, or a `second reading of the pages`; null for a "
            "snapshot of an earlier release.",
            nullable=True,
        ),
        Column(
            "window_seconds",
            WHOLE,
            "0: the works are those of one moment. Otherwise each was listed at some time within so many seconds; null "
            "for a snapshot of an earlier release.",
            nullable=True,
        ),
    ),
    made_from=("raw_works", "rejected_works", "books", "authors"),
    lineage={
        "works": ("books.work_key",),
        "works_rejected": ("rejected_works.work_key",),
        "works_dated": ("books.year_status",),
        "works_year_missing": ("books.year_status",),
        "works_year_implausible": ("books.year_status",),
        "works_without_author": ("books.author_count",),
        "authors": ("authors.author_key",),
        "first_year": ("books.first_publish_year", "books.year_status"),
        "last_year": ("books.first_publish_year", "books.year_status"),
    },
    columns_since=2,
    code_version="2",
    checks=(
        Check(
            "holds_what_was_reported",
            "The works, and those whose record cannot be used, are as many as Open Library listed.",
            "SELECT works_reported, works, works_rejected FROM subject_summary",
            "works + works_rejected = works_reported",
        ),
        Check(
            "year_statuses_add_up",
            "Dated, missing and implausible years add up to the works.",
            """
            SELECT works, works_dated + works_year_missing + works_year_implausible AS works_by_status
            FROM subject_summary
            """,
            "works = works_by_status",
        ),
    ),
)

SUBJECT_CHANGES = Table(
    "subject_changes",
    Layer.GOLD,
    "a work that was added, removed or changed since the snapshot before",
    purpose="It tells those who follow the subject what is new.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("title", TEXT, "Title now, or the last title of a removed work; null without one.", nullable=True),
        Column(
            "change",
            TEXT,
            "`added`, `removed`, or `changed`: any column of books or the ordered list of authors differs, "
            "has_fulltext only where both snapshots know it.",
        ),
        Column("previous_snapshot", TEXT, "Name of the snapshot before: the end of its fetch (YYYYMMDDTHHMMSSZ)."),
        Column("current_snapshot", TEXT, "Name of the snapshot that the tables are made from."),
    ),
    made_from=("raw_works", "rejected_works", "books"),
    code_version="3",
    lineage={
        "work_key": ("books.work_key", "raw_works.work_key"),
        "title": ("books.title", "raw_works.payload"),
        "change": (*(f"books.{column.name}" for column in BOOKS.columns), "raw_works.payload"),
    },
    looks_back=True,
    checks=(
        Check(
            "changes_add_up",
            "The works before, plus those added, minus those removed, are the works now.",
            """
            SELECT CASE WHEN EXISTS (FROM previous_snapshot) THEN (SELECT count(*) FROM previous_books) END
                       AS works_before,
                   count(*) FILTER (WHERE change = 'added') AS added,
                   count(*) FILTER (WHERE change = 'removed') AS removed,
                   (SELECT count(*) FROM books) AS works
            FROM subject_changes
            """,
            "works_before IS NULL OR works_before + added - removed = works",
        ),
    ),
)
