"""Two months of a small catalogue, built once, in a storage of each test's own; and a catalogue of tables for it."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table as IcebergTable

from openlib_assets.lake.contract import CATALOGUE_TABLES
from openlib_assets.lake.iceberg.catalogue import Place
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets_tests.tools.dump_lakes import build_lake, dump_table
from openlib_assets_tests.tools.dump_lines import (
    BEFORE,
    DATE,
    Lines,
    author,
    by,
    edition,
    rating,
    record,
    redirect,
    work,
    write_dump,
)

JULY, AUGUST = BEFORE, DATE
DUMPED = [table.name for table in CATALOGUE_TABLES]


def lines(*titles: str) -> Lines:
    """Return the lines of a dump: a work for each title."""
    works = [
        work(f"OL{number}W", title=title, subjects=["Tea", "Ünïcode"], authors=by("OL1A"))
        for number, title in enumerate(titles, 1)
    ]
    return {
        "works": [*works, record("work", "/works/nonsense", title="bad")],
        "editions": [
            edition(
                "OL1M", "OL1W", publish_date="1999", isbn_13=["9780306406157"], languages=[{"key": "/languages/eng"}]
            ),
            edition("OL2M", "OL2W", publishers=["Tor"], number_of_pages=7),
        ],
        "authors": [author("OL1A", "Ada")],
        "redirects": [redirect("/works/OL9W", "/works/OL1W")],
        "ratings": [rating("OL1W", day="2026-06-30")],
        "reading-log": ["/works/OL1W\t\\N\tWant to Read\t2026-06-30"],
    }


@dataclass(frozen=True)
class Tables:
    """Tables of a catalogue, read by pyiceberg; `lent` are the catalogues of those, which a change opens again."""

    storage: Storage
    place: Place
    lent: list[Catalog] = field(default_factory=list)

    def load(self, table: str) -> IcebergTable:
        """Return a table as it is now."""
        return self.load_all([table])[table]

    def load_all(self, tables: Sequence[str]) -> dict[str, IcebergTable]:
        """Return tables as they are now, from a catalogue that is opened once."""
        with self.place.opened(self.storage) as catalogue:
            self.lent.append(catalogue)
            return {table: catalogue.load_table((self.place.namespace, table)) for table in tables}

    def rows(self, table: str, name: str = "main") -> pa.Table:
        """Return the rows of the snapshot of a name."""
        return rows_of(self.load(table), name)

    def names(self, tables: list[str]) -> dict[str, set[str]]:
        """Return the names of the snapshots of each table."""
        return {table: set(loaded.refs()) for table, loaded in self.load_all(tables).items()}

    def properties(self) -> Mapping[str, str]:
        """Return what is said of the namespace."""
        with self.place.opened(self.storage) as catalogue:
            return catalogue.load_namespace_properties(self.place.namespace)

    def assert_same_as_dump(self, date: str, name: str = "") -> None:
        """Compare each table of a dump with the lake of this, cell by cell."""
        for table, loaded in self.load_all(DUMPED).items():
            found, wanted = rows_of(loaded, name or date), dump_table(self.storage, table, date)
            assert found.schema.names == wanted.schema.names
            assert found.to_pylist() == wanted.to_pylist(), table


def rows_of(table: IcebergTable, name: str) -> pa.Table:
    """Return the rows of the snapshot of a name."""
    return table.scan(snapshot_id=table.refs()[name].snapshot_id).to_arrow()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a storage with the lakes of both months."""
    folder = tmp_path_factory.mktemp("built")
    months = {JULY: lines("Tea", "Coffee", "Cocoa"), AUGUST: lines("Tea", "Coffee!", "Cocoa", "Mate")}
    for date, content in months.items():
        build_lake(LocalStorage(folder / "root"), write_dump(folder, date, content), date)
    return folder / "root"


@pytest.fixture
def tables(built: Path, tmp_path: Path) -> Iterator[Tables]:
    """Nothing is registered yet; the addresses have letters that some readers would encode."""
    root = tmp_path / "a lake é"
    shutil.copytree(built, root)
    tables = Tables(LocalStorage(root), Place(f"sqlite:///{tmp_path}/tables.db", "openlib"))
    yield tables
    for catalogue in tables.lent:
        catalogue.close()
