"""The store's catalogue: from the file of what the store sells to the table."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from openlib_assets.lake.arrow_values import optional_texts, texts
from openlib_assets.lake.contract import STORE_CATALOGUE
from openlib_assets.lake.store.cells import Cells, Row, UnreadableStoreFileError, read_cells
from openlib_assets.lake.table_files import file_digest, table_file, write_table
from openlib_assets.lake.transform import Built, built, sql_text
from openlib_assets.settings import STORE_COLUMNS, Settings
from openlib_assets.storage import Storage, open_storage, split_address
from openlib_assets.storage.errors import OpenlibError

_BATCH_ROWS = 65_536
_LINES = pa.schema([(name, pa.string()) for name in ("row", *STORE_COLUMNS)])


class NoStoreFileError(OpenlibError):
    """There is no file where the setting says."""


@dataclass(frozen=True)
class StoreFile:
    """The file of what the store sells: its address, and what is said of how it is to be read."""

    address: str
    said: Mapping[str, str]

    @staticmethod
    def of(settings: Settings) -> "StoreFile | None":
        """Return the file that the settings name, None if they name none."""
        address = settings.store_catalogue
        return StoreFile(address, settings.store_file_has()) if address else None

    def stamp(self) -> str:
        """Return what changes whenever the file does, without reading it, and with what is said of it."""
        storage, path = self._place()
        return f"{self.address} {storage.stamp(path)} {sorted(self.said.items())}"

    def digest(self) -> str:
        """Return the SHA-256 of the file and of what is said of it; raises NoStoreFileError, and as `built`."""
        with self.local() as file, self._named():
            return self._digest(file)

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Lend the file on the local disk; raises NoStoreFileError."""
        storage, path = self._place()
        if not storage.exists(path):
            raise NoStoreFileError(f"{self.address}: there is no such file; correct OPENLIB_STORE_CATALOGUE")
        with storage.local_copy(path) as file:
            yield file

    def _place(self) -> tuple[Storage, str]:
        root, path = split_address(self.address)
        return open_storage(root), path

    def _digest(self, file: Path) -> str:
        return hashlib.sha256(f"{file_digest(file)} {sorted(self.said.items())}".encode()).hexdigest()

    def header(self) -> Mapping[str, str]:
        """Return how the file is read, and which columns it has, without reading its rows."""
        with self.local() as file, self._named():
            cells = read_cells(file, self.said)
            return {**cells.how, **cells.columns.called}

    @contextmanager
    def built(self) -> Iterator["BuiltCatalogue"]:
        """Lend the table as it is made from the file, before it is written; raises UnreadableStoreFileError."""
        with self.local() as file, tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            lines = Path(folder) / "lines.parquet"
            with self._named():
                # First: if the file is replaced meanwhile, it will be read again.
                digest = self._digest(file)
                cells = read_cells(file, self.said)
                write_table(lines, _batches(cells), _LINES)
            with built(STORE_CATALOGUE, {"store_lines": table_file(lines)}, prepare=_read_cells) as table:
                with self._named():
                    if not table.rows:
                        raise UnreadableStoreFileError(
                            "no row below the header says anything in the columns read; the table before it stays"
                        )
                yield BuiltCatalogue(table, {**cells.how, **cells.columns.called}, digest)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let an error say which file it is of."""
        try:
            yield
        except UnreadableStoreFileError as error:
            raise UnreadableStoreFileError(f"{self.address}: {error}") from error
        except (OSError, pa.ArrowException, UnicodeError) as error:
            raise UnreadableStoreFileError(f"{self.address}: {' '.join(str(error).split())}") from error


@dataclass(frozen=True)
class BuiltCatalogue:
    """The table just made, how its file was read, and the digest of that file."""

    table: Built
    how: Mapping[str, str]
    digest: str


def _read_cells(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection that knows the lines of the store's file know what their cells say."""
    connection.execute(sql_text("helpers/store_cells"))


def _batches(cells: Cells) -> Iterator[pa.RecordBatch]:
    numbered = enumerate(cells.rows)
    places = [cells.columns.places.get(column, ()) for column in STORE_COLUMNS]
    while some := list(islice(numbered, _BATCH_ROWS)):
        columns = [[_cell(row, of_column) for _, row in some] for of_column in places]
        yield pa.RecordBatch.from_arrays(
            [texts(str(number) for number, _ in some), *map(optional_texts, columns)], schema=_LINES
        )


def _cell(row: Row, places: Sequence[int]) -> str:
    """Return the cell of a column; several of ISBNs become one that lists them."""
    return ";".join(row[place] for place in places if place < len(row))
