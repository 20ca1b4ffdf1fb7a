"""Silver: works, authors, and who wrote what."""

import pyarrow as pa

from openlib_assets.lake.contract.columns import (
    AUTHOR_KEY,
    AUTHOR_NAME,
    BOOK_COUNT,
    FIRST_YEAR,
    LAST_YEAR,
    TEXT,
    WHOLE,
    WORK_KEY,
)
from openlib_assets.lake.contract.model import Check, Column, Layer, Table

# Bounds beyond which a check warns; a catalogue of printed books has some undated works, and few absurd years.
MOST_YEARS_MISSING = 0.5
MOST_YEARS_IMPLAUSIBLE = 0.05
# From this many works on, a subject without a single year is Open Library's outage of September 2022 again
# (openlibrary commit ddaf2821c4), not a property of the subject.
OUTAGE_WORKS = 20

# So many records may be set aside, or so large a share of them if that is more.
MOST_WORKS_REJECTED = 20
MOST_REJECTED = 0.01

_REJECTED = "SELECT (SELECT count(*) FROM raw_works) AS works, count(*) AS rejected FROM rejected_works"

REJECTED_WORKS = Table(
    "rejected_works",
    Layer.SILVER,
    "a work whose record cannot be used",
    purpose="Who looks after the data finds here what no other table counts, and why.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("position", WHOLE, "Place of the record in `raw_works`."),
        Column("reason", TEXT, "The first of its fields that cannot be used, and what it is not."),
        Column("payload", TEXT, "The record as received, as compact ASCII JSON."),
    ),
    made_from=("raw_works",),
    lineage={
        "work_key": ("raw_works.work_key",),
        "position": ("raw_works.position",),
        "reason": ("raw_works.payload",),
        "payload": ("raw_works.payload",),
    },
    columns_since=2,
    checks=(
        Check(
            "none_rejected",
            "Every record can be used.",
            _REJECTED,
            "rejected = 0",
            blocking=False,
        ),
        Check(
            "few_rejected",
            f"At most {MOST_WORKS_REJECTED} records cannot be used, or {MOST_REJECTED:.0%} of them if that is more.",
            _REJECTED,
            f"rejected <= greatest({MOST_WORKS_REJECTED}, {MOST_REJECTED} * works)",
        ),
    ),
)

BOOKS = Table(
    "books",
    Layer.SILVER,
    "a work of the subject",
    purpose="The list of books to search, filter and count; whatever is told by year starts here.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("title", TEXT, "Title; null where Open Library has none (it sends `__None__`).", nullable=True),
        Column(
            "first_publish_year",
            WHOLE,
            "Earliest year among the work's editions; never corrected.",
            nullable=True,
        ),
        Column(
            "year_status",
            TEXT,
            "`ok`: 1000 < year <= year of the snapshot + 1, Open Library's own rule in its publishing history; "
            "`missing`: no year; `implausible`: any other year. Only `ok` years are counted.",
        ),
        Column("edition_count", WHOLE, "Editions that Open Library knows of the work.", nullable=True),
        Column("author_count", WHOLE, "Distinct authors listed on the work."),
        Column("has_fulltext", pa.bool_(), "Whether Open Library has a scan of some edition.", nullable=True),
        Column("cover_id", WHOLE, "Number of the cover image; null without one, also sent as -1 or 0.", nullable=True),
        Column(
            "subjects",
            pa.list_(TEXT),
            "Subjects as editors typed them, in their order and with repeats; an empty list if there are none.",
        ),
    ),
    made_from=("raw_works", "rejected_works"),
    code_version="2",
    lineage={
        "work_key": ("raw_works.work_key",),
        "title": ("raw_works.payload",),
        "first_publish_year": ("raw_works.payload",),
        "year_status": ("raw_works.payload",),
        "edition_count": ("raw_works.payload",),
        "author_count": ("raw_works.payload",),
        "has_fulltext": ("raw_works.payload",),
        "cover_id": ("raw_works.payload",),
        "subjects": ("raw_works.payload",),
    },
    checks=(
        Check(
            "every_work_is_a_book",
            "There are as many books as works in the snapshot, less those that were set aside.",
            """
            SELECT (SELECT count(*) FROM raw_works) AS works,
                   (SELECT count(*) FROM rejected_works) AS rejected,
                   count(*) AS books
            FROM books
            """,
            "works = books + rejected",
        ),
        Check(
            "some_year_is_known",
            f"A subject of {OUTAGE_WORKS} works or more has some year; none at all means an outage of Open Library.",
            "SELECT count(*) AS works, count(first_publish_year) AS works_with_a_year FROM books",
            f"works_with_a_year > 0 OR works < {OUTAGE_WORKS}",
        ),
        Check(
            "years_are_plausible",
            f"At most {MOST_YEARS_MISSING:.0%} of the years are missing and {MOST_YEARS_IMPLAUSIBLE:.0%} implausible.",
            """
            SELECT count(*) AS works,
                   count(*) FILTER (WHERE year_status = 'missing') AS missing,
                   count(*) FILTER (WHERE year_status = 'implausible') AS implausible,
                   coalesce(missing / nullif(works, 0), 0) AS share_missing,
                   coalesce(implausible / nullif(works, 0), 0) AS share_implausible
            FROM books
            """,
            f"share_missing <= {MOST_YEARS_MISSING} AND share_implausible <= {MOST_YEARS_IMPLAUSIBLE}",
            blocking=False,
            apart=True,
        ),
    ),
)

AUTHOR_BOOKS = Table(
    "author_books",
    Layer.SILVER,
    "an author of a work",
    purpose="It joins books and authors.",
    key=("author_key", "work_key"),
    columns=(
        AUTHOR_KEY,
        WORK_KEY,
        Column(
            "author_position",
            WHOLE,
            "The author's place in the list as received, from 1; the first one if the author is listed twice.",
        ),
    ),
    made_from=("raw_works", "rejected_works"),
    code_version="2",
    lineage={
        "author_key": ("raw_works.payload",),
        "work_key": ("raw_works.work_key",),
        "author_position": ("raw_works.payload",),
    },
)

AUTHORS = Table(
    "authors",
    Layer.SILVER,
    "an author with at least one work in the subject",
    purpose="It tells who writes in the subject, how much, and from when to when.",
    key=("author_key",),
    columns=(AUTHOR_KEY, AUTHOR_NAME, BOOK_COUNT, FIRST_YEAR, LAST_YEAR),
    made_from=("raw_works", "rejected_works", "books", "author_books"),
    code_version="2",
    lineage={
        "author_key": ("author_books.author_key",),
        "author_name": ("raw_works.payload",),
        "book_count": ("author_books.work_key",),
        "first_year": ("books.first_publish_year", "books.year_status"),
        "last_year": ("books.first_publish_year", "books.year_status"),
    },
    checks=(
        Check(
            "every_pair_resolves",
            "Every author and every work of author_books exists in authors and books.",
            """
            SELECT count(*) AS pairs,
                   count(*) FILTER (WHERE author_key NOT IN (SELECT author_key FROM authors)) AS unknown_authors,
                   count(*) FILTER (WHERE work_key NOT IN (SELECT work_key FROM books)) AS unknown_works
            FROM author_books
            """,
            "unknown_authors = 0 AND unknown_works = 0",
        ),
        Check(
            "book_counts_add_up",
            "The authors' book counts add up to the pairs of author and work.",
            """
            SELECT coalesce(sum(book_count), 0)::BIGINT AS counted, (SELECT count(*) FROM author_books) AS pairs
            FROM authors
            """,
            "counted = pairs",
        ),
    ),
)
