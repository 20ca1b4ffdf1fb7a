"""The warehouse as a file of DuckDB's: the rows of the Parquet files, with keys, indexes and comments."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from openlib_assets.lake.contract import SQL_TYPES, WAREHOUSE_TABLES
from openlib_assets.lake.database import duckdb_file
from openlib_assets.lake.database.duckdb_file import write_file
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.versions import WarehouseError
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets_tests.conftest import Place, environment, read_table
from openlib_assets_tests.tools.warehouses import publish

SUBJECTS = {"tea": (1_200, 1), 'o\'brien: "x"': (30, 2), "place:são_paulo": (0, 1)}


@contextmanager
def opened(storage: Storage, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a copy of the file, as another program would."""
    copy = folder / "copy.duckdb"
    with storage.local_copy("warehouse.duckdb") as file:
        shutil.copy(file, copy)
    with duckdb.connect(copy) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture
def storage(place: Place) -> Iterator[Storage]:
    """A storage with a warehouse."""
    with environment(place.variables):
        storage = place.open()
        publish(storage, SUBJECTS)
        yield storage


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a storage on disk with that warehouse, which no test changes."""
    root = tmp_path_factory.mktemp("published") / "root"
    publish(LocalStorage(root), SUBJECTS)
    return root


@pytest.fixture
def local(published: Path, tmp_path: Path) -> LocalStorage:
    """A copy of it, to be changed."""
    shutil.copytree(published, tmp_path / "root")
    return LocalStorage(tmp_path / "root")


@pytest.fixture(scope="module")
def written(published: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    """A copy of it with its file, which no test changes."""
    root = tmp_path_factory.mktemp("written") / "root"
    shutil.copytree(published, root)
    storage = LocalStorage(root)
    assert write_file(storage).is_new
    return storage


def parquet(storage: Storage) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the current version, by other means."""
    version = versions.existing(storage)
    return {table.name: read_table(storage, version.file(table.name)).to_pylist() for table in WAREHOUSE_TABLES}


def test_it_has_the_rows_of_all_tables_with_their_types(storage: Storage, tmp_path: Path) -> None:
    assert write_file(storage).is_new
    wanted = parquet(storage)
    assert len(wanted["works"]) == 1_227  # of 30 works of the second subject, three are in the first, too
    with opened(storage, tmp_path) as connection:
        for table in WAREHOUSE_TABLES:
            rows = connection.sql(f"FROM {table.name} ORDER BY {', '.join(table.key)}").to_arrow_table().to_pylist()
            assert rows == wanted[table.name]
            columns = connection.sql(f"DESCRIBE {table.name}").fetchall()
            assert [(name, kind, null == "YES") for name, kind, null, *_ in columns] == [
                (
                    column.name,
                    SQL_TYPES[column.type].replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"),
                    column.nullable,
                )
                for column in table.columns
            ]


def test_keys_hold_and_what_people_look_for_is_indexed(written: LocalStorage, tmp_path: Path) -> None:
    with opened(written, tmp_path) as connection:
        held = connection.sql(
            "SELECT table_name, constraint_type, constraint_text FROM duckdb_constraints()"
        ).fetchall()
        primary = {name: re.findall(r"\w+", text)[2:] for name, kind, text in held if kind == "PRIMARY KEY"}
        assert primary == {table.name: list(table.key) for table in WAREHOUSE_TABLES}
        with pytest.raises(duckdb.ConstraintException, match=r"(?i)duplicate key"):
            connection.execute("INSERT INTO subjects FROM subjects LIMIT 1")
        indexed = connection.sql("SELECT table_name, expressions FROM duckdb_indexes()").fetchall()
        found = {(table, re.sub(r"\W+", " ", columns).strip()) for table, columns in indexed}
        looked_for = {("works", "title"), ("works", "isbn13"), ("work_isbns", "isbn13"), ("authors", "author_name")}
        assert looked_for | {("work_authors", "work_key"), ("stocking_list", "subject work_key")} <= found


