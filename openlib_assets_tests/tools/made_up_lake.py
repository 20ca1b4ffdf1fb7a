"""Subjects as a run would leave them in a storage, written without one: their tables are those of the reference."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import Snapshot, write_snapshot
from openlib_assets.lake.contract import DERIVED_TABLES, Table
from openlib_assets.lake.table_files import write_table
from openlib_assets.openlibrary.listings import DOCUMENT_FIELDS
from openlib_assets.sandbox import Sandbox
from openlib_assets.storage import Storage
from openlib_assets_tests.tools import reference, reference_orders

Row = dict[str, Any]
Tables = dict[str, list[Row]]
START = datetime(2026, 11, 30, 12, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Fetch:
    """What a fetch of a subject found; `previous` is the one before."""

    subject: str
    records: Sequence[Mapping[str, Any]]
    documents: Sequence[Mapping[str, Any]]
    fetched_at: datetime
    previous: "Fetch | None" = None

    @property
    def name(self) -> str:
        """The name of the snapshot."""
        return f"{self.fetched_at:%Y%m%dT%H%M%SZ}"

    @cached_property
    def tables(self) -> Tables:
        """The tables that the subject must have then."""
        before = self.previous
        tables = reference.tables(
            self.records,
            works_reported=len(self.records),
            fetched_at=self.fetched_at,
            source=f"http://127.0.0.1/subjects/{self.subject}.json",
            name=self.name,
            previous=reference.Snapshot(before.records, before.fetched_at, before.name) if before else None,
            documents=self.documents,
        )
        return {**tables, "order_list": reference_orders.order_list(tables["stocking_list"], self._editions(tables))}

    def _editions(self, tables: Tables) -> dict[str, Row]:
        """Make up the editions to order: of each third work that has an ISBN, with its last one."""
        isbns = {row["work_key"]: row["isbn13"] for row in tables["work_isbns"]}
        return {
            key: {
                "edition_key": f"OL{place}M",
                "isbn13": isbn,
                "title": "an edition",
                "publisher": None,
                "publish_date": "2001",
                "language": "eng",
            }
            for place, (key, isbn) in enumerate(sorted(isbns.items()))
            if place % 3 == 0
        }


def fetch(sandbox: Sandbox, subject: str, minutes: int, previous: Fetch | None = None) -> Fetch:
    """Return what a fetch that ended so many minutes after the start finds."""
    documents = list(sandbox.documents(subject, DOCUMENT_FIELDS))
    return Fetch(subject, list(sandbox.works(subject)), documents, START + timedelta(minutes=minutes), previous)


def write(storage: Storage, fetched: Fetch, written: Iterable[Table] = DERIVED_TABLES) -> Tables:
    """Write the snapshot and tables of a subject, and return all that it has."""
    keys = [record["key"].removeprefix("/works/") for record in fetched.records]
    payloads = [json.dumps(record, separators=(",", ":")) for record in fetched.records]
    batch = pa.record_batch({"work_key": pa.array(keys, pa.string()), "payload": pa.array(payloads, pa.string())})
    snapshot = Snapshot(
        fetched.name, "openlibrary", "http://127.0.0.1", fetched.fetched_at, len(keys), 1, "none", proof=None
    )
    with storage.writing(layout.snapshot_file(fetched.subject, fetched.name)) as file:
        write_snapshot(file, fetched.subject, iter([batch]), snapshot)
    tables = fetched.tables
    for table in written:
        rows = pa.RecordBatch.from_pylist(tables[table.name], schema=table.schema)
        with storage.writing(layout.table_file(table.layer, table.name, fetched.subject)) as file:
            write_table(file, [rows], table.schema, subject=fetched.subject)
    return tables
