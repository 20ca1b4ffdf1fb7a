"""What the store sells, and which works that is: silver, one table for all subjects."""

from openlib_assets.lake.contract.columns import REAL, TEXT, WHOLE
from openlib_assets.lake.contract.model import Check, Column, Layer, Table

# Of the rows of a store's file so many may be without ISBN and title, and so many cells that have something may be
# unusable, before somebody should look at how the file was read.
MOST_UNUSABLE = 0.05

_ROW = Column("row", WHOLE, "Place of the row in the store's file, from 0; the header does not count.")

STORE_CATALOGUE = Table(
    "store_catalogue",
    Layer.SILVER,
    "a book that the store sells, as a row of its file has it",
    purpose="What the store sells already, read from the file that OPENLIB_STORE_CATALOGUE names.",
    code_version="2",
    by_subject=False,
    key=("row",),
    columns=(
        _ROW,
        Column("isbn13", TEXT, "The first ISBN of the row, as ISBN-13; null without a valid one.", nullable=True),
        Column("title", TEXT, "Title, without white space around it.", nullable=True),
        Column("author", TEXT, "Author or authors, as the file has them.", nullable=True),
        Column("price", REAL, "Price, in the store's currency; null where it is no number from 0 on.", nullable=True),
        Column("units_sold", WHOLE, "Copies sold; null where that is no whole number.", nullable=True),
    ),
    checks=(
        Check(
            "rows_can_be_found",
            f"At most {MOST_UNUSABLE:.0%} of the rows have neither a valid ISBN nor a title; such rows match no work.",
            """
            SELECT count(*) AS rows,
                   count(*) FILTER (WHERE isbn13 IS NULL AND title IS NULL) AS unusable,
                   (SELECT count(*) FROM store_lines) - count(*) AS blank
            FROM store_catalogue
            """,
            f"unusable <= {MOST_UNUSABLE} * rows",
            blocking=False,
            apart=True,
        ),
        Check(
            "cells_can_be_read",
            f"At most {MOST_UNUSABLE:.0%} of the ISBNs, prices and copies sold that are there cannot be read.",
            """
            SELECT count(*) FILTER (WHERE isbn13 IS NOT NULL OR isbn_fault IS NOT NULL) AS isbns,
                   count(isbn_fault) AS unusable_isbns,
                   count(*) FILTER (WHERE isbn_fault = 'lost precision') AS lost_precision,
                   count(*) FILTER (WHERE isbn_fault = 'wrong check digit') AS wrong_check_digit,
                   count(*) FILTER (WHERE isbn_fault = 'wrong length') AS wrong_length,
                   count(*) FILTER (WHERE isbn_fault = 'placeholder') AS placeholder,
                   count(*) FILTER (WHERE isbn_fault = 'not a book number') AS not_a_book_number,
                   count(*) FILTER (WHERE has_price) AS prices,
                   prices - count(price) AS unusable_prices,
                   count(*) FILTER (WHERE has_units_sold) AS units,
                   units - count(units_sold) AS unusable_units
            FROM store_cells
            """,
            f"unusable_isbns <= {MOST_UNUSABLE} * isbns AND unusable_prices <= {MOST_UNUSABLE} * prices "
            f"AND unusable_units <= {MOST_UNUSABLE} * units",
            blocking=False,
            apart=True,
        ),
    ),
)

STORE_MATCHES = Table(
    "store_matches",
    Layer.SILVER,
    "a row of the store's catalogue",
    purpose="It tells which work each book of the store is, by which rule and how surely, over all subjects.",
    code_version="2",
    by_subject=False,
    key=("row",),
    columns=(
        _ROW,
        Column("work_key", TEXT, "The work that the row is, or may be; null without one.", nullable=True),
        Column(
            "decision",
            TEXT,
            "`yes`: it is that work. `review`: it may be; somebody should look. `no`: no work of the subjects fetched.",
        ),
        Column(
            "rule",
            TEXT,
            "What speaks for the work: `isbn`, `title and author`, or `title` where an author is missing. "
            "`isbn, title clash`, `isbn, author clash` and `isbn, title and author clash`: the ISBN is the work's, the "
            "rest is not. `, isbn of another work`: the ISBN speaks for another work. Null with `no`.",
            nullable=True,
        ),
        Column("score", REAL, "How much speaks for the work, from 0 to 1; null with `no`.", nullable=True),
        Column(
            "margin",
            REAL,
            "The score less that of the next book that it might be; null without one. Works of the same title and "
            "author count as one book.",
            nullable=True,
        ),
    ),
    made_from=("books", "authors", "author_books", "work_isbns", "store_catalogue"),
    lineage={
        "row": ("store_catalogue.row",),
        "work_key": ("books.work_key",),
        "decision": ("store_catalogue.isbn13", "store_catalogue.title", "store_catalogue.author", "work_isbns.isbn13"),
        "rule": ("store_catalogue.isbn13", "store_catalogue.title", "store_catalogue.author", "work_isbns.isbn13"),
        "score": ("store_catalogue.isbn13", "store_catalogue.title", "store_catalogue.author", "work_isbns.isbn13"),
        "margin": ("store_catalogue.isbn13", "store_catalogue.title", "store_catalogue.author", "work_isbns.isbn13"),
    },
    checks=(
        Check(
            "every_row_is_answered",
            "Every row of the store's catalogue has an answer.",
            "SELECT (SELECT count(*) FROM store_catalogue) AS rows, count(*) AS answers FROM store_matches",
            "rows = answers",
        ),
        Check(
            "answers_fit_together",
            "A row with a work has a rule and a score from 0 to 1, and a row without one has the decision `no`.",
            """
            SELECT count(*) FILTER (WHERE decision NOT IN ('yes', 'review', 'no')) AS unknown_decisions,
                   count(*) FILTER (
                       WHERE (decision = 'no') <> (work_key IS NULL)
                           OR (decision = 'no') <> (rule IS NULL)
                           OR (decision = 'no') <> (score IS NULL)
                   ) AS incomplete,
                   count(*) FILTER (WHERE score NOT BETWEEN 0 AND 1 OR margin NOT BETWEEN 0 AND 1) AS out_of_range
            FROM store_matches
            """,
            "unknown_decisions = 0 AND incomplete = 0 AND out_of_range = 0",
        ),
    ),
)
