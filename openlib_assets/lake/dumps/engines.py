"""What makes tables: an engine writes the parts of each, from the lines of a file or from tables that are there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import duckdb

from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.ranges import Sizes
from openlib_assets.lake.dumps.steps import LineFile, Step
from openlib_assets.storage import Storage

# What an engine tells of its work on a table, by names that people read.
Numbers: TypeAlias = Mapping[str, str | int | float]
# Among them: what other processes took than the one that waits for them, and where people see what they do.
EXECUTOR_CPU = "executor CPU seconds"
APPLICATION_URL = "application URL"


@dataclass(frozen=True)
class Part:
    """A file of a table: its name, rows and bytes, and the least key that is in no part before."""

    name: str
    rows: int
    bytes: int
    first: str = ""


@dataclass(frozen=True)
class Place:
    """Where a table of a dump is made: below `folder` of the storage; what does not fit into memory goes to `spill`.

    `connection` is a DuckDB that can read the storage, `dump` the query for the row that tells which dump it is.
    `afterwards` is closed after the connection is.
    """

    storage: Storage
    connection: duckdb.DuckDBPyConnection
    spill: Path
    folder: str
    dump: str
    afterwards: ExitStack
    sizes: Sizes = field(default_factory=Sizes)

    def part(self, number: int) -> str:
        """Return the name of a part, which sorts by its number."""
        return f"part-{number:03}.parquet"


class Engine(Protocol):
    """An engine; all make the same rows in the same order, and name their parts in that order.

    One that `reads_addresses` takes files where they lie, also on S3; to others they must be local.

    Both methods yield parts as they are written, and raise StorageError, and what their engine fails with as an
    OpenlibError.
    """

    name: str
    reads_addresses: bool

    def read(self, place: Place, file: LineFile, where: str, listener: Callable[[int], None]) -> Iterator[Part]:
        """Write a row for each line of the file at a path; `listener` may hear how many bytes of it have been read.

        Raises DumpFileError.
        """
        ...

    def make(self, place: Place, step: Step, reads: Mapping[str, Made | None]) -> Iterator[Part]:
        """Write the table of a step, from tables by the names that it knows them by; None is one without rows."""
        ...

    def cancel(self) -> None:
        """End what is under way outside of this process, which then fails; called by another thread, until it does."""
        ...

    def numbers(self) -> Numbers:
        """Return what the last table took, where the engine tells more than time."""
        ...
