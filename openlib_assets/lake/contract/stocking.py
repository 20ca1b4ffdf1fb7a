"""What to stock: every work ranked, and the editions to order."""

import pyarrow as pa

from openlib_assets.lake.contract.columns import REAL, TEXT, WHOLE, WORK_KEY
from openlib_assets.lake.contract.model import Check, Column, Layer, Table
from openlib_assets.openlibrary.editions import WORKS_TO_ORDER

_TEXTS = pa.list_(TEXT)
_RANK = Column("rank", WHOLE, "Place among the works of the subject, from 1, by score and then by key.")
_AUTHOR_NAMES = Column("author_names", _TEXTS, "Names of the authors, as listed; an empty list without one.")
_SCORE = Column("score", REAL, "The weighted mean of the criteria that are known, from 0 to 1; 0 without any.")

_OF_DEMAND = (
    "work_details.want_to_read",
    "work_details.currently_reading",
    "work_details.already_read",
    "work_details.ratings_count",
    "work_details.ratings_average",
    "books.edition_count",
)
_OF_THE_YEAR = ("books.first_publish_year", "books.year_status")
_OF_THE_AUTHOR = ("authors.book_count",)
# Besides the store's catalogue, which there is once for all subjects.
_OF_THE_STORE = ("books.title", "authors.author_name", "work_isbns.isbn13")
_OF_DUPLICATES = ("possible_duplicate_books.into_work_key", "possible_duplicate_books.score")
_OF_THE_SCORE = (
    *_OF_DEMAND,
    *_OF_THE_YEAR,
    "subject_summary.fetched_at",
    *_OF_THE_AUTHOR,
    "work_details.ebook_access",
)

STOCKING_LIST = Table(
    "stocking_list",
    Layer.GOLD,
    "a work, ranked by whether to stock it",
    purpose="For those who buy books: it ranks every work of the subject, and says why it stands where it does.",
    code_version="3",
    key=("rank",),
    columns=(
        _RANK,
        WORK_KEY,
        Column("title", TEXT, "The work's title, as in books.", nullable=True),
        _AUTHOR_NAMES,
        Column("year", WHOLE, "Year of first publication, if its status is `ok`.", nullable=True),
        Column(
            "languages",
            _TEXTS,
            "Languages of its editions, as in work_details: an empty list if none is known, null if nothing is.",
            nullable=True,
        ),
        Column("demand", REAL, "How much it is wanted, read, rated and reprinted, from 0 to 1.", nullable=True),
        Column(
            "recency", REAL, "1 in the year of the fetch, 0 fifty years before; null without a year.", nullable=True
        ),
        Column(
            "author",
            REAL,
            "Books here of its most productive author, or what the store sold of the author's other books if that says "
            "more, from 0 to 1; null without an author.",
            nullable=True,
        ),
        Column(
            "no_free",
            REAL,
            "0 if everybody can read an e-book, 0.5 if one can be borrowed, otherwise 1; null if it was not asked.",
            nullable=True,
        ),
        _SCORE,
        Column(
            "in_store",
            TEXT,
            "Whether the store sells it: `yes`, `no`, or `review` where somebody has to look, because the match is not "
            "sure or the store sells what may be the same book; null without a store catalogue.",
            nullable=True,
        ),
        Column(
            "duplicate_of",
            TEXT,
            "The better-ranked work that is likely the same book (possible_duplicate_books, score 0.6 or more).",
            nullable=True,
        ),
        Column("reason", TEXT, "Why it stands where it does, in one sentence."),
    ),
    made_from=(
        "books",
        "authors",
        "author_books",
        "possible_duplicate_books",
        "work_details",
        "work_isbns",
        "subject_summary",
    ),
    lineage={
        "rank": _OF_THE_SCORE,
        "work_key": ("books.work_key",),
        "title": ("books.title",),
        "author_names": ("authors.author_name", "author_books.author_position"),
        "year": _OF_THE_YEAR,
        "languages": ("work_details.languages",),
        "demand": _OF_DEMAND,
        "recency": (*_OF_THE_YEAR, "subject_summary.fetched_at"),
        "author": _OF_THE_AUTHOR,
        "no_free": ("work_details.ebook_access",),
        "score": _OF_THE_SCORE,
        "in_store": _OF_THE_STORE,
        "duplicate_of": _OF_DUPLICATES,
        "reason": (*_OF_THE_SCORE, *_OF_THE_STORE, *_OF_DUPLICATES),
    },
    columns_since=2,
    checks=(
        Check(
            "every_work_is_ranked",
            "Every work of books has one place, and the places go from 1 to the number of works.",
            """
            SELECT (SELECT count(*) FROM books) AS works,
                   count(*) AS places,
                   count(DISTINCT work_key) AS works_ranked,
                   coalesce(max(rank), 0) AS last_place,
                   count(*) FILTER (WHERE work_key NOT IN (SELECT work_key FROM books)) AS unknown_works
            FROM stocking_list
            """,
            "works = places AND works = works_ranked AND works = last_place AND unknown_works = 0",
        ),
        Check(
            "criteria_are_shares",
            "Criteria and score lie between 0 and 1.",
            """
            SELECT count(*) AS works,
                   count(*) FILTER (
                       WHERE NOT (
                           coalesce(demand, 0) BETWEEN 0 AND 1
                           AND coalesce(recency, 0) BETWEEN 0 AND 1
                           AND coalesce(author, 0) BETWEEN 0 AND 1
                           AND coalesce(no_free, 0) BETWEEN 0 AND 1
                           AND score BETWEEN 0 AND 1
                       )
                   ) AS beyond
            FROM stocking_list
            """,
            "beyond = 0",
        ),
        Check(
            "duplicates_rank_lower",
            "A work that may be the same book as another one stands below it, and the other is no duplicate itself.",
            """
            SELECT count(*) AS duplicates,
                   count(*) FILTER (WHERE better.rank < lesser.rank AND better.duplicate_of IS NULL) AS below
            FROM stocking_list AS lesser
            LEFT JOIN stocking_list AS better ON better.work_key = lesser.duplicate_of
            WHERE lesser.duplicate_of IS NOT NULL
            """,
            "duplicates = below",
        ),
    ),
)

