"""The numbers of a report, each from one query of `sql/report/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from openlib_assets.lake.bronze.snapshots import Snapshot
from openlib_assets.lake.contract import (
    AUTHOR_AVERAGES,
    AUTHOR_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    AUTHORS,
    BOOKS,
    POSSIBLE_DUPLICATE_BOOKS,
    POSSIBLE_SAME_AUTHORS,
    RAW_WORKS,
    SUBJECT_CHANGES,
    SUBJECT_SUMMARY,
    Table,
)
from openlib_assets.lake.transform import Relation, connected, sql_text

Row = dict[str, Any]

# The tables that a report is made from.
INPUTS: tuple[Table, ...] = (
    RAW_WORKS,
    BOOKS,
    AUTHORS,
    AUTHOR_BOOKS,
    POSSIBLE_SAME_AUTHORS,
    POSSIBLE_DUPLICATE_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    AUTHOR_AVERAGES,
    SUBJECT_SUMMARY,
    SUBJECT_CHANGES,
)

# How much each criterion of the stock list counts, until the reader says otherwise.
WEIGHTS = {"demand": 5, "recency": 3, "author": 2, "no_free": 1}

_QUERIES = (
    "books_per_year",
    "doubtful_years",
    "top_authors",
    "newcomers",
    "newcomer_authors",
    "author_activity",
    "concentration",
    "ebooks",
    "editions",
    "stock_candidates",
    "changes",
    "changed_works",
    "quality",
    "duplicates",
    "duplicate_books",
    "same_authors",
)


@dataclass(frozen=True)
class Numbers:
    """All that a report says of a subject: `rows` by the name of the query, and where they come from."""

    subject: str
    snapshot: Snapshot
    previous_snapshot: str | None
    summary: Row
    rows: Mapping[str, list[Row]]

    @property
    def year(self) -> int:
        """The year of the snapshot, up to which "the last ten years" go."""
        return self.snapshot.fetched_at.year

    @property
    def quality(self) -> Row:
        """What is missing or doubtful in the data, counted."""
        (row,) = self.rows["quality"]
        return row


def numbers_of(
    subject: str, inputs: Mapping[str, Relation], snapshot: Snapshot, previous_snapshot: str | None
) -> Numbers:
    """Compute the numbers of a subject from its tables; `snapshot` is the one that they were made from."""
    weights = pa.table({name: [float(weight)] for name, weight in WEIGHTS.items()})
    relations = {**inputs, "snapshot": snapshot.relation(), "weights": weights}
    with connected(relations) as connection:
        connection.execute(sql_text("helpers/works"))
        connection.execute(f"CREATE TEMP TABLE ebook_access AS {sql_text('report/ebook_access')}")
        rows = {name: connection.execute(sql_text(f"report/{name}")).to_arrow_table().to_pylist() for name in _QUERIES}
        (summary,) = connection.sql("FROM subject_summary").to_arrow_table().to_pylist()
    return Numbers(subject, snapshot, previous_snapshot, summary, rows)
