"""Silver of a dump: works, editions, authors, ISBNs, readers and subjects of the whole catalogue, and bad lines."""

from dataclasses import replace
from functools import partial

import pyarrow as pa

from openlib_assets.lake.contract.columns import AUTHOR_KEY, REAL, TEXT, WHOLE, WORK_KEY
from openlib_assets.lake.contract.model import Check, Column, Layer, Table
from openlib_assets.lake.contract.silver import BOOKS

# So many lines of a file may be bad, or so large a share of them if that is more.
MOST_BAD_LINES = 1_000
MOST_BAD = 0.01

of_a_dump = partial(Table, by_subject=False, by_dump=True, in_order=True)

EDITION_KEY = Column("edition_key", TEXT, "Open Library's key of the edition, such as OL7353617M.")
ISBN13 = Column("isbn13", TEXT, "The ISBN-13; an ISBN-10 is turned into one, and what is none is left out.")
_FILES = ("ratings", "redirects", "reading_log", "authors", "works", "editions")
_LINES = " UNION ALL ".join(f"SELECT '{file}' AS file, line, reason FROM dump_{file}" for file in _FILES)  # noqa: S608 - names from this module

CATALOGUE_REJECTS = of_a_dump(
    "catalogue_rejects",
    Layer.SILVER,
    "a line of a dump's file that cannot be used",
    purpose="Nothing of a dump is lost without a word: each of its lines is in a table, or here with the reason.",
    key=("file", "line"),
    columns=(
        Column("file", TEXT, "Which file: works, editions, authors, redirects, ratings, reading-log."),
        Column("line", WHOLE, "Number of the line in the file, from 1."),
        Column("reason", TEXT, "The first thing that is wrong with it."),
        Column("text", TEXT, "The whole line; what is no UTF-8 is replaced."),
    ),
    made_from=("dump_records",),
    checks=(
        Check(
            "few_rejected",
            f"At most {MOST_BAD_LINES:,} lines of a file cannot be used, or {MOST_BAD:.0%} of them if that is more.",
            f"""
            SELECT sum(lines)::BIGINT AS lines, sum(bad)::BIGINT AS rejected,
                   max(bad - greatest({MOST_BAD_LINES}, floor({MOST_BAD} * lines)))::BIGINT AS most_over
            FROM (SELECT file, count(*) AS lines, count(reason) AS bad FROM ({_LINES}) GROUP BY file)
            """,  # noqa: S608 - names from this module
            "coalesce(most_over, 0) <= 0",
        ),
    ),
)

CATALOGUE_AUTHORS = of_a_dump(
    "catalogue_authors",
    Layer.SILVER,
    "an author of Open Library",
    purpose="It tells the names of all authors, and when they lived, as far as somebody wrote it down.",
    key=("author_key",),
    columns=(
        AUTHOR_KEY,
        Column("name", TEXT, "The author's name; null without one.", nullable=True),
        Column("birth_date", TEXT, "When the author was born, as written.", nullable=True),
        Column("death_date", TEXT, "When the author died, as written.", nullable=True),
    ),
    made_from=("dump_records",),
)

CATALOGUE_DEMAND = of_a_dump(
    "catalogue_demand",
    Layer.SILVER,
    "a work that is rated or on a shelf",
    purpose="It tells what readers want, read and think, on the day of the dump.",
    key=("work_key",),
    columns=(
        WORK_KEY,
        Column("ratings_count", WHOLE, "Ratings of one to five stars."),
        Column("ratings_average", REAL, "Their average; null where nobody rated.", nullable=True),
        Column(
            "burst_ratings_count",
            WHOLE,
            "Of the ratings, those on burst days: days with at least 100 ratings in all of Open Library, more than "
            "half of them of four stars, which no readers gave.",
        ),
        Column("want_to_read", WHOLE, "Readers who want to read it."),
        Column("currently_reading", WHOLE, "Readers who are reading it."),
        Column("already_read", WHOLE, "Readers who have read it."),
        Column("stopped_reading", WHOLE, "Readers who gave it up; Open Library has this shelf since May 2026."),
    ),
    made_from=("dump_records",),
)

CATALOGUE_EDITIONS = of_a_dump(
    "catalogue_editions",
    Layer.SILVER,
    "an edition of a work",
    purpose="It tells which books there are to buy of a work; the order list of a subject chooses among them.",
    key=("work_key", "edition_key"),
    columns=(
        EDITION_KEY,
        replace(WORK_KEY, description=f"{WORK_KEY.description} An edition without a work has its own key here."),
        Column("title", TEXT, "The edition's own title.", nullable=True),
        Column("isbn13", pa.list_(TEXT), "Its ISBN-13, each once, sorted; ISBN-10 are turned into them."),
        Column("publishers", pa.list_(TEXT), "Publishers as typed by editors."),
        Column("languages", pa.list_(TEXT), "Languages as three-letter codes, such as eng."),
        Column("format", TEXT, "The physical format, as typed by editors.", nullable=True),
        Column("pages", WHOLE, "Number of pages, where it is one.", nullable=True),
        Column("publish_date", TEXT, "When it was published, as typed by editors.", nullable=True),
        Column(
            "publish_year",
            WHOLE,
            "The first four digits in a row of the publish date that stand by themselves; null without.",
            nullable=True,
        ),
        Column("cover_id", WHOLE, "Number of the cover image; null without one.", nullable=True),
    ),
    made_from=("dump_records",),
)

CATALOGUE_ISBNS = of_a_dump(
    "catalogue_isbns",
    Layer.SILVER,
    "an ISBN of an edition of a work",
    purpose="It finds the work and the edition of a book number.",
    key=("work_key", "isbn13", "edition_key"),
    columns=(WORK_KEY, ISBN13, EDITION_KEY),
    made_from=("catalogue_editions",),
)

CATALOGUE_WORKS = of_a_dump(
    "catalogue_works",
    Layer.SILVER,
    "a work of Open Library, or an edition without a work",
    purpose="All books of Open Library, with the columns of `books`.",
    key=("work_key",),
    columns=(
        *(
            replace(column, description="Null: a dump does not say what can be read.")
            if column.name == "has_fulltext"
            else replace(column, description="Distinct authors listed on the work, of those that the dump has.")
            if column.name == "author_count"
            else replace(column, description=column.description.replace("of the snapshot", "of the dump"))
            for column in BOOKS.columns
        ),
        Column(
            "author_keys",
            pa.list_(TEXT),
            "Keys of the authors that the dump has, in the order of the record, with repeats.",
        ),
        Column("author_names", pa.list_(TEXT), "Their names at the same places; empty where there is none."),
    ),
    made_from=("dump_records", "catalogue_editions", "catalogue_authors", "catalogue_demand"),
)

CATALOGUE_SUBJECTS = of_a_dump(
    "catalogue_subjects",
    Layer.SILVER,
    "a subject of Open Library",
    purpose="It tells which subjects there are, how large they are, and how they grow.",
    key=("subject",),
    columns=(
        Column("subject", TEXT, "The subject's key, such as science_fiction or place:france."),
        Column("subject_type", TEXT, "`subject`, `person`, `place` or `time`."),
        Column("name", TEXT, "The spelling that most works have; ties go to the smallest by code point."),
        Column("works", WHOLE, "Works of the subject."),
        Column(
            "new_works", WHOLE, "Of these, works that the dump before did not have; null without one.", nullable=True
        ),
    ),
    made_from=("catalogue_works",),
)
