"""Silver: works and authors that may be duplicates."""

from openlib_assets.lake.contract.columns import AUTHOR_KEY, REAL, TEXT, WORK_KEY
from openlib_assets.lake.contract.model import Check, Column, Layer, Table

POSSIBLE_SAME_AUTHORS = Table(
    "possible_same_authors",
    Layer.SILVER,
    "an author who may be the same person as another one, into whom they would be merged",
    purpose="For those who count authors, or clean up records on Open Library: it tells which are listed twice.",
    key=("author_key",),
    columns=(
        AUTHOR_KEY,
        Column("author_name", TEXT, "The author's name, as in authors."),
        Column(
            "into_author_key",
            TEXT,
            "The other author: among equally strong candidates, the one with the most books, then the smallest key.",
        ),
        Column("into_author_name", TEXT, "The other author's name."),
        Column(
            "rule",
            TEXT,
            "The evidence besides the name, which is the same but for spelling. `same_work`: both are on one work. "
            "`same_title`: both have a work with the same title. `same_long_name`: none, but the name has three parts "
            "or more. `same_name`: none, and it has two.",
        ),
        Column("score", REAL, "How sure the rule is, from 0 to 1: 0.95, 0.9, 0.7 and 0.3 in the order above."),
    ),
    made_from=("books", "author_books", "authors"),
    lineage={
        "author_key": ("authors.author_key",),
        "author_name": ("authors.author_name",),
        "into_author_key": ("authors.author_key",),
        "into_author_name": ("authors.author_name",),
        "rule": ("authors.author_name", "author_books.work_key", "books.title"),
        "score": ("authors.author_name", "author_books.work_key", "books.title"),
    },
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
            "The other author has more books, or as many and a smaller key: merges have no cycles.",
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
    purpose="For those who buy or count books, or clean up records on Open Library: it tells which are listed twice.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("title", TEXT, "The work's title, as in books."),
        Column(
            "into_work_key",
            TEXT,
            "The other work: among equally strong candidates, the one with the most editions, then the smallest key.",
        ),
        Column("into_title", TEXT, "The other work's title."),
        Column(
            "rule",
            TEXT,
            "The evidence: `same_title` of the same author, or `main_title` where only one has a subtitle; then "
            "`_possible_author` where the author is the same only by possible_same_authors; then `_year_unknown`, or "
            "`_years_apart` for more than 10 years.",
        ),
        Column("score", REAL, "How sure the rule is, from 0 to 1; each rule has one score."),
    ),
    made_from=("books", "author_books", "possible_same_authors"),
    lineage={
        "work_key": ("books.work_key",),
        "title": ("books.title",),
        "into_work_key": ("books.work_key",),
        "into_title": ("books.title",),
        "rule": (
            "books.title",
            "books.first_publish_year",
            "books.year_status",
            "author_books.author_key",
            "possible_same_authors.into_author_key",
        ),
        "score": (
            "books.title",
            "books.first_publish_year",
            "books.year_status",
            "author_books.author_key",
            "possible_same_authors.into_author_key",
        ),
    },
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
            "The other work has more editions, or as many and a smaller key: merges have no cycles.",
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
