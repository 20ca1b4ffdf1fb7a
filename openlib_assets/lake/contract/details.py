"""Silver: what the search says of works, and their ISBNs."""

import pyarrow as pa

from openlib_assets.lake.contract.columns import REAL, TEXT, WHOLE, WORK_KEY
from openlib_assets.lake.contract.model import Check, Column, Layer, Table

# Bounds beyond which a check warns.
MOST_ISBNS_DROPPED = 0.05
MOST_ISBNS_SHARED = 0.05

_FROM_DOCUMENT = ("raw_details.payload",)

WORK_ISBNS = Table(
    "work_isbns",
    Layer.SILVER,
    "a work and an ISBN-13 of one of its editions",
    purpose="It joins works with what shops, libraries and publishers know by ISBN.",
    key=("work_key", "isbn13"),
    columns=(
        WORK_KEY,
        Column(
            "isbn13",
            TEXT,
            "ISBN-13: 13 digits, the last checked; an ISBN-10 was turned into one. Other works may have it, too.",
        ),
    ),
    made_from=("books", "raw_details"),
    optional=("raw_details",),
    lineage={"work_key": ("books.work_key",), "isbn13": _FROM_DOCUMENT},
    columns_since=2,
    checks=(
        Check(
            "isbns_can_be_read",
            f"At most {MOST_ISBNS_DROPPED:.0%} of the ISBNs received cannot be read; they are dropped, and counted by "
            "reason.",
            """
            SELECT count(*) AS received,
                   count(*) FILTER (WHERE fault = 'not a text') AS not_a_text,
                   count(*) FILTER (WHERE fault = 'blank') AS blank,
                   count(*) FILTER (WHERE fault = 'placeholder') AS placeholder,
                   count(*) FILTER (WHERE fault = 'wrong length') AS wrong_length,
                   count(*) FILTER (WHERE fault = 'not a book number') AS not_a_book_number,
                   count(*) FILTER (WHERE fault = 'wrong check digit') AS wrong_check_digit,
                   count(fault) AS dropped
            FROM received_isbns
            """,
            f"dropped <= {MOST_ISBNS_DROPPED} * received",
            blocking=False,
        ),
        Check(
            "isbns_on_several_works",
            f"At most {MOST_ISBNS_SHARED:.0%} of the ISBNs are on more than one work of the subject.",
            """
            SELECT count(*) AS isbns, count(*) FILTER (WHERE works > 1) AS on_several_works
            FROM (SELECT count(*) AS works FROM work_isbns GROUP BY isbn13)
            """,
            f"on_several_works <= {MOST_ISBNS_SHARED} * isbns",
            blocking=False,
        ),
    ),
)


def _people(name: str, what: str) -> Column:
    return Column(name, WHOLE, f"{what}; 0 is a count, null where the search says nothing.", nullable=True)


def _listed(name: str, what: str) -> Column:
    return Column(
        name,
        pa.list_(TEXT),
        f"{what}, in the order received; empty if there are none, null where the search does not know the work.",
        nullable=True,
    )


WORK_DETAILS = Table(
    "work_details",
    Layer.SILVER,
    "a work of the subject, with what the search says of it",
    purpose="It tells in which languages a work can be had, and how many people read, rated or want it.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("subtitle", TEXT, "Subtitle; null without one.", nullable=True),
        _listed("languages", "Three-letter codes of the languages of its editions"),
        _listed("publishers", "Publishers of its editions, as editors typed them"),
        _listed("formats", "Formats of its editions, as editors typed them"),
        Column("pages_median", WHOLE, "Median of the pages of its editions; null if unknown.", nullable=True),
        Column("ratings_average", REAL, "Mean of its ratings, from 1 to 5; null when nobody rated.", nullable=True),
        _people("ratings_count", "People who rated it"),
        _people("want_to_read", "People who want to read it"),
        _people("currently_reading", "People who are reading it"),
        _people("already_read", "People who have read it"),
        Column(
            "ebook_access",
            TEXT,
            "The most that a reader gets of an e-book, in Open Library's words: `no_ebook`, `unclassified`, "
            "`printdisabled`, `borrowable` or `public`.",
            nullable=True,
        ),
        Column(
            "isbn_count",
            WHOLE,
            "Rows of `work_isbns`; null where the search does not know the work.",
            nullable=True,
        ),
    ),
    made_from=("books", "rejected_works", "raw_details", "work_isbns"),
    optional=("raw_details",),
    lineage={
        "work_key": ("books.work_key",),
        **dict.fromkeys(
            (
                "subtitle",
                "languages",
                "publishers",
                "formats",
                "pages_median",
                "ratings_average",
                "ratings_count",
                "want_to_read",
                "currently_reading",
                "already_read",
                "ebook_access",
            ),
            _FROM_DOCUMENT,
        ),
        "isbn_count": ("work_isbns.isbn13",),
    },
    columns_since=2,
    checks=(
        Check(
            "every_book_has_a_row",
            "There are as many rows as books.",
            "SELECT count(*) AS rows, (SELECT count(*) FROM books) AS books FROM work_details",
            "rows = books",
        ),
        Check(
            "details_can_be_read",
            "Every field of a document has the type that Open Library documents; another value is left out.",
            """
            SELECT count(*) AS documents, coalesce(sum(odd_fields), 0)::BIGINT AS fields_left_out
            FROM documents
            """,
            "fields_left_out = 0",
            blocking=False,
        ),
        Check(
            "works_have_details",
            "The search and the subject's pages have the same works, unless the search was not asked.",
            """
            SELECT (SELECT count(*) FROM documents) AS documents,
                   count(*) FILTER (WHERE documents.work_key IS NULL) AS works_without_details,
                   count(*) FILTER (WHERE works.work_key IS NULL) AS details_without_work
            FROM (SELECT work_key FROM books UNION ALL SELECT work_key FROM rejected_works) AS works
            FULL JOIN documents USING (work_key)
            """,
            "documents = 0 OR works_without_details + details_without_work = 0",
            blocking=False,
        ),
    ),
)