def test_tables_and_columns_say_what_they_are(written: LocalStorage, tmp_path: Path) -> None:
    with opened(written, tmp_path) as connection:
        tables = dict(connection.sql("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        columns = connection.sql("SELECT table_name, column_name, comment FROM duckdb_columns()").fetchall()
    assert {table.name: table.description for table in WAREHOUSE_TABLES}.items() <= tables.items()
    assert {
        (table.name, column.name, column.description) for table in WAREHOUSE_TABLES for column in table.columns
    } <= {*columns}


def test_the_view_of_merged_works_is_there(written: LocalStorage, tmp_path: Path) -> None:
    rows = parquet(written)
    merged = {row["work_key"]: row["duplicate_of"] for row in rows["stocking_list"] if row["duplicate_of"]}
    assert len(merged) == 1
    with opened(written, tmp_path) as connection:
        shown = dict(connection.sql("SELECT work_key, merged_works FROM works_merged").fetchall())
    assert len(shown) == len(rows["works"]) - 1
    (pair,) = ({*pair} for pair in merged.items())
    assert [(key, works) for key, works in shown.items() if works != 1] == [((pair & shown.keys()).pop(), 2)]


def test_it_is_written_for_a_new_version_only(storage: Storage, tmp_path: Path) -> None:
    first = write_file(storage)
    stamp = storage.stamp("warehouse.duckdb")
    again = write_file(storage)
    assert (first.is_new, again.is_new) == (True, False)
    assert storage.stamp("warehouse.duckdb") == stamp
    version = publish(storage, {"tea": (1_201, 2)})
    assert write_file(storage).is_new
    with opened(storage, tmp_path) as connection:
        assert connection.sql("SELECT subject, works FROM subjects").fetchall() == [("tea", 1_201)]
        assert connection.sql("SELECT version FROM openlib_load").fetchall() == [(version.name,)]


def test_who_was_slow_leaves_no_old_version_in_the_place_of_a_new_one(
    local: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, newer = duckdb_file._write, iter([{"tea": (7, 2)}])

    def slowly(*args: Any) -> None:
        write(*args)
        for subjects in newer:  # somebody else publishes a version meanwhile, and writes its file
            publish(local, subjects)
            assert write_file(local).is_new

    monkeypatch.setattr(duckdb_file, "_write", slowly)
    assert write_file(local) == duckdb_file.Written(versions.existing(local), is_new=True)
    with opened(local, tmp_path) as connection:
        assert connection.sql("SELECT count(*) FROM works").fetchall() == [(7,)]


def test_a_large_one_is_the_same_though_it_is_written_table_by_table(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "root")
    version = publish(storage, {"tea": (21_000, 1)})
    assert sum(version.rows.values()) > 200_000
    assert write_file(storage).is_new
    with opened(storage, tmp_path) as connection:
        counts = {name: connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in version.rows}  # noqa: S608
        indexed = connection.sql("SELECT count(*) FROM duckdb_indexes()").fetchall()
        works = connection.sql("FROM works ORDER BY work_key").to_arrow_table().to_pylist()
    assert counts == version.rows
    assert indexed[0][0] > 10
    assert works == read_table(storage, version.file("works")).to_pylist()
    assert not write_file(storage).is_new


@pytest.mark.parametrize("damage", [b"", b"no database", b"\0" * 100_000])
def test_a_damaged_file_is_replaced(damage: bytes, local: LocalStorage, tmp_path: Path) -> None:
    local.write("warehouse.duckdb", damage)
    assert write_file(local).is_new
    with opened(local, tmp_path) as connection:
        assert len(connection.sql("FROM works").fetchall()) == 1_227


def test_who_reads_the_file_goes_on_in_what_they_opened(local: LocalStorage) -> None:
    write_file(local)
    with duckdb.connect(local.uri("warehouse.duckdb"), read_only=True) as reader:
        publish(local, {"tea": (7, 2)})
        assert write_file(local).is_new
        assert reader.sql("SELECT count(*) FROM works").fetchall() == [(1_227,)]
    assert [path for path in local.paths("") if path.endswith((".wal", ".tmp"))] == []


def test_a_question_mark_in_the_path_is_a_letter_like_any(published: Path, tmp_path: Path) -> None:
    root = tmp_path / "why? here" / "root"
    shutil.copytree(published, root)
    assert write_file(LocalStorage(root)).is_new
    with opened(LocalStorage(root), tmp_path) as connection:
        assert connection.sql("SELECT count(*) FROM subjects").fetchall() == [(len(SUBJECTS),)]
    assert {path.name for path in tmp_path.iterdir()} == {"why? here", "copy.duckdb"}


def test_the_next_version_has_the_rights_of_the_one_before(local: LocalStorage) -> None:
    write_file(local)
    file = Path(local.uri("warehouse.duckdb"))
    file.chmod(0o600)
    publish(local, {"tea": (7, 2)})
    assert write_file(local).is_new
    assert file.stat().st_mode & 0o777 == 0o600


def test_before_there_is_a_warehouse_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"^.*/warehouse/current\.json: there is no warehouse yet; run a subject"):
        write_file(LocalStorage(tmp_path))
