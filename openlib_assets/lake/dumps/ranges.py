"""Ranges of a key, into which a table is cut that is larger than memory."""

from dataclasses import dataclass
from itertools import pairwise

import duckdb

from openlib_assets.lake.transform import quoted


@dataclass(frozen=True)
class Sizes:
    """How tables are cut, in rows: a slice and a band are what is sorted and joined within the memory of DuckDB.

    Row groups to look up are small, so that a subject is read with few rows beside its own; where tables are read as a
    whole, larger ones cost less. A slice has whole row groups.
    """

    in_slice: int = 1_500_000
    in_band: int = 10_000_000
    to_look_up: int = 20_480
    to_scan: int = 122_880


@dataclass(frozen=True)
class Range:
    """Keys from `first` on and before `last`; None is without end."""

    first: str | None = None
    last: str | None = None

    def condition(self, column: str) -> str:
        """Return the SQL that holds for the keys of the range in a column."""
        bounds = [f"{column} {sign} {_quoted(key)}" for sign, key in ((">=", self.first), ("<", self.last)) if key]
        return " AND ".join(bounds) or "true"

    def as_query(self) -> str:
        """Return the query for a row with both ends."""
        return f"SELECT {_quoted(self.first)} AS first, {_quoted(self.last)} AS last"


def slices_of(connection: duckdb.DuckDBPyConnection, files: list[str], column: str, rows_in_slice: int) -> list[Range]:
    """Return ranges of about so many rows of a column by which files are sorted, from what these say of themselves."""
    groups = connection.execute(
        "SELECT stats_min_value, row_group_num_rows FROM parquet_metadata(?) WHERE path_in_schema = ? "
        "ORDER BY list_position(?, file_name), row_group_id",
        [files, column, files],
    ).fetchall()
    starts: list[str] = []
    rows = 0
    for least, held in groups:
        if rows >= rows_in_slice:
            starts.append(least)
            rows = 0
        rows += held
    return _between(starts)


def bands_of(connection: duckdb.DuckDBPyConnection, rows_in_band: int) -> list[Range]:
    """Return ranges of subjects that have about so many works each, from `catalogue_subjects`."""
    starts = connection.execute(
        f"""
        SELECT min(subject)
        FROM (
            SELECT
                subject,
                (sum(works) OVER (ORDER BY subject ROWS UNBOUNDED PRECEDING) - works) // {rows_in_band} AS band
            FROM catalogue_subjects
        )
        GROUP BY band
        ORDER BY ALL
        """  # noqa: S608 - a number
    ).fetchall()
    return _between([start for (start,) in starts[1:]])


def _between(starts: list[str]) -> list[Range]:
    # Equal ones, of a key that fills a slice by itself, begin one range.
    edges = [None, *dict.fromkeys(starts), None]
    return [Range(first, last) for first, last in pairwise(edges)]


def _quoted(key: str | None) -> str:
    return "NULL::VARCHAR" if key is None else quoted(key)
