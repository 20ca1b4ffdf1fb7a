"""Bronze snapshots: their metadata, which one is current, and how the next one is written.

A snapshot is immutable. One is written only when a fetch found something new, and only after its checks passed.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.arrow_values import joined
from openlib_assets.lake.contract import RAW_WORKS, Table
from openlib_assets.lake.table_files import TableFile, TableFileError, open_table, write_table
from openlib_assets.lake.transform import Row
from openlib_assets.openlibrary.enumeration import Proof
from openlib_assets.openlibrary.records import content_hash
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.storage import Storage

_NAME_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Snapshot:
    """The metadata of a bronze file.

    `fetched_at` is the end of the fetch by the clock. So is `name`, unless the snapshots would then not be in order.
    """

    name: str
    source: str
    url: str
    fetched_at: datetime
    work_count: int
    pages: int
    content_hash: str
    proof: Proof | None  # None in a snapshot of an earlier release

    def metadata(self) -> dict[str, str]:
        """Return the snapshot as the metadata of a file."""
        proof = self.proof
        return {
            "name": self.name,
            "source": self.source,
            "url": self.url,
            "fetched_at": self.fetched_at.isoformat(),
            "work_count": str(self.work_count),
            "pages": str(self.pages),
            "content_hash": self.content_hash,
        } | (
            {
                "proven_by": proof.by,
                "proven_at": proof.at.isoformat(),
                "proof_window_seconds": str(proof.window),
                "proof_requests": str(proof.requests),
            }
            if proof
            else {}
        )

    @staticmethod
    def of(table: TableFile) -> "Snapshot":
        """Return the metadata of an opened snapshot."""
        text = table.metadata
        fetched_at = datetime.fromisoformat(text["fetched_at"])
        return Snapshot(
            name=text.get("name") or fetched_at.strftime(_NAME_FORMAT),  # earlier releases wrote no name
            source=text["source"],
            url=text["url"],
            fetched_at=fetched_at,
            work_count=int(text["work_count"]),
            pages=int(text["pages"]),
            content_hash=text["content_hash"],
            proof=_proof(text) if "proven_by" in text else None,
        )

    def row(self) -> Row:
        """Return the one row of the table `snapshot` that the SQL sees beside a table of bronze."""
        return Row(
            {
                "name": self.name,
                "works_reported": self.work_count,
                "fetched_at": self.fetched_at,
                "snapshot_year": self.fetched_at.year,
                "source": self.url,
                "proven_by": self.proof.by if self.proof else "",
                "window_seconds": math.ceil(self.proof.window) if self.proof else 0,
            }
        )


def _proof(text: Mapping[str, str]) -> Proof:
    return Proof(
        by=text["proven_by"],
        at=datetime.fromisoformat(text["proven_at"]),
        window=float(text["proof_window_seconds"]),
        requests=int(text["proof_requests"]),
    )


def snapshot_names(storage: Storage, subject: str, table: Table = RAW_WORKS) -> list[str]:
    """Return the names of a subject's snapshots, oldest first; the last is the current one.

    A folder without a file is none: a write that failed or was killed leaves one behind on disk.
    """
    paths = snapshot_paths(storage, layout.subject_folder(subject), table)
    return [path.split("/")[-2].removeprefix("snapshot=") for path in paths]


def snapshot_paths(storage: Storage, folder: str, table: Table = RAW_WORKS) -> list[str]:
    """Return the paths of the snapshots of the subject whose folder has this name, oldest first."""
    paths = storage.paths(f"{table.layer}/{table.name}/{folder}")
    return sorted(filter(layout.is_snapshot_file, paths))


@contextmanager
def open_current(storage: Storage, subject: str, table: Table = RAW_WORKS) -> Iterator[TableFile]:
    """Lend the current snapshot of a subject; raises TableFileError where there is none or it is unreadable."""
    names = snapshot_names(storage, subject, table)
    with open_snapshot(storage, subject, names[-1] if names else "none", table) as dataset:
        yield dataset


@contextmanager
def open_previous(storage: Storage, subject: str) -> Iterator[TableFile | None]:
    """Lend the snapshot before the current one; None without one that can be read, as after a damaged one."""
    with ExitStack() as stack:
        previous: TableFile | None = None
        for name in snapshot_names(storage, subject)[-2:-1]:
            with suppress(TableFileError):
                previous = stack.enter_context(open_snapshot(storage, subject, name))
        yield previous


def open_snapshot(
    storage: Storage, subject: str, name: str, table: Table = RAW_WORKS
) -> AbstractContextManager[TableFile]:
    """Lend the snapshot of a subject of that name; raises TableFileError where there is none or it is unreadable."""
    path = layout.snapshot_file(subject, name, table.name)
    remedy = f"fetch it with: openlib run --force {as_argument(subject)}"
    return open_table(storage, path, remedy=remedy, versions=table.readable_versions)


def current_snapshot(storage: Storage, subject: str, table: Table = RAW_WORKS) -> Snapshot | None:
    """Return the current snapshot of a subject, None if it was never fetched."""
    names = snapshot_names(storage, subject, table)
    return read_snapshot(storage, subject, names[-1], table) if names else None


def read_snapshot(storage: Storage, subject: str, name: str, table: Table = RAW_WORKS) -> Snapshot:
    """Return the metadata of a subject's snapshot; raises TableFileError where it cannot be read."""
    with open_snapshot(storage, subject, name, table) as dataset:
        return Snapshot.of(dataset)


def works_hash(batches: Iterator[pa.RecordBatch]) -> str:
    """Return the hash of the works of an enumeration, which come in the order of their keys."""
    return content_hash(joined(batch.column("canonical_line")) for batch in batches)


def write_snapshot(file: Path, subject: str, batches: Iterator[pa.RecordBatch], snapshot: Snapshot) -> None:
    """Write a snapshot of the works in `batches`, which come in the order of the enumeration, to a local file."""
    write_table(file, positioned(batches), RAW_WORKS.schema, snapshot.metadata(), subject=subject)


def next_name(storage: Storage, subject: str, fetched_at: datetime, table: Table = RAW_WORKS) -> str:
    """Return the name of a snapshot that ended then: a second after the one before where the clock says less."""
    name = fetched_at.strftime(_NAME_FORMAT)
    names = snapshot_names(storage, subject, table)
    if not names or name > names[-1]:
        return name
    return (datetime.strptime(names[-1], _NAME_FORMAT) + timedelta(seconds=1)).strftime(_NAME_FORMAT)


def positioned(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield what an enumeration gave with its positions: the rows of a table of bronze."""
    place = 0
    for batch in batches:
        position = pa.arange(place, place + batch.num_rows)
        place += batch.num_rows
        yield pa.record_batch(
            [batch.column("work_key"), position, batch.column("payload")], names=RAW_WORKS.schema.names
        )
