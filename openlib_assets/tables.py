"""The data contract: every table's layer, grain, key, columns and checks, written once.

The Parquet schema, the column metadata in the Dagster UI, the data dictionary and the checks all derive from here.
A table's SQL stands in `sql/<table>.sql`.
"""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

SCHEMA_VERSION = 1

# Bounds beyond which a check warns; a catalogue of printed books has some undated works, and few absurd years.
MOST_YEARS_MISSING = 0.5
MOST_YEARS_IMPLAUSIBLE = 0.05
# From this many works on, a subject without a single year is Open Library's outage of September 2022 again
# (openlibrary commit ddaf2821c4), not a property of the subject.
OUTAGE_WORKS = 20
# A subject does not lose more than this share of its works between two snapshots, unless something broke.
LARGEST_FALL = 0.2
# A monthly refresh, and half a month to notice that it did not happen.
REFRESH_DAYS = 45
REFRESHED_LATELY = "refreshed_lately"


class Layer(StrEnum):
    """How far data has come: as received, cleaned, aggregated, made for people."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    SERVING = "serving"


@dataclass(frozen=True)
class Column:
    """A column; `description` says its meaning and, where it has one, its unit."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False


@dataclass(frozen=True)
class Check:
    """A check of a table.

    `numbers` is a query for one row, the numbers to look at; it sees the new table under its own name and all that
    the table was made from. `passes` is what must hold of them. A failure of a `blocking` check keeps the table from
    being written; others warn.
    """

    name: str
    description: str
    numbers: str
    passes: str
    blocking: bool = True


@dataclass(frozen=True)
class Table:
    """A table; `grain` says what one row is, `key` the columns that identify and sort it, `made_from` its inputs.

    `looks_back`: its SQL also sees `previous_books`, `previous_author_lists` and `previous_snapshot`, made from the
    snapshot before; they are empty without one. `code_version` goes up with every change of the table's SQL or columns
    that changes its content.
    """

    name: str
    layer: Layer
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    made_from: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    looks_back: bool = False
    code_version: str = "1"

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table's files."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def all_checks(self) -> tuple[Check, ...]:
        """The checks that every table has, then the table's own."""
        return (_key_is_unique(self), _required_columns_are_filled(self), *self.checks)


def _key_is_unique(table: Table) -> Check:
    key = ", ".join(table.key)
    return Check(
        "key_is_unique",
        f"No two rows share the same {key}.",
        f"SELECT count(*) AS rows, count(DISTINCT ({key})) AS distinct_keys FROM {table.name}",  # noqa: S608 - names from this module
        "rows = distinct_keys",
    )


def _required_columns_are_filled(table: Table) -> Check:
    nulls = " + ".join(f"count(*) FILTER (WHERE {c.name} IS NULL)" for c in table.columns if not c.nullable)
    return Check(
        "required_columns_are_filled",
        "No null stands in a column that must have a value.",
        f"SELECT count(*) AS rows, {nulls} AS nulls FROM {table.name}",  # noqa: S608 - as above
        "nulls = 0",
    )


_TEXT = pa.string()
_WHOLE = pa.int64()
_REAL = pa.float64()

_WORK_KEY = Column("work_key", _TEXT, "Open Library's key of the work, bare: OL27448W. An orphaned edition ends in M.")
_AUTHOR_KEY = Column("author_key", _TEXT, "Open Library's key of the author, bare: OL26320A.")
_AUTHOR_NAME = Column(
    "author_name",
    _TEXT,
    "The author's most frequent non-blank name among their works of the subject, one vote a work; ties go to the "
    "smallest by code point. Null if every name is blank.",
    nullable=True,
)
_BOOK_COUNT = Column("book_count", _WHOLE, "Works of the subject that list the author, dated or not.")
_FIRST_YEAR = Column(
    "first_year", _WHOLE, "First of the years of the author's dated works; null without one.", nullable=True
)
_LAST_YEAR = Column(
    "last_year", _WHOLE, "Last of the years of the author's dated works; null without one.", nullable=True
)

