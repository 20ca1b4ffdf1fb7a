"""The staging: fetched pages wait here, in the storage root, until the subject is complete.

A page set aside survives the death of its process and is not asked for again. Nothing here is ever data: the folder
lies outside the layers, is emptied when a snapshot is written, and what is older than a day is thrown away.
"""

import itertools
import json
import time
from collections.abc import Iterator

import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.arrow_values import texts
from openlib_assets.lake.contract import RAW_WORKS, Table
from openlib_assets.openlibrary.answers.checked import Page
from openlib_assets.openlibrary.reading.staged_pages import Slice, StagedPage
from openlib_assets.storage import Storage

_HOUR_NANOSECONDS = 3600 * 10**9
_DAY_NANOSECONDS = 24 * _HOUR_NANOSECONDS
# Where a fetch goes on with older pages, these may become a day old, and be thrown away by others, before it is done.
_OLD_NANOSECONDS = 18 * _HOUR_NANOSECONDS
_SCHEMA = pa.schema([("work_key", pa.string()), ("payload", pa.string()), ("canonical_line", pa.string())])


class SubjectStaging:
    """The staged pages of one subject of one source address, on their way into a table of bronze.

    The page that was last added or read stays in memory: most subjects have one, and it is read several times.
    """

    def __init__(self, storage: Storage, subject: str, source: str, table: Table = RAW_WORKS) -> None:
        self._storage = storage
        self._folder = layout.staging_folder(subject, table.name)
        self._source = source
        self._last: tuple[str, pa.Table] | None = None

    def pages(self) -> list[StagedPage]:
        """Return the pages that an interrupted fetch left, oldest first; unreadable and old ones do not count."""
        found, now = [], time.time_ns()
        for path in self._storage.paths(self._folder):
            serial = _serial(path)
            if serial is None or serial < now - _OLD_NANOSECONDS:
                continue
            try:
                table = self._table(path)
                about = json.loads(table.schema.metadata[b"page"])
            except (pa.ArrowException, KeyError, TypeError, ValueError):
                continue
            if table.schema.names == _SCHEMA.names and about.pop("source") == self._source:
                found.append(StagedPage(name=path, keys=table["work_key"].to_pylist(), **about))
        return sorted(found, key=lambda page: page.serial)

    def add(self, page: Page, limit: int) -> StagedPage:
        """Set a page aside."""
        serial = time.time_ns()
        staged = StagedPage(
            name=f"{self._folder}/{serial}-{page.offset}.arrow",
            serial=serial,
            offset=page.offset,
            limit=limit,
            work_count=page.work_count,
            keys=page.keys,
        )
        about = {
            "source": self._source,
            "serial": serial,
            "offset": page.offset,
            "limit": limit,
            "work_count": page.work_count,
        }
        columns = [texts(page.keys), texts(page.payloads), texts(page.canonical_lines)]
        batch = pa.record_batch(columns, schema=_SCHEMA.with_metadata({"page": json.dumps(about)}))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_batch(batch)
        self._storage.write(staged.name, sink.getvalue().to_pybytes())
        self._last = staged.name, pa.Table.from_batches([batch])
        return staged

    def batches(self, slices: list[Slice]) -> Iterator[pa.RecordBatch]:
        """Yield the staged works in the order of the slices: key, payload, and what their hash is made of."""
        for page, pieces in itertools.groupby(slices, key=lambda piece: piece.page):
            table = self._table(page.name)
            for piece in pieces:
                yield from table.slice(piece.start, piece.stop - piece.start).to_batches()

    def clear(self) -> None:
        """Throw the subject's staged pages away."""
        self._last = None
        self._storage.clear(self._folder)

    def _table(self, path: str) -> pa.Table:
        last = self._last
        if last and last[0] == path:
            return last[1]
        with pa.ipc.open_file(pa.BufferReader(self._storage.read(path))) as reader:
            table = reader.read_all()
        self._last = path, table
        return table


def forget(storage: Storage, subject: str, until: float, table: Table = RAW_WORKS) -> None:
    """Throw away the pages of a subject for a table that were staged up to a time, in seconds since 1970."""
    for path in list(storage.paths(layout.staging_folder(subject, table.name))):
        serial = _serial(path)
        if serial is not None and serial <= until * 10**9:
            storage.delete(path)


def sweep(storage: Storage) -> None:
    """Throw away every staged page that is older than a day, of whatever subject."""
    now = time.time_ns()
    for path in list(storage.paths(layout.STAGING)):
        serial = _serial(path)
        if serial is None or not now - _DAY_NANOSECONDS <= serial <= now + _DAY_NANOSECONDS:
            storage.delete(path)


def _serial(path: str) -> int | None:
    """Return when a page was set aside, in nanoseconds since 1970; None for a file that is no page."""
    serial = path.rpartition("/")[2].partition("-")[0]
    return int(serial) if serial.isdecimal() else None
