"""Makes the tables of a dump: each whole or not at all, and none again whose inputs and code are what they were."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import pyarrow as pa

from openlib_assets.lake import layout
from openlib_assets.lake.contract import CATALOGUE_TABLES, Layer
from openlib_assets.lake.dumps.engine import catalogue_engine, helpers_text, interruptibly
from openlib_assets.lake.dumps.lines import DumpFileError, LineReader
from openlib_assets.lake.dumps.made import Made, read_made, record_made, unmake
from openlib_assets.lake.dumps.ranges import Range, Sizes, bands_of, slices_of
from openlib_assets.lake.dumps.relations import addresses, give, give_none
from openlib_assets.lake.dumps.steps import BEFORE, STEPS, LineFile, Step, layer_of
from openlib_assets.lake.transform import CheckOutcome, quoted, run_checks, sql_text
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.errors import OpenlibError

_PREVIEW_ROWS = 5
# Of a file that has less than this share of the lines of the dump before, something is missing.
_LEAST_LINES = 0.8
_CONTRACT = {table.name: table for table in CATALOGUE_TABLES}
_BAD_LINES = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("line_text", pa.string())])

_Parts = Iterator["_Part"]


class NotMadeError(OpenlibError):
    """A table is to be made from one that is not there, or the disk or the storage did not let it be made."""


@dataclass(frozen=True)
class _Part:
    """A file of a table: its name, rows and bytes, and the least key that is in no part before."""

    name: str
    rows: int
    bytes: int
    first: str


@dataclass(frozen=True)
class _Piece:
    """How a part is written: the least key that is in no part before it, and how many rows a row group has."""

    first: str
    row_group: int


@dataclass(frozen=True)
class Built:
    """A table that is there; if it was made now, it is `changed`, with what its checks found and its first rows."""

    made: Made
    outcomes: Sequence[CheckOutcome] = ()
    preview: Sequence[tuple[Any, ...]] = ()
    changed: bool = False


@dataclass(frozen=True)
class Build:
    """The making of the lake of the dump of a date, by who holds its lock; `before` is the dump to compare it with."""

    storage: Storage
    date: str
    before: str | None = None
    sizes: Sizes = field(default_factory=Sizes)

    def read(self, file: LineFile, local: Path, digest: str, listener: Callable[[int], None] = lambda _: None) -> Built:
        """Make the table of the lines of a local file, for whose content `digest` stands.

        `listener` hears how many bytes of it have been read. Raises DumpFileError, and StorageError.
        """
        query = sql_text(file.sql)
        folder = self._folder(Layer.BRONZE, file.table)
        whole = _Piece("", self.sizes.to_scan)
        reader = LineReader(local, file.columns, listener)

        def parts(connection: duckdb.DuckDBPyConnection) -> _Parts:
            connection.register("lines", reader.stream())
            try:
                yield self._written(connection, folder, 0, query, whole)
            except duckdb.Error:
                if reader.error:
                    raise reader.error from None
                raise
            finally:
                connection.unregister("lines")
            if reader.bad:
                bad = pa.Table.from_pylist([vars(line) for line in reader.bad], schema=_BAD_LINES)
                connection.register("bad_lines", bad)
                connection.register("lines", reader.schema.empty_table())
                same_columns = f"({query}) UNION ALL BY NAME FROM bad_lines ORDER BY line"
                yield self._written(connection, folder, 1, same_columns, whole)
            self._require_lines(file, local, reader.lines)

        with closing(reader):
            return self._built(Layer.BRONZE, file.table, _version(file.name, digest, query), parts)

    def make(self, step: Step) -> Built:
        """Make the table of a step from what is there. Raises NotMadeError, CheckFailedError, and StorageError."""
        reads = {name: self._there(name) for name in step.reads}
        query = sql_text(step.sql)
        folder = self._folder(step.layer, step.table)
        row_group = self.sizes.to_look_up if step.looked_up else self.sizes.to_scan

        def parts(connection: duckdb.DuckDBPyConnection) -> _Parts:
            connection.execute(f"CREATE TEMP TABLE dump AS {self._about()}")
            self._give(connection, reads)
            for number, piece in enumerate(self._pieces(connection, step, reads)):
                if step.slices:
                    self._give(connection, reads, step.slices, piece)
                elif step.bands:
                    connection.execute(f"CREATE OR REPLACE TEMP TABLE band AS {piece.as_query()}")
                yield self._written(connection, folder, number, query, _Piece(piece.first or "", row_group))
            self._give(connection, reads)

        return self._built(step.layer, step.table, self._version(step, reads), parts)

    def is_complete(self) -> bool:
        """Tell whether the tables of all steps are there, each made from the others as they are now."""
        try:
            return all(self._is_current(step) for step in STEPS)
        except NotMadeError:
            return False

    def _is_current(self, step: Step) -> bool:
        made, reads = self._there(step.table), {name: self._there(name) for name in step.reads}
        return made is not None and made.version == self._version(step, reads)

    def _folder(self, layer: Layer, table: str) -> str:
        return layout.dump_folder(layer, table, self.date)

    def _version(self, step: Step, reads: Mapping[str, Made | None]) -> str:
        versions = [made.version if made else "" for made in reads.values()]
        return _version(self.date, str(self.before), sql_text(step.sql), *versions)

    def _require_lines(self, file: LineFile, local: Path, lines: int) -> None:
        """Raise DumpFileError if a file has far fewer lines than that of the dump before, as after a cut."""
        before = read_made(self.storage, Layer.BRONZE, file.table, self.before) if self.before else None
        if before and lines < _LEAST_LINES * before.rows:
            raise DumpFileError(
                f"{local}: {lines:,} lines, while that of the dump of {self.before} has {before.rows:,}: something is "
                "missing; fetch it again, or take the dump of another date"
            )

    def _there(self, name: str) -> Made | None:
        """Return the table that a step reads by a name; None for one of the dump before where there is none."""
        table = name.removesuffix(BEFORE)
        date = self.date if name == table else self.before
        made = read_made(self.storage, layer_of(table), table, date) if date else None
        if made is None and name == table:
            raise NotMadeError(f"{table} of the dump of {date} is not there; make it with: openlib dump build {date}")
        return made

    def _give(
        self,
        connection: duckdb.DuckDBPyConnection,
        reads: Mapping[str, Made | None],
        column: str = "",
        piece: Range | None = None,
    ) -> None:
        for name, made in reads.items():
            if made:
                give(connection, self.storage, name, made, column=column, piece=piece)
            else:
                give_none(connection, name, name.removesuffix(BEFORE))

    def _pieces(
        self, connection: duckdb.DuckDBPyConnection, step: Step, reads: Mapping[str, Made | None]
    ) -> Sequence[Range]:
        first = reads[step.reads[0]]
        if step.slices and first:
            return slices_of(connection, addresses(self.storage, first), step.slices, self.sizes.in_slice)
        return bands_of(connection, self.sizes.in_band) if step.bands else [Range()]

    def _about(self) -> str:
        before = f"'{self.before}'" if self.before else "NULL::VARCHAR"
        return f"SELECT '{self.date}' AS date, {before} AS date_before, {int(self.date[:4])}::BIGINT AS year"

    def _built(
        self, layer: Layer, table: str, version: str, parts: Callable[[duckdb.DuckDBPyConnection], _Parts]
    ) -> Built:
        """Return the table as it is there, of this version, or else made now."""
        there = read_made(self.storage, layer, table, self.date)
        if there and there.version == version and all(map(self.storage.exists, there.paths())):
            return Built(there)
        # Whatever is made from the table is not of one piece with it any more.
        self.storage.delete(layout.dump_lake(self.date))
        unmake(self.storage, layer, table, self.date)
        began, cpu = time.monotonic(), time.process_time()

        def built() -> Built:
            written = list(parts(connection))
            made = Made(
                layer=layer,
                table=table,
                date=self.date,
                version=version,
                rows=sum(part.rows for part in written),
                bytes=sum(part.bytes for part in written),
                parts=[part.name for part in written],
                firsts=[part.first for part in written],
                seconds=time.monotonic() - began,
                cpu_seconds=time.process_time() - cpu,
            )
            give(connection, self.storage, table, made)
            outcomes = run_checks(connection, _CONTRACT[table]) if table in _CONTRACT else []
            preview = connection.execute(f"FROM {table} LIMIT {_PREVIEW_ROWS}").fetchall()
            return Built(made, outcomes, preview, changed=True)

        with (
            self._telling(self._folder(layer, table)),
            self._spilling() as spill,
            catalogue_engine(self.storage, spill) as connection,
        ):
            result = interruptibly(connection, built)
        record_made(self.storage, result.made)
        return result

    def _written(
        self, connection: duckdb.DuckDBPyConnection, folder: str, number: int, query: str, piece: _Piece
    ) -> _Part:
        name = f"part-{number:03}.parquet"
        options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {piece.row_group}"
        with self.storage.writing(f"{folder}/{name}") as file:
            (rows,) = connection.execute(f"COPY ({query}) TO {quoted(str(file))} ({options})").fetchall()[0]
            size = file.stat().st_size
        return _Part(name, rows, size, piece.first)

    @contextmanager
    def _telling(self, folder: str) -> Iterator[None]:
        """Say in one line what kept a table from being made: a disk or a storage that refuses, or too little memory."""
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
            line = str(error).strip().splitlines()[0].partition("Error: ")
            raise NotMadeError(
                f"{self.storage.uri(folder)}: {line[2] or line[0]}; "
                f"once that is put right, go on with: openlib dump build {self.date}"
            ) from error

    @contextmanager
    def _spilling(self) -> Iterator[Path]:
        """Lend a folder for what does not fit into memory: beside the data, where there has to be room anyway."""
        place = None
        if isinstance(self.storage, LocalStorage):
            place = Path(self.storage.uri(layout.SPILL))
            place.mkdir(parents=True, exist_ok=True)
            # Of whoever held the lock before, and was killed.
            for left in place.glob(f"{self.date}-*"):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(mkdtemp(prefix=f"{self.date}-", dir=place))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _version(*parts: str) -> str:
    """Return what stands for all that a table is made from and by."""
    return hashlib.sha256("\n".join([helpers_text(), *parts]).encode()).hexdigest()[:16]