RAW_WORKS = Table(
    "raw_works",
    Layer.BRONZE,
    "a work record exactly as the source sent it",
    key=("work_key",),
    columns=(
        _WORK_KEY,
        Column("position", _WHOLE, "Place in the enumeration by key, from 0."),
        Column("payload", _TEXT, "The record as compact ASCII JSON: same value, key order kept."),
    ),
    checks=(
        Check(
            "is_complete",
            "The works held are as many as Open Library last reported.",
            "SELECT works_reported, (SELECT count(*) FROM raw_works) AS works FROM snapshot",
            "works = works_reported",
        ),
        Check(
            "did_not_fall",
            f"Works did not fall by more than {LARGEST_FALL:.0%} since the snapshot before; a forced run accepts it.",
            """
            SELECT (SELECT works_reported FROM previous_snapshot) AS works_before, works_reported AS works
            FROM snapshot
            """,
            f"works_before IS NULL OR works >= {1 - LARGEST_FALL} * works_before",
        ),
        Check(
            REFRESHED_LATELY,
            f"The subject was fetched in the last {REFRESH_DAYS} days; looked at again each day.",
            "SELECT 0 AS days_since_fetch",
            f"days_since_fetch <= {REFRESH_DAYS}",
            blocking=False,
        ),
    ),
)

BOOKS = Table(
    "books",
    Layer.SILVER,
    "a work of the subject",
    key=("work_key",),
    columns=(
        _WORK_KEY,
        Column("title", _TEXT, "Title; null where Open Library has none (it sends `__None__`).", nullable=True),
        Column(
            "first_publish_year",
            _WHOLE,
            "Earliest year among the work's editions, as received.",
            nullable=True,
        ),
        Column(
            "year_status",
            _TEXT,
            "`ok`: 1000 < year <= year of the snapshot + 1, Open Library's own rule in its publishing history; "
            "`missing`: no year; `implausible`: any other year. Only `ok` years are counted.",
        ),
        Column("edition_count", _WHOLE, "Editions that Open Library knows of the work.", nullable=True),
        Column("author_count", _WHOLE, "Distinct authors listed on the work."),
        Column("has_fulltext", pa.bool_(), "Whether Open Library has a scan of some edition.", nullable=True),
        Column("cover_id", _WHOLE, "Number of the cover image; null without one.", nullable=True),
        Column(
            "subjects",
            pa.list_(_TEXT),
            "Subjects as editors typed them, order and repeats kept; empty list when none.",
        ),
    ),
    made_from=("raw_works",),
    checks=(
        Check(
            "every_work_is_a_book",
            "There are as many books as works in the snapshot.",
            "SELECT (SELECT count(*) FROM raw_works) AS works, count(*) AS books FROM books",
            "works = books",
        ),
        Check(
            "some_year_is_known",
            f"A subject of {OUTAGE_WORKS} works or more has some year; none at all is an outage of Open Library.",
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
        ),
    ),
)

AUTHOR_BOOKS = Table(
    "author_books",
    Layer.SILVER,
    "an author of a work",
    key=("author_key", "work_key"),
    columns=(
        _AUTHOR_KEY,
        _WORK_KEY,
        Column(
            "author_position",
            _WHOLE,
            "The author's place in the list as received, from 1; the first if listed twice.",
        ),
    ),
    made_from=("raw_works",),
)

