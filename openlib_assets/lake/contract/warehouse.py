"""The warehouse: one star schema over all subjects, in which a work, and an author, is there once.

A column that a table of a subject has, too, is the same here; `subject` is a plain column.
"""

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from openlib_assets.lake.contract.columns import (
    AUTHOR_NAME,
    BOOK_COUNT,
    TEXT,
    WORK_KEY,
)
from openlib_assets.lake.contract.details import WORK_DETAILS, WORK_ISBNS
from openlib_assets.lake.contract.gold import AUTHOR_AVERAGES, AUTHOR_YEARLY_COUNTS, SUBJECT_SUMMARY
from openlib_assets.lake.contract.model import Check, Column, Layer, Reference, Table
from openlib_assets.lake.contract.silver import AUTHOR_BOOKS, AUTHORS, BOOKS
from openlib_assets.lake.contract.stocking import ORDER_LIST

SUBJECT = Column("subject", TEXT, "Open Library's key of the subject, such as science_fiction or place:france.")
FETCHED_AT = Column("fetched_at", pa.timestamp("us", "UTC"), "When the fetch ended that the row is of.")
_AUTHOR_NAME = replace(
    AUTHOR_NAME,
    description="The author's most frequent non-blank name among their works of all subjects, one vote per work; ties "
    "go to the smallest by code point. Null if every name is blank.",
)
_BOOK_COUNT = replace(BOOK_COUNT, description="Works of all subjects that list the author, dated or not.")
# Of these, books has the key, too.
_DETAILS = WORK_DETAILS.columns[1:]


def as_in(table: Table, columns: Iterable[Column] | None = None) -> dict[str, tuple[str, ...]]:
    """Return the lineage of columns that are those of a table, all or some."""
    return {column.name: (f"{table.name}.{column.name}",) for column in columns or table.columns}


def _nullable(columns: Iterable[Column]) -> tuple[Column, ...]:
    return tuple(replace(column, nullable=True) for column in columns)


def _over_all_subjects(columns: Iterable[Column]) -> tuple[Column, ...]:
    others = {AUTHOR_NAME.name: _AUTHOR_NAME, BOOK_COUNT.name: _BOOK_COUNT}
    return tuple(others.get(column.name, column) for column in columns)


WAREHOUSE_SUBJECTS = Table(
    "subjects",
    Layer.WAREHOUSE,
    "a subject that is fetched",
    purpose="It tells what the other tables are over, how large each subject is and how fresh.",
    by_subject=False,
    key=("subject",),
    columns=(
        SUBJECT,
        Column("kind", TEXT, "`subject`, `place`, `person` or `time`: what the key begins with."),
        Column("name", TEXT, "The key as people write it, without its kind."),
        *SUBJECT_SUMMARY.columns,
    ),
    made_from=(SUBJECT_SUMMARY.name,),
    lineage=as_in(SUBJECT_SUMMARY),
)

WORKS = Table(
    "works",
    Layer.WAREHOUSE,
    "a work, however many subjects list it",
    purpose="The list of all books, each once, as the subject saw it that was fetched last, with what the search says.",
    by_subject=False,
    key=("work_key",),
    columns=(
        *BOOKS.columns,
        *_nullable(_DETAILS),
        Column(
            "isbn13",
            TEXT,
            "The ISBN to find it by: that of the edition to order, if the subject's order list has one, else the "
            "smallest; null without any.",
            nullable=True,
        ),
        Column("fetched_for", TEXT, "The subject whose fetch the row is of: the last of those that list it."),
        FETCHED_AT,
    ),
    references=(Reference(("fetched_for",), WAREHOUSE_SUBJECTS),),
    made_from=(BOOKS.name, WORK_DETAILS.name, WORK_ISBNS.name, SUBJECT_SUMMARY.name, ORDER_LIST.name),
    lineage={
        **as_in(BOOKS),
        **as_in(WORK_DETAILS, _DETAILS),
        "isbn13": (f"{WORK_ISBNS.name}.isbn13", f"{ORDER_LIST.name}.isbn13"),
        "fetched_at": (f"{SUBJECT_SUMMARY.name}.fetched_at",),
    },
)

