"""The numbers of a report: what one table tells is counted in memory, what takes several is a query."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template

import pyarrow as pa
from duckdb import DuckDBPyConnection

from openlib_assets.lake.bronze.snapshots import Snapshot
from openlib_assets.lake.contract import (
    AUTHOR_AVERAGES,
    AUTHOR_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    BOOKS,
    ORDER_LIST,
    POSSIBLE_DUPLICATE_BOOKS,
    POSSIBLE_SAME_AUTHORS,
    RAW_WORKS,
    REJECTED_WORKS,
    STOCKING_LIST,
    SUBJECT_CHANGES,
    SUBJECT_SUMMARY,
    WORK_DETAILS,
    Table,
)
from openlib_assets.lake.dumps.source import dump_of
from openlib_assets.lake.table_files import TableFile
from openlib_assets.lake.transform import connected, read_records, sql_text
from openlib_assets.openlibrary.editions import WORKS_TO_ORDER
from openlib_assets.report import counts
from openlib_assets.report.counts import Row
from openlib_assets.report.related import beside_one

# The tables that a report is made from.
INPUTS: tuple[Table, ...] = (
    RAW_WORKS,
    REJECTED_WORKS,
    BOOKS,
    AUTHOR_BOOKS,
    POSSIBLE_SAME_AUTHORS,
    POSSIBLE_DUPLICATE_BOOKS,
    AUTHOR_YEARLY_COUNTS,
    AUTHOR_AVERAGES,
    SUBJECT_SUMMARY,
    SUBJECT_CHANGES,
    WORK_DETAILS,
    STOCKING_LIST,
    ORDER_LIST,
)
# Without them, a report says that it knows nothing of what they would tell.
OPTIONAL = (ORDER_LIST.name,)

_REJECTED_SHOWN = 50
# Rows of each query that brings several tables together.
_MOST = {"orders": WORKS_TO_ORDER, "stock": 700, "most_wanted": 100, "demand_by_group": 40}

# What is counted in memory, with the columns that it takes; None for all.
_COUNTED: Mapping[str, list[str] | None] = {
    BOOKS.name: ["work_key", "title", "first_publish_year", "year_status", "edition_count", "author_count"],
    POSSIBLE_SAME_AUTHORS.name: None,
    POSSIBLE_DUPLICATE_BOOKS.name: None,
    REJECTED_WORKS.name: ["work_key", "reason"],
    AUTHOR_YEARLY_COUNTS.name: ["author_key", "year", "book_count"],
    AUTHOR_AVERAGES.name: None,
    SUBJECT_SUMMARY.name: [column.name for column in SUBJECT_SUMMARY.columns if column.name != "fetched_at"],
    SUBJECT_CHANGES.name: ["work_key", "title", "change"],
}
# What SQL brings together.
_JOINED = (
    RAW_WORKS,
    REJECTED_WORKS,
    BOOKS,
    AUTHOR_BOOKS,
    AUTHOR_AVERAGES,
    WORK_DETAILS,
    STOCKING_LIST,
    ORDER_LIST,
)


@dataclass(frozen=True)
class WholeCatalogue:
    """What the dump of a date has of all of Open Library: averages of authors and works of subjects, by their keys.

    `works` is how many works it has.
    """

    date: str
    works: int
    averages: Mapping[str, Row]
    subjects: Mapping[str, int]

    def lift(self, subject: str, share: float) -> float | None:
        """Return how many times as often as in all of Open Library a subject stands on a share of some works.

        None where the dump does not have it.
        """
        works = self.subjects.get(subject)
        return share * self.works / works if works else None


@dataclass(frozen=True)
class Numbers:
    """All that a report says of a subject: `rows` by what they tell, and where they come from.

    `whole_catalogue` is of the authors and related subjects in `rows`; None where no dump is built.
    """

    subject: str
    snapshot: Snapshot
    previous_snapshot: str | None
    summary: Row
    rows: Mapping[str, list[Row]]
    has_order_list: bool
    whole_catalogue: WholeCatalogue | None = None

    @property
    def dump(self) -> str | None:
        """The date of the dump that the works come from; None where they come from the API."""
        return dump_of(self.summary["source"])

    @property
    def year(self) -> int:
        """The year of the snapshot, up to which "the last ten years" go."""
        return self.snapshot.fetched_at.year

    @property
    def demand(self) -> Row:
        """How much all works are in demand, and of how many it is known what the search or the store says."""
        nothing = dict.fromkeys(("works", "sold", "maybe_sold", "demand", "wanted", "with_details", "compared"), 0)
        return next((row for row in self.rows["demand_by_group"] if row["kind"] == "all"), nothing)

    @property
    def quality(self) -> Row:
        """What is missing or doubtful in the data, counted."""
        (row,) = self.rows["quality"]
        return row


def numbers_of(
    subject: str, inputs: Mapping[str, TableFile | pa.Table], snapshot: Snapshot, previous_snapshot: str | None
) -> Numbers:
    """Return the numbers of a subject, from its tables; `snapshot` is the one that they were made from."""
    year = snapshot.fetched_at.year
    has_order_list = ORDER_LIST.name in inputs
    with connected({table.name: inputs.get(table.name, table) for table in _JOINED}) as connection:
        tables = {name: _read(inputs[name], columns) for name, columns in _COUNTED.items()}
        rows = {**_counted(tables, year), **_joined(connection, has_order_list=has_order_list)}
        rows["related"] = beside_one(connection, subject)
    (summary,) = tables[SUBJECT_SUMMARY.name].to_pylist()
    return Numbers(subject, snapshot, previous_snapshot, summary, rows, has_order_list)


def _read(relation: TableFile | pa.Table, columns: list[str] | None) -> pa.Table:
    if isinstance(relation, TableFile):
        return relation.to_table(columns)
    return relation.select(columns) if columns else relation


def _counted(tables: Mapping[str, pa.Table], year: int) -> dict[str, list[Row]]:
    """Return what each table tells alone."""
    books, averages, changed = (tables[table.name] for table in (BOOKS, AUTHOR_AVERAGES, SUBJECT_CHANGES))
    same_books, same_authors = (tables[table.name] for table in (POSSIBLE_DUPLICATE_BOOKS, POSSIBLE_SAME_AUTHORS))
    per_year = counts.books_per_year(books)
    return {
        "books_per_year": per_year,
        "middle_years": counts.middle_years(per_year),
        "impossible_years": counts.impossible_years(books),
        "editions": counts.editions(books),
        "quality": [counts.quality(books, averages)],
        "top_authors": counts.top_authors(averages, tables[AUTHOR_YEARLY_COUNTS.name]),
        "newcomers": counts.newcomers(averages, year),
        "newcomer_authors": counts.newcomer_authors(averages, year),
        "author_activity": counts.author_activity(averages, year),
        "duplicates": [
            counts.duplicates("works", books.num_rows, same_books),
            counts.duplicates("authors", averages.num_rows, same_authors),
        ],
        "duplicate_books": counts.surest_pairs(same_books, "work_key"),
        "same_authors": counts.surest_pairs(same_authors, "author_key"),
        "rejected": tables[REJECTED_WORKS.name].slice(0, _REJECTED_SHOWN).to_pylist(),
        "changes": counts.changes(changed),
        "changed_works": counts.changed_works(changed),
    }


def _joined(connection: DuckDBPyConnection, *, has_order_list: bool) -> dict[str, list[Row]]:
    """Return what several tables tell together."""
    read_records(connection)
    connection.execute(f"CREATE TEMP TABLE works AS {sql_text('report/works')}")
    works = connection.execute("SELECT year, place, access FROM works").to_arrow_table()
    # Not as parameters of the query (lake/arrow_values.py).
    queries = {
        name: Template(sql_text(f"report/{name}")).substitute(most=most, has_order_list=str(has_order_list))
        for name, most in _MOST.items()
    }
    return {
        "concentration": counts.concentration(works),
        "ebooks": counts.ebooks(works),
        **{name: connection.execute(query).to_arrow_table().to_pylist() for name, query in queries.items()},
    }