AUTHORS = Table(
    "authors",
    Layer.SILVER,
    "an author with at least one work in the subject",
    key=("author_key",),
    columns=(_AUTHOR_KEY, _AUTHOR_NAME, _BOOK_COUNT, _FIRST_YEAR, _LAST_YEAR),
    made_from=("raw_works", "books", "author_books"),
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

POSSIBLE_SAME_AUTHORS = Table(
    "possible_same_authors",
    Layer.SILVER,
    "an author who may be the same person as another one, into whom they would be merged",
    key=("author_key",),
    columns=(
        _AUTHOR_KEY,
        Column("author_name", _TEXT, "The author's name, as in authors."),
        Column(
            "into_author_key",
            _TEXT,
            "The other author: of all for whom the same speaks, the one with the most books, then the smallest key.",
        ),
        Column("into_author_name", _TEXT, "The other author's name."),
        Column(
            "rule",
            _TEXT,
            "What speaks for it beside the name, the same but for spelling. `same_work`: both are on one work. "
            "`same_title`: both have a work of the same title. `same_long_name`: nothing, but the name has three parts "
            "or more. `same_name`: nothing, and it has two.",
        ),
        Column("score", _REAL, "How sure the rule is, from 0 to 1: 0.95, 0.9, 0.7 and 0.3 in the order above."),
    ),
    made_from=("books", "author_books", "authors"),
    checks=(
        Check(
            "every_author_resolves",
            "Both authors of each row exist in authors.",
            """
            SELECT count(*) AS rows,
                   count(*) FILTER (WHERE author_key NOT IN (SELECT author_key FROM authors)) AS unknown_authors,
                   count(*) FILTER (WHERE into_author_key NOT IN (SELECT author_key FROM authors)) AS unknown_others
            FROM possible_same_authors
            """,
            "unknown_authors = 0 AND unknown_others = 0",
        ),
        Check(
            "every_merge_goes_up",
            "The other author has more books, or as many and a smaller key: nobody is merged in a circle.",
            """
            SELECT count(*) AS rows,
                   count(*) FILTER (
                       WHERE (-other.book_count, other.author_key) >= (-author.book_count, author.author_key)
                   ) AS not_up
            FROM possible_same_authors
            JOIN authors AS author ON author.author_key = possible_same_authors.author_key
            JOIN authors AS other ON other.author_key = possible_same_authors.into_author_key
            """,
            "not_up = 0",
        ),
    ),
)

POSSIBLE_DUPLICATE_BOOKS = Table(
    "possible_duplicate_books",
    Layer.SILVER,
    "a work that may be the same book as another one, into which it would be merged",
    key=("work_key",),
    columns=(
        _WORK_KEY,
        Column("title", _TEXT, "The work's title, as in books."),
        Column(
            "into_work_key",
            _TEXT,
            "The other work: of all for which the same speaks, the one with the most editions, then the smallest key.",
        ),
        Column("into_title", _TEXT, "The other work's title."),
        Column(
            "rule",
            _TEXT,
            "What speaks for it: `same_title` of the same author, or `main_title` where only one has a subtitle; then "
            "`_possible_author` where the author is the same only by possible_same_authors; then `_year_unknown`, or "
            "`_years_apart` for more than 10 years.",
        ),
        Column("score", _REAL, "How sure the rule is, from 0 to 1; each rule has one score."),
    ),
    made_from=("books", "author_books", "possible_same_authors"),
    checks=(
        Check(
            "every_work_resolves",
            "Both works of each row exist in books.",
            """
            SELECT count(*) AS rows,
                   count(*) FILTER (WHERE work_key NOT IN (SELECT work_key FROM books)) AS unknown_works,
                   count(*) FILTER (WHERE into_work_key NOT IN (SELECT work_key FROM books)) AS unknown_others
            FROM possible_duplicate_books
            """,
            "unknown_works = 0 AND unknown_others = 0",
        ),
        Check(
            "every_merge_goes_up",
            "The other work has more editions, or as many and a smaller key: nothing is merged in a circle.",
            """
            SELECT count(*) AS rows,
                   count(*) FILTER (
                       WHERE (-coalesce(other.edition_count, -1), other.work_key)
                           >= (-coalesce(work.edition_count, -1), work.work_key)
                   ) AS not_up
            FROM possible_duplicate_books
            JOIN books AS work ON work.work_key = possible_duplicate_books.work_key
            JOIN books AS other ON other.work_key = possible_duplicate_books.into_work_key
            """,
            "not_up = 0",
        ),
    ),
)

AUTHOR_YEARLY_COUNTS = Table(
    "author_yearly_counts",
    Layer.GOLD,
    "an author and a year in which they have at least one book",
    key=("author_key", "year"),
    columns=(
        _AUTHOR_KEY,
        _AUTHOR_NAME,
        Column("year", _WHOLE, "Year of first publication; only years with status `ok`."),
        Column("book_count", _WHOLE, "Distinct works of the author first published in that year."),
    ),
    made_from=("books", "authors", "author_books"),
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
    key=("author_key",),
    columns=(
        _AUTHOR_KEY,
        _AUTHOR_NAME,
        _BOOK_COUNT,
        Column("dated_book_count", _WHOLE, "Those of them whose year has status `ok`."),
        _FIRST_YEAR,
        _LAST_YEAR,
        Column("active_years", _WHOLE, "Years in which the author has at least one dated work."),
        Column("span_years", _WHOLE, "last_year - first_year + 1; null without a dated work.", nullable=True),
        Column(
            "avg_books_per_active_year",
            _REAL,
            "dated_book_count / active_years: works a year over the years with a work; null without a dated work.",
            nullable=True,
        ),
        Column(
            "avg_books_per_calendar_year",
            _REAL,
            "dated_book_count / span_years: works a year from the first to the last; null without a dated work.",
            nullable=True,
        ),
    ),
    made_from=("authors", "author_yearly_counts"),
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
    key=("source",),
    columns=(
        Column("works_reported", _WHOLE, "work_count, as Open Library last reported it in the fetch."),
        Column("works", _WHOLE, "Works held; equals works_reported."),
        Column("works_dated", _WHOLE, "Works whose year has status `ok`."),
        Column("works_year_missing", _WHOLE, "Works without a year."),
        Column("works_year_implausible", _WHOLE, "Works whose year is implausible."),
        Column("works_without_author", _WHOLE, "Works that list no author."),
        Column("authors", _WHOLE, "Distinct authors."),
        Column("first_year", _WHOLE, "First of the years of dated works; null without one.", nullable=True),
        Column("last_year", _WHOLE, "Last of the years of dated works; null without one.", nullable=True),
        Column("fetched_at", pa.timestamp("us", "UTC"), "When the fetch of the snapshot ended."),
        Column("source", _TEXT, "Where the snapshot was fetched from (URL)."),
    ),
    made_from=("raw_works", "books", "authors"),
    checks=(
        Check(
            "holds_what_was_reported",
            "The works held are as many as Open Library reported.",
            "SELECT works_reported, works FROM subject_summary",
            "works = works_reported",
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
    "a work that came, went or changed since the snapshot before",
    key=("work_key",),
    columns=(
        _WORK_KEY,
        Column("title", _TEXT, "Title now, or the last one of a work that went; null without one.", nullable=True),
        Column(
            "change",
            _TEXT,
            "`added`, `removed`, or `changed`: any column of books or the ordered list of authors differs.",
        ),
        Column("previous_snapshot", _TEXT, "Name of the snapshot before: the end of its fetch (YYYYMMDDTHHMMSSZ)."),
        Column("current_snapshot", _TEXT, "Name of the snapshot that the tables are made from."),
    ),
    made_from=("raw_works", "books"),
    looks_back=True,
    checks=(
        Check(
            "changes_add_up",
            "The works before, and those that came, less those that went, are the works now.",
            """
            SELECT (SELECT works_reported FROM previous_snapshot) AS works_before,
                   count(*) FILTER (WHERE change = 'added') AS added,
                   count(*) FILTER (WHERE change = 'removed') AS removed,
                   (SELECT count(*) FROM books) AS works
            FROM subject_changes
            """,
            "works_before IS NULL OR works_before + added - removed = works",
        ),
    ),
)

# In an order in which each table stands after those it is made from.
DERIVED_TABLES = (
    BOOKS,
    AUTHOR_BOOKS,
    AUTHORS,
    POSSIBLE_SAME_AUTHORS,
    POSSIBLE_DUPLICATE_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    AUTHOR_AVERAGES,
    SUBJECT_SUMMARY,
    SUBJECT_CHANGES,
)
ALL_TABLES = (RAW_WORKS, *DERIVED_TABLES)
CSV_TABLES = (AUTHORS, BOOKS, AUTHOR_BOOKS, AUTHOR_YEARLY_COUNTS, AUTHOR_AVERAGES)
