"""Makes the tables of a dump: each whole or not at all, and none again whose inputs and code are what they were."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

import duckdb

from openlib_assets.lake import layout
from openlib_assets.lake.contract import CATALOGUE_TABLES, Layer
from openlib_assets.lake.duckdb_storage import interruptibly
from openlib_assets.lake.dumps.engine import DuckDBEngine, catalogue_engine
from openlib_assets.lake.dumps.engines import EXECUTOR_CPU, Engine, Part, Place
from openlib_assets.lake.dumps.lines import DumpFileError
from openlib_assets.lake.dumps.made import Made, read_made, record_made, unmake
from openlib_assets.lake.dumps.ranges import Sizes
from openlib_assets.lake.dumps.relations import give, give_tables
from openlib_assets.lake.dumps.steps import BEFORE, STEPS, LineFile, Step, layer_of
from openlib_assets.lake.functions import all_functions
from openlib_assets.lake.transform import CheckOutcome, run_checks, sql_text
from openlib_assets.settings import DUCKDB, Settings
from openlib_assets.storage import LocalStorage, LockCheck, MissingFileError, Storage
from openlib_assets.storage.errors import OpenlibError, first_line

_PREVIEW_ROWS = 5
# Of a file that has less than this share of the lines of the dump before, something is missing.
_LEAST_LINES = 0.8
_CONTRACT = {table.name: table for table in CATALOGUE_TABLES}


class NotMadeError(OpenlibError):
    """A table is to be made from one that is not there, or the disk or the storage did not let it be made."""


@dataclass(frozen=True)
class Built:
    """A table that is there; if it was made now, it is `changed`, with what its checks found and its first rows."""

    made: Made
    outcomes: Sequence[CheckOutcome] = ()
    preview: Sequence[tuple[Any, ...]] = ()
    changed: bool = False


@dataclass(frozen=True)
class Build:
    """The making of the lake of the dump of a date, by who holds its lock, whose `check` is asked before each change.

    `before` is the dump to compare it with; `accepts_loss`: files may have far fewer lines than those of that.
    """

    storage: Storage
    date: str
    before: str | None = None
    engine: Engine = field(default_factory=DuckDBEngine)
    sizes: Sizes = field(default_factory=Sizes)
    check: LockCheck = lambda: None
    accepts_loss: bool = False

    def found(self, file: LineFile, digest: str) -> Built | None:
        """Return the table of the lines of a file for whose content `digest` stands; None where it is not there."""
        return self._found(Layer.BRONZE, file.table, _file_version(file, digest))

    def read(
        self, file: LineFile, where: Path | str, digest: str, listener: Callable[[int], None] = lambda _: None
    ) -> Built:
        """Make the table of the lines of a file, for whose content `digest` stands.

        The file is a local one, or at an address that the engine reads. `listener` hears how many bytes of it have been
        read. Raises DumpFileError, and StorageError.
        """

        def parts(place: Place) -> Iterator[Part]:
            lines = 0
            for part in self.engine.read(place, file, str(where), listener):
                lines += part.rows
                yield part
            self._require_lines(file, str(where), lines)

        return self._built(Layer.BRONZE, file.table, _file_version(file, digest), parts)

    def make(self, step: Step) -> Built:
        """Make the table of a step from what is there. Raises NotMadeError, CheckFailedError, and StorageError."""
        reads = {name: self._there(name) for name in step.reads}

        def parts(place: Place) -> Iterator[Part]:
            for made in filter(None, reads.values()):
                self._require_whole(made)
            yield from self.engine.make(place, step, reads)
            # The checks see them, too.
            give_tables(place.connection, self.storage, reads)

        return self._built(step.layer, step.table, self._version(step, reads), parts)

    def versions(self) -> dict[str, str]:
        """Return the versions of the tables of all steps; none unless each is made from the others as they are now."""
        there = cache(self._there)  # several steps read the same, and on S3 each look is some requests
        versions = {}
        try:
            for step in STEPS:
                made, reads = there(step.table), {name: there(name) for name in step.reads}
                if made is None or made.version != self._version(step, reads):
                    return {}
                versions[step.table] = made.version
        except NotMadeError:
            return {}
        return versions

    def _version(self, step: Step, reads: Mapping[str, Made | None]) -> str:
        versions = [made.version if made else "" for made in reads.values()]
        return _version(self.date, str(self.before), sql_text(step.sql), *versions)

    def _require_lines(self, file: LineFile, where: str, lines: int) -> None:
        """Raise DumpFileError if a file has far fewer lines than that of the dump before, as after a cut."""
        if self.before is None or self.accepts_loss:
            return
        before = self._there(f"{file.table}{BEFORE}")
        if before and lines < _LEAST_LINES * before.rows:
            raise DumpFileError(
                f"{where}: {lines:,} lines, while that of the dump of {self.before} has {before.rows:,}: something is "
                "missing; remove it and fetch it again, take the dump of another date, or accept the loss with: "
                f"openlib dump build {self.date} --force"
            )

    def _there(self, name: str) -> Made | None:
        """Return the table that a step reads by a name; None for one of the dump before where there is none."""
        table = name.removesuffix(BEFORE)
        date = self.date if name == table else self.before
        made = read_made(self.storage, layer_of(table), table, date) if date else None
        if made is None and date:
            raise NotMadeError(f"{table} of the dump of {date} is not there; make it with: openlib dump build {date}")
        return made

    def _require_whole(self, table: Made) -> None:
        """Raise NotMadeError if a table was cut or has lost a part: DuckDB would not say of which dump it is."""
        if not self._is_whole(table):
            raise NotMadeError(
                f"{table.table} of the dump of {table.date} has lost a file, or a part of one; make it again with: "
                f"openlib dump build {table.date}"
            )

    def _about(self) -> str:
        before = f"'{self.before}'" if self.before else "NULL::VARCHAR"
        return f"SELECT '{self.date}' AS date, {before} AS date_before, {int(self.date[:4])}::BIGINT AS year"

    def _found(self, layer: Layer, table: str, version: str) -> Built | None:
        """Return the table as it is there, of this version and whole."""
        there = read_made(self.storage, layer, table, self.date)
        if there and there.version == version and self._is_whole(there):
            return Built(there)
        return None

    def _is_whole(self, table: Made) -> bool:
        """Tell whether all parts of a table are there, and none of them was cut."""
        try:
            return sum(map(self.storage.size, table.paths())) == table.bytes
        except MissingFileError:
            return False

    def _built(self, layer: Layer, table: str, version: str, parts: Callable[[Place], Iterator[Part]]) -> Built:
        """Return the table as it is there, of this version, or else made now."""
        if found := self._found(layer, table, version):
            return found
        self.check()
        # Whatever is made from the table is not of one piece with it any more.
        if self.storage.exists(layout.dump_lake(self.date)):
            self.storage.write(layout.dump_lake_made_again(self.date), b"")
            self.storage.delete(layout.dump_lake(self.date))
        unmake(self.storage, layer, table, self.date)
        folder = layout.dump_folder(layer, table, self.date)
        began, cpu = time.monotonic(), time.process_time()

        def built() -> Built:
            connection.execute(f"CREATE TEMP TABLE dump AS {self._about()}")
            place = Place(self.storage, connection, spill, folder, self._about(), afterwards, self.sizes)
            written = list(parts(place))
            numbers = self.engine.numbers()
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
                cpu_seconds=time.process_time() - cpu + float(numbers.get(EXECUTOR_CPU, 0)),
                engine=self.engine.name,
                numbers=numbers,
            )
            give(connection, self.storage, table, made)
            outcomes = run_checks(connection, _CONTRACT[table]) if table in _CONTRACT else []
            preview = connection.execute(f"FROM {table} LIMIT {_PREVIEW_ROWS}").fetchall()
            return Built(made, outcomes, preview, changed=True)

        with (
            self._telling(folder),
            self._spilling() as spill,
            ExitStack() as afterwards,
            catalogue_engine(self.storage, spill) as connection,
        ):
            result = interruptibly(connection, built, self.engine.cancel)
        self.check()
        record_made(self.storage, result.made)
        return result

    @contextmanager
    def _telling(self, folder: str) -> Iterator[None]:
        """Say in one line what kept a table from being made: a disk or a storage that refuses, or too little memory."""
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException, OSError) as error:
            line = first_line(error).partition("Error: ")
            raise NotMadeError(
                f"{self.storage.uri(folder)}: {line[2] or line[0]}; "
                f"once that is put right, go on with: openlib dump build {self.date}"
            ) from error

    @contextmanager
    def _spilling(self) -> Iterator[Path]:
        """Lend a folder for what does not fit into memory: beside data on disk, where there has to be room anyway."""
        clear_spill(self.storage, self.date)
        place, prefix = _spill_of(self.storage, self.date)
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=prefix, dir=place))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def clear_spill(storage: Storage, date: str) -> None:
    """Remove what somebody spilled on this machine who held the lock of a dump, and was killed."""
    place, prefix = _spill_of(storage, date)
    for left in place.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)


def _spill_of(storage: Storage, date: str) -> tuple[Path, str]:
    """Return where what is spilled for a dump goes, and what the names there begin with."""
    if isinstance(storage, LocalStorage):
        return Path(storage.uri(layout.SPILL)), f"{date}-"
    root = hashlib.sha256(storage.uri().encode()).hexdigest()[:8]
    return Path(gettempdir()), f"openlib-spill-{root}-{date}-"


def _file_version(file: LineFile, digest: str) -> str:
    return _version(file.name, digest, sql_text(file.sql))


def _version(*parts: str) -> str:
    """Return what stands for all that a table is made from and by."""
    return hashlib.sha256("\n".join([all_functions(), *parts]).encode()).hexdigest()[:16]


def engine_of(settings: Settings) -> Engine:
    """Return the engine that makes the tables of dumps."""
    if settings.engine == DUCKDB:
        return DuckDBEngine()
    # Loads what only those who use Spark have installed.
    from openlib_assets.lake.dumps.spark.engine import SparkEngine  # noqa: PLC0415

    return SparkEngine(settings.spark)
