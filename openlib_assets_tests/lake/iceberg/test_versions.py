"""Versions of the warehouse as snapshots: what the tables say, which files stay, and who else reads them."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.iceberg.catalogue import IcebergError, Place, is_registered
from openlib_assets.lake.iceberg.record import kept_versions, registered
from openlib_assets.lake.iceberg.registering import Outcome, listed, register_warehouse
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets_tests.conftest import PlaceMaker, environment, read_table
from openlib_assets_tests.docs.markdown import TABLE_FORMATS, blocks
from openlib_assets_tests.lake.iceberg.conftest import Tables, rows_of
from openlib_assets_tests.tools.warehouses import publish

SOON = datetime(2026, 11, 3, tzinfo=UTC)
NAMES = [table.name for table in WAREHOUSE_TABLES]


def next_version(storage: Storage, days: int, works: int = 12) -> str:
    return publish(storage, {"tea": (works, days)}, SOON + timedelta(days=days)).name


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """A storage without a warehouse, and a catalogue without tables."""
    return Tables(LocalStorage(tmp_path / "a root é"), Place(f"sqlite:///{tmp_path}/tables.db", "books"))


def test_tables_have_the_columns_the_key_and_the_order_of_the_contract(tables: Tables) -> None:
    name = next_version(tables.storage, 0)
    register_warehouse(tables.storage, tables.place)
    loaded = tables.load_all(NAMES)
    for table in WAREHOUSE_TABLES:
        found = loaded[table.name]
        schema = found.schema()
        assert [(field.name, field.doc, field.optional) for field in schema.fields] == [
            (column.name, column.description, column.nullable) for column in table.columns
        ]
        assert schema.identifier_field_names() == set(table.key)
        order = [schema.find_column_name(field.source_id) for field in found.sort_order().fields]
        assert order == list(table.key)
        assert found.properties["comment"] == table.description
        assert found.properties["gc.enabled"] == "false"
        rows = rows_of(found, name)
        assert (
            rows.to_pylist() == read_table(tables.storage, f"warehouse/{name}/{table.name}/part-0.parquet").to_pylist()
        )


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
def test_after_a_copy_or_a_move_the_tables_are_those_of_the_new_place(
    how: Callable[[str, str], object], tables: Tables, tmp_path: Path
) -> None:
    name = next_version(tables.storage, 0)
    register_warehouse(tables.storage, tables.place)
    rows = tables.rows("works").to_pylist()
    new = Tables(LocalStorage(tmp_path / "new"), tables.place)
    how(tables.storage.uri(), new.storage.uri())
    assert register_warehouse(new.storage, new.place).is_new
    for table, loaded in new.load_all(NAMES).items():
        files = [task.file.file_path for task in loaded.scan().plan_files()]
        assert {loaded.location(), *files} == {new.storage.uri(f"iceberg/{table}")} | {
            new.storage.uri(f"warehouse/{name}/{table}/part-0.parquet") for _ in files
        }
    assert new.rows("works").to_pylist() == rows
    assert not register_warehouse(new.storage, new.place).is_new


def test_last_month_stays_and_what_no_snapshot_needs_goes(tables: Tables) -> None:
    storage = tables.storage
    names = []
    # Two in November, then one in December; each is published days after the one before.
    for days in (0, 20, 31):
        names.append(next_version(storage, days, works=10 + days))
        assert not is_registered(storage, tables.place)
        register_warehouse(storage, tables.place)
        assert is_registered(storage, tables.place)
    left = next_version(storage, 50)
    _, november, current = names
    assert tables.names(NAMES) == {name: {november, current, "main"} for name in NAMES}
    assert set(storage.folders("warehouse")) == {november, current, left}
    assert tables.rows("works", november).num_rows == 30
    assert tables.rows("works").num_rows == 41
    assert tables.properties()["openlib.warehouse"] == current


@pytest.mark.parametrize("known_as", ["lost", "another address"])
def test_snapshots_stay_though_the_record_does_not_tell_of_them(known_as: str, tables: Tables, tmp_path: Path) -> None:
    storage, place = tables.storage, tables.place
    october = next_version(storage, -20)
    register_warehouse(storage, place)
    november = next_version(storage, 0)
    register_warehouse(storage, place)
    if known_as == "lost":
        storage.delete(layout.ICEBERG_REGISTERED)
    else:
        (tmp_path / "link").symlink_to(tmp_path)
        place = Place(f"sqlite:///{tmp_path}/link/tables.db", "books")
    assert register_warehouse(storage, place) == Outcome(november, is_new=False, withdrawn=[])
    assert tables.names(NAMES) == {name: {october, november, "main"} for name in NAMES}
    found = registered(storage)
    assert found
    assert (found.versions, found.whole) == ([october, november], november)


def test_damaged_metadata_is_told_in_a_line_and_made_again(tables: Tables) -> None:
    name = next_version(tables.storage, 0)
    register_warehouse(tables.storage, tables.place)
    file = Path(tables.load("works").metadata_location.removeprefix("file://"))
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(IcebergError, match=r"the metadata of a table is damaged; make it again with: openlib iceberg"):
        listed(tables.storage, tables.place)
    assert register_warehouse(tables.storage, tables.place).is_new
    assert [(one.name, one.missing) for one in listed(tables.storage, tables.place)] == [(name, [])]


def test_a_catalogue_lies_where_its_address_says(tables: Tables, tmp_path: Path) -> None:
    next_version(tables.storage, 0)
    folder = tmp_path / "50%20off"
    folder.mkdir()
    register_warehouse(tables.storage, Place(f"sqlite:///{folder}/[x]%41 #?.db", "books"))
    assert [file.name for file in folder.iterdir()] == ["[x]%41 #?.db"]


def test_the_newest_are_kept_and_the_last_of_each_month_for_a_year() -> None:
    months = [f"2025{month:02}15T000000Z" for month in range(1, 13)] + ["20260115T000000Z", "20260215T000000Z"]
    early = [name.replace("15T", "03T") for name in months]
    assert kept_versions([*months, *early]) == sorted([*months[1:], early[-1]])
    assert kept_versions([]) == []


def test_duckdb_reads_them_and_what_was_there_before(tables: Tables) -> None:
    first = next_version(tables.storage, 0, works=30)
    register_warehouse(tables.storage, tables.place)
    next_version(tables.storage, 31, works=40)
    register_warehouse(tables.storage, tables.place)
    with duckdb.connect() as connection:
        # The second needs the first, which it would download.
        for extension in ("avro", "iceberg"):
            name = f"extensions/v{duckdb.__version__}/{extension}.duckdb_extension"
            connection.execute(f"LOAD '{files(f'duckdb_extension_{extension}').joinpath(name)}'")
        for table, loaded in tables.load_all(NAMES).items():
            at = loaded.refs()[first].snapshot_id
            for wanted, how in ((rows_of(loaded, "main"), ""), (rows_of(loaded, first), f", snapshot_from_id = {at}")):
                found = connection.sql(f"FROM iceberg_scan('{loaded.metadata_location}'{how})").to_arrow_table()
                assert found.cast(wanted.schema).to_pylist() == wanted.to_pylist(), table
        works = tables.load("works")
        (block,) = (block for block in blocks(TABLE_FORMATS, "sql") if "iceberg_scan" in block.text)
        shown = re.sub(r"'data/[^']+'", f"'{works.metadata_location}'", block.text.split(";")[2])
        asked = re.sub(r"= \d+", f"= {works.refs()[first].snapshot_id}", shown)
        assert connection.sql(asked).fetchall() == [(30,)]


def test_a_catalogue_whose_driver_is_missing_says_how_to_install_it(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_version(tables.storage, 0)
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(IcebergError, match=r"^postgresql://host/books, namespace openlib: needs psycopg2; install it"):
        register_warehouse(tables.storage, Place("postgresql://me:secret@host/books", "openlib"))


@pytest.fixture
def in_glue(new_place: PlaceMaker) -> Iterator[Tables]:
    """A bucket, and AWS's catalogue on the same stand-in for AWS."""
    place = new_place("s3")
    with environment(place.variables):
        yield Tables(place.open(), Place("glue", "openlib_iceberg"))


def test_on_aws_they_are_registered_in_glue(in_glue: Tables) -> None:
    current = next_version(in_glue.storage, 0, works=40)
    assert register_warehouse(in_glue.storage, in_glue.place).is_new
    tags = frozenset({current, "main"})
    assert in_glue.names(["works", "order_list"]) == dict.fromkeys(("works", "order_list"), tags)
    assert in_glue.rows("works", current).num_rows == 40
    assert in_glue.properties()["openlib.warehouse"] == current
    assert in_glue.place.address == "glue, namespace openlib_iceberg"
