"""What is new in all subjects since a moment, from the warehouse and what it says of their last snapshots."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb

from openlib_assets.lake.contract import SUBJECT_CHANGES, WAREHOUSE_TABLES, Table
from openlib_assets.lake.transform import sql_text
from openlib_assets.openlibrary import site
from openlib_assets.report import words
from openlib_assets.report.counts import Row

TABLES: Mapping[str, Table] = {
    **{
        table.name: table
        for table in WAREHOUSE_TABLES
        if table.name in ("works", "work_subjects", "authors", "work_authors", "order_list", "subject_history")
    },
    SUBJECT_CHANGES.name: SUBJECT_CHANGES,
}
# How far the files in the storage look back; the command does so for as long as it is told.
FILES_DAYS = 30

_LISTED = 50
_LISTS = ("works", "authors", "orders")


@dataclass(frozen=True)
class News:
    """A snapshot of a subject; the lists are of the last one only, each with as many rows as are shown."""

    subject: str
    snapshot: str
    fetched_at: datetime
    works: int
    works_before: int | None
    added: int | None
    removed: int | None
    is_last: bool
    came: Sequence[Row] = ()
    went: Sequence[Row] = ()
    authors: Sequence[Row] = ()
    orders: Sequence[Row] = ()

    @property
    def name(self) -> str:
        """The subject, as people write it."""
        return words.subject_name(self.subject)

    @property
    def headline(self) -> str:
        """What happened, in a line."""
        if self.works_before is None:
            return f"{self.name}: fetched for the first time that is known, {words.counted(self.works, 'work')}"
        added, removed = (words.count(number or 0) for number in (self.added, self.removed))
        if self.added is None:
            return f"{self.name}: {words.counted(self.works, 'work')}, {self.works - self.works_before:+,d}"
        return f"{self.name}: {words.counted(self.works, 'work')}, {added} came and {removed} went"

    @property
    def identity(self) -> str:
        """What an entry of a feed is known by: the same for a snapshot whenever it is told of."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{site.subject_link(self.subject)}#{self.snapshot}").urn


@dataclass(frozen=True)
class Digest:
    """What is new since a moment, latest first. `until`: when the last fetch of all ended, None without one."""

    since: datetime
    until: datetime | None
    news: Sequence[News] = field(default=())

    @property
    def subjects(self) -> int:
        """How many subjects have news."""
        return len({one.subject for one in self.news})


def digest_of(connection: duckdb.DuckDBPyConnection, since: datetime | None = None) -> Digest:
    """Return the digest from the views `TABLES`; without a moment, of the last `FILES_DAYS` before the last fetch."""
    latest = "SELECT epoch_us(max(fetched_at)) FROM subject_history"
    ((until_us,),) = connection.execute(latest).fetchall()
    until = None if until_us is None else _moment(until_us)
    since = since or (until or _moment(0)) - timedelta(days=FILES_DAYS)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE asked AS SELECT TIMESTAMPTZ '{since.isoformat()}' AS since, {_LISTED} AS most"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE news AS {sql_text('digest/news')}")
    lists = {name: _by_subject(_rows(connection, f"digest/{name}")) for name in _LISTS}
    found = [_news(row, lists if row["is_last"] else {}) for row in _rows(connection, "digest/snapshots")]
    return Digest(since, until, found)


def subjects_of(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the subjects that the warehouse knows."""
    return {subject for (subject,) in connection.execute("SELECT DISTINCT subject FROM subject_history").fetchall()}


def _moment(microseconds: int) -> datetime:
    return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=microseconds)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    result = connection.execute(sql_text(query))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _by_subject(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["subject"], []).append(row)
    return found


def _news(row: Row, lists: Mapping[str, Mapping[str, Sequence[Row]]]) -> News:
    works, authors, orders = (lists.get(name, {}).get(row["subject"], ()) for name in _LISTS)
    return News(
        subject=row["subject"],
        snapshot=row["snapshot"],
        fetched_at=_moment(row["fetched_us"]),
        works=row["works"],
        works_before=row["works_before"],
        added=row["works_added"],
        removed=row["works_removed"],
        is_last=row["is_last"],
        came=[work for work in works if work["change"] == "added"],
        went=[work for work in works if work["change"] == "removed"],
        authors=authors,
        orders=orders,
    )
