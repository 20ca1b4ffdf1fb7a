"""DuckDB for tables as large as Open Library: bounded in memory, spilling beside the data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from openlib_assets.lake.duckdb_storage import Option, prepare
from openlib_assets.lake.dumps.engines import Numbers, Part, Place
from openlib_assets.lake.dumps.lines import LineReader
from openlib_assets.lake.dumps.made import Made
from openlib_assets.lake.dumps.ranges import Range, bands_of, slices_of
from openlib_assets.lake.dumps.relations import addresses, give_tables
from openlib_assets.lake.dumps.steps import LineFile, Step
from openlib_assets.lake.functions import functions_of
from openlib_assets.lake.transform import quoted, sql_text
from openlib_assets.storage import Storage

# Of 6 GB: DuckDB takes up to 0.3 GB more than it is allowed, and the lines under way are outside of it.
MEMORY_LIMIT = "4GB"
# The most that a step puts on disk to sort, and then fails; more than is checked to be free (docs/dumps.md).
SPILL_LIMIT = "40GB"
_BAD_LINES = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("line_text", pa.string())])


class DuckDBEngine:
    """DuckDB in this process, a range of a large table at a time."""

    name = "duckdb"
    reads_addresses = False

    def read(self, place: Place, file: LineFile, where: str, listener: Callable[[int], None]) -> Iterator[Part]:
        """Write the lines of a local file, those that cannot be cut as a part of their own."""
        query, connection = sql_text(file.sql), place.connection
        reader = LineReader(Path(where), file.columns, listener)
        place.afterwards.callback(reader.close)
        connection.execute(functions_of(query))
        connection.register("lines", reader.stream())
        try:
            yield _written(place, 0, query, place.sizes.to_scan)
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
            yield _written(place, 1, same_columns, place.sizes.to_scan)

    def make(self, place: Place, step: Step, reads: Mapping[str, Made | None]) -> Iterator[Part]:
        """Write the table of a step."""
        query, connection = sql_text(step.sql), place.connection
        row_group = place.sizes.to_look_up if step.looked_up else place.sizes.to_scan
        connection.execute(functions_of(query))
        give_tables(connection, place.storage, reads)
        for number, piece in enumerate(_pieces(place, step, reads)):
            if step.slices:
                give_tables(connection, place.storage, reads, step.slices, piece)
            elif step.bands:
                connection.execute(f"CREATE OR REPLACE TEMP TABLE band AS {piece.as_query()}")
            yield _written(place, number, query, row_group, piece.first or "")

    def cancel(self) -> None:
        """Do nothing: all is under way in the connection."""

    def numbers(self) -> Numbers:
        """Return nothing: what it takes is what the process takes."""
        return {}


def _pieces(place: Place, step: Step, reads: Mapping[str, Made | None]) -> Sequence[Range]:
    first = reads[step.reads[0]]
    if step.slices and first:
        return slices_of(place.connection, addresses(place.storage, first), step.slices, place.sizes.in_slice)
    return bands_of(place.connection, place.sizes.in_band) if step.bands else [Range()]


def _written(place: Place, number: int, query: str, row_group: int, first: str = "") -> Part:
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {row_group}"
    with place.storage.writing(f"{place.folder}/{place.part(number)}") as file:
        (rows,) = place.connection.execute(f"COPY ({query}) TO {quoted(str(file))} ({options})").fetchall()[0]
        size = file.stat().st_size
    return Part(place.part(number), rows, size, first)


@contextmanager
def catalogue_engine(storage: Storage, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a DuckDB of its own that can read the storage, and spills into a folder."""
    config: dict[str, Option] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(spill),
        "max_temp_directory_size": SPILL_LIMIT,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        prepare(connection, storage)
        yield connection