WORK_SUBJECTS = Table(
    "work_subjects",
    Layer.WAREHOUSE,
    "a subject of a work, of the subjects that are fetched",
    purpose="It joins works and subjects.",
    by_subject=False,
    key=("subject", "work_key"),
    columns=(SUBJECT, WORK_KEY),
    references=(Reference(("subject",), WAREHOUSE_SUBJECTS), Reference(("work_key",), WORKS)),
    made_from=(BOOKS.name,),
    lineage=as_in(BOOKS, [WORK_KEY]),
    checks=(
        Check(
            "subjects_add_up",
            "Each subject has as many works as its summary says.",
            """
            SELECT (SELECT coalesce(sum(works), 0)::BIGINT FROM subjects) AS works, count(*) AS listed,
                   (
                       SELECT count(*)
                       FROM subjects
                       WHERE works <> (
                           SELECT count(*) FROM work_subjects WHERE work_subjects.subject = subjects.subject
                       )
                   ) AS subjects_that_differ
            FROM work_subjects
            """,
            "works = listed AND subjects_that_differ = 0",
        ),
        Check(
            "every_work_has_a_subject",
            "Every work is of a subject.",
            "SELECT (SELECT count(*) FROM works) AS works, count(DISTINCT work_key) AS listed FROM work_subjects",
            "works = listed",
        ),
    ),
)

WAREHOUSE_AUTHORS = Table(
    "authors",
    Layer.WAREHOUSE,
    "an author with at least one work in any subject",
    purpose="It tells who writes, how much, and from when to when: each author once, under one name.",
    by_subject=False,
    key=("author_key",),
    columns=_over_all_subjects(AUTHORS.columns),
    made_from=("raw_works", BOOKS.name, AUTHOR_BOOKS.name),
    lineage=AUTHORS.lineage,
    same_sql_as=AUTHORS,
)

WORK_AUTHORS = Table(
    "work_authors",
    Layer.WAREHOUSE,
    "an author of a work",
    purpose="It joins works and authors.",
    by_subject=False,
    key=("author_key", "work_key"),
    columns=(
        *AUTHOR_BOOKS.columns,
        Column("listed_name", TEXT, "The author's name as the work lists it; may be null or blank.", nullable=True),
    ),
    references=(Reference(("author_key",), WAREHOUSE_AUTHORS), Reference(("work_key",), WORKS)),
    made_from=("raw_works", AUTHOR_BOOKS.name),
    lineage={**as_in(AUTHOR_BOOKS), "listed_name": ("raw_works.payload",)},
    checks=(
        Check(
            "book_counts_add_up",
            "The authors' book counts add up to the pairs of author and work.",
            """
            SELECT (SELECT coalesce(sum(book_count), 0)::BIGINT FROM authors) AS counted, count(*) AS pairs
            FROM work_authors
            """,
            "counted = pairs",
        ),
        Check(
            "author_counts_add_up",
            "The works' numbers of authors add up to the pairs of author and work.",
            """
            SELECT (SELECT coalesce(sum(author_count), 0)::BIGINT FROM works) AS counted, count(*) AS pairs
            FROM work_authors
            """,
            "counted = pairs",
        ),
    ),
)

WAREHOUSE_ISBNS = Table(
    "work_isbns",
    Layer.WAREHOUSE,
    "an ISBN-13 of a work",
    purpose="It finds a work by any of its ISBNs; one that several works claim is kept with each.",
    by_subject=False,
    key=("work_key", "isbn13"),
    columns=WORK_ISBNS.columns,
    references=(Reference(("work_key",), WORKS),),
    made_from=(WORK_ISBNS.name,),
    lineage=as_in(WORK_ISBNS),
)

WAREHOUSE_YEARLY_COUNTS = Table(
    "author_yearly_counts",
    Layer.WAREHOUSE,
    "an author and a year in which they have at least one book",
    purpose="It answers how many books each author published in each year, over the works of all subjects, each once.",
    by_subject=False,
    key=AUTHOR_YEARLY_COUNTS.key,
    columns=_over_all_subjects(AUTHOR_YEARLY_COUNTS.columns[:2]) + AUTHOR_YEARLY_COUNTS.columns[2:],
    references=(Reference(("author_key",), WAREHOUSE_AUTHORS),),
    made_from=AUTHOR_YEARLY_COUNTS.made_from,
    lineage=AUTHOR_YEARLY_COUNTS.lineage,
    checks=AUTHOR_YEARLY_COUNTS.checks,
    same_sql_as=AUTHOR_YEARLY_COUNTS,
)

WAREHOUSE_AVERAGES = Table(
    "author_averages",
    Layer.WAREHOUSE,
    "an author",
    purpose="It answers how many books an author publishes a year on average, over all works, each once.",
    by_subject=False,
    key=AUTHOR_AVERAGES.key,
    columns=_over_all_subjects(AUTHOR_AVERAGES.columns),
    references=(Reference(("author_key",), WAREHOUSE_AUTHORS),),
    made_from=AUTHOR_AVERAGES.made_from,
    lineage=AUTHOR_AVERAGES.lineage,
    checks=AUTHOR_AVERAGES.checks,
    same_sql_as=AUTHOR_AVERAGES,
)
