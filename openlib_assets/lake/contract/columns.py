"""Columns and types that several tables have."""

import pyarrow as pa

from openlib_assets.lake.contract.model import Column

TEXT = pa.string()
WHOLE = pa.int64()
REAL = pa.float64()

# How DuckDB names them.
SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.list_(pa.string()): "VARCHAR[]",
}

WORK_KEY = Column(
    "work_key", TEXT, "Open Library's key of the work, such as OL27448W. That of an orphaned edition ends in M."
)
AUTHOR_KEY = Column("author_key", TEXT, "Open Library's key of the author, such as OL26320A.")
AUTHOR_NAME = Column(
    "author_name",
    TEXT,
    "The author's most frequent non-blank name among their works of the subject, one vote per work; ties go to the "
    "smallest by code point. Null if every name is blank.",
    nullable=True,
)
BOOK_COUNT = Column("book_count", WHOLE, "Works of the subject that list the author, dated or not.")
FIRST_YEAR = Column("first_year", WHOLE, "First year of the author's dated works; null without one.", nullable=True)
LAST_YEAR = Column("last_year", WHOLE, "Last year of the author's dated works; null without one.", nullable=True)
