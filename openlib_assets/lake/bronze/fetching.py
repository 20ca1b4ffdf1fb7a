"""A fetch from end to end: enumerate a subject, compare it with what is held, write a snapshot if it is new."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.bronze.snapshots import (
    Snapshot,
    current_snapshot,
    next_name,
    open_current,
    open_snapshot,
    positioned,
    works_hash,
    write_snapshot,
)
from openlib_assets.lake.bronze.staging import SubjectStaging, sweep
from openlib_assets.lake.contract import RAW_WORKS, Table
from openlib_assets.lake.table_files import TableFile, TableFileError, table_file
from openlib_assets.lake.transform import CheckOutcome, connected, run_checks
from openlib_assets.openlibrary.enumeration import Listener, Proof
from openlib_assets.openlibrary.errors import SubjectNotFoundError
from openlib_assets.openlibrary.source import Source
from openlib_assets.storage import Storage, StorageError

_PREVIEW_ROWS = 5


@dataclass(frozen=True)
class Fetched:
    """What a fetch found: `snapshot` is the current one after it, at `path`, and `changed` whether it is a new one.

    A new one is there only when `write` has written it and whoever asked for that has put it at `path`. `outcomes` are
    those of the checks: of a new snapshot once it is written.
    """

    snapshot: Snapshot
    path: str
    changed: bool
    outcomes: list[CheckOutcome]
    write: Callable[[Path], None]
    pages: int
    proof: Proof
    preview: pa.Table
    verified_at: datetime
    requests: int
    retries: int
    seconds: float


@contextmanager
def fetched_subject(
    storage: Storage,
    source: Source,
    subject: str,
    table: Table = RAW_WORKS,
    *,
    force: bool = False,
    listener: Listener | None = None,
) -> Iterator[Fetched]:
    """Fetch all that a source has of a subject, whose lock the caller holds, and compare it with the current snapshot.

    The staged pages stay until the block has ended well: whoever writes and records the fetch there can be killed
    before that, and no page is asked for again. `force` makes a snapshot in any case, and accepts that works fell.
    Raises what the enumeration raises, StorageError and TableFileError, and CheckFailedError when it is written.
    """
    started = time.monotonic()
    sweep(storage)
    previous = _previous(storage, subject, table, force=force)
    staging = SubjectStaging(storage, subject, source.url(subject), table)
    try:
        enumeration, traffic = source.enumerate(subject, staging, listener)
    except SubjectNotFoundError:
        staging.clear()
        raise
    digest = works_hash(staging.batches(enumeration.slices))
    unchanged = previous if previous and previous.content_hash == digest and not force else None
    fetched_at = datetime.now(UTC)
    snapshot = unchanged or Snapshot(
        name=next_name(storage, subject, fetched_at, table),
        source=source.name,
        url=source.url(subject),
        fetched_at=fetched_at,
        work_count=enumeration.work_count,
        pages=enumeration.pages,
        content_hash=digest,
        proof=enumeration.proof,
    )
    outcomes: list[CheckOutcome] = []

    def check(dataset: TableFile, before: Snapshot | None) -> None:
        with _beside(storage, subject, table) as others:
            outcomes.extend(_checked(table, dataset, snapshot, before, others))

    def write(file: Path) -> None:
        write_snapshot(file, subject, staging.batches(enumeration.slices), snapshot)
        check(table_file(file), None if force else previous)

    if unchanged:
        with open_snapshot(storage, subject, unchanged.name, table) as dataset:
            check(dataset, previous)
    preview = pa.Table.from_batches(positioned(staging.batches(enumeration.slices[:1]))).slice(0, _PREVIEW_ROWS)
    yield Fetched(
        snapshot=snapshot,
        path=layout.snapshot_file(subject, snapshot.name, table.name),
        changed=unchanged is None,
        outcomes=outcomes,
        write=write,
        pages=enumeration.pages,
        proof=enumeration.proof,
        preview=preview,
        verified_at=datetime.now(UTC),
        requests=traffic.requests,
        retries=traffic.retries,
        seconds=time.monotonic() - started,
    )
    with suppress(StorageError):  # what is left is swept after a day
        staging.clear()


def _previous(storage: Storage, subject: str, table: Table, *, force: bool) -> Snapshot | None:
    try:
        return current_snapshot(storage, subject, table)
    except TableFileError:
        if force:
            return None
        raise


@contextmanager
def _beside(storage: Storage, subject: str, table: Table) -> Iterator[dict[str, TableFile]]:
    """Lend what the checks of a table of bronze see beside it: of details, the works that they are of."""
    if table is RAW_WORKS:
        yield {}
    else:
        with open_current(storage, subject) as works:
            yield {RAW_WORKS.name: works}


def _checked(
    table: Table,
    dataset: TableFile,
    snapshot: Snapshot,
    previous: Snapshot | None,
    others: Mapping[str, TableFile],
) -> list[CheckOutcome]:
    inputs = {
        **others,
        table.name: dataset,
        "snapshot": snapshot.row(),
        "previous_snapshot": previous.row() if previous else snapshot.row().left_out(),
    }
    with connected(inputs) as connection:
        return run_checks(connection, table)