ORDER_LIST = Table(
    "order_list",
    Layer.SERVING,
    "an edition to order",
    purpose=f"For those who order: the first {WORKS_TO_ORDER} works of the stocking list that the store does not sell.",
    code_version="2",
    key=("rank",),
    columns=(
        Column(
            "rank", WHOLE, "Place of the work in stocking_list; places of works that are not to order are left out."
        ),
        WORK_KEY,
        Column(
            "edition_key",
            TEXT,
            "Open Library's key of the edition to order, such as OL7353617M; null if none with an ISBN was found.",
            nullable=True,
        ),
        Column("isbn13", TEXT, "ISBN of the edition, in 13 digits.", nullable=True),
        Column("title", TEXT, "Title of the edition; that of the work where no edition was found.", nullable=True),
        _AUTHOR_NAMES,
        Column("publisher", TEXT, "Publisher of the edition.", nullable=True),
        Column("publish_date", TEXT, "When the edition was published, as Open Library has it.", nullable=True),
        Column("language", TEXT, "Language of the edition, as a three-letter code.", nullable=True),
        _SCORE,
        Column("reason", TEXT, "Why the work stands where it does, and whether an edition was found."),
    ),
    made_from=("stocking_list",),
    lineage={
        "rank": ("stocking_list.rank",),
        "work_key": ("stocking_list.work_key",),
        "title": ("stocking_list.title",),
        "author_names": ("stocking_list.author_names",),
        "score": ("stocking_list.score",),
        "reason": ("stocking_list.reason",),
    },
    columns_since=2,
    checks=(
        Check(
            "orders_are_not_sold",
            f"No more than {WORKS_TO_ORDER} works, none of which the store sells, and no two of them the same book.",
            """
            SELECT count(*) AS works,
                   count(*) FILTER (
                       WHERE listed.work_key IS NULL OR listed.in_store <> 'no'
                   ) AS not_to_order,
                   count(DISTINCT coalesce(listed.duplicate_of, listed.work_key)) AS books
            FROM order_list
            LEFT JOIN stocking_list AS listed USING (work_key)
            """,
            f"works <= {WORKS_TO_ORDER} AND not_to_order = 0 AND books = works",
        ),
        Check(
            "editions_are_whole",
            "An edition has a key, an ISBN-13 and a language; a work without an edition has none of its columns.",
            """
            SELECT count(*) AS works,
                   count(edition_key) AS editions,
                   count(*) FILTER (
                       WHERE (edition_key IS NULL) <> (isbn13 IS NULL)
                          OR (edition_key IS NULL) <> (language IS NULL)
                          OR edition_key IS NULL AND (publisher IS NOT NULL OR publish_date IS NOT NULL)
                          OR NOT coalesce(regexp_full_match(isbn13, '97[89][0-9]{10}'), true)
                   ) AS partly
            FROM order_list
            """,
            "partly = 0",
        ),
        Check(
            "editions_were_found",
            "For at least half of the works there is an edition with an ISBN.",
            "SELECT count(*) AS works, count(edition_key) AS editions FROM order_list",
            "editions >= works / 2",
            blocking=False,
        ),
    ),
)
