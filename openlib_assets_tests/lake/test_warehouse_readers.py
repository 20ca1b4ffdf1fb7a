"""Who reads the warehouse: others while it is refreshed, and other programs than ours, whatever subjects are called."""

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake.catalog import ask, database, querying, write_catalog
from openlib_assets.lake.catalog.views import named_in
from openlib_assets.lake.contract import WAREHOUSE_TABLES
from openlib_assets.lake.database.duckdb_file import write_file
from openlib_assets.lake.exports.warehouse_tables import EXPORTED, write_exported
from openlib_assets.lake.transform import sql_text
from openlib_assets.lake.warehouse import versions
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets.storage.errors import OpenlibError
from openlib_assets_tests.docs.markdown import DATA_MODEL, blocks
from openlib_assets_tests.lake.orphans import count_orphans
from openlib_assets_tests.lake.test_warehouse import Lake, change
from openlib_assets_tests.tools.deployment import wait_until

_REFRESHES = 12
_SECONDS = 120
ODD = ("null", "007", "true", "place:são_paulo", "person:o'brien_(1900-1950)", "__hive_default_partition__")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Subjects of odd names, below folders that readers make columns of."""
    root = tmp_path_factory.mktemp("odd") / "year=2026/subject=books/root"
    with Sandbox(SandboxConfig(dict.fromkeys(ODD, 3))) as sandbox:
        lake = Lake(LocalStorage(root), sandbox)
        lake.fetch(*ODD)
        lake.refresh()
        yield lake


def test_who_reads_while_it_is_refreshed_never_sees_an_orphan(tmp_path: Path) -> None:
    root = tmp_path / "root"
    program = f"from {count_orphans.__module__} import count_orphans; count_orphans({str(root)!r})"
    with Sandbox(SandboxConfig({"one": 20, "two": 20, "three": 10})) as sandbox:
        lake = Lake(LocalStorage(root), sandbox)
        lake.fetch("one", "two", "three")
        lake.refresh()
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout
            assert reader.stdout.readline() == "begun\n"
            for number in range(_REFRESHES):
                change(lake, ("one", "two", "three")[number % 3])
                lake.fetch(("one", "two", "three")[number % 3])
                assert lake.refresh().changed == 1
            (tmp_path / "stop").touch()
            wait_until(lambda: reader.poll() is not None, _SECONDS, what="the reader's end")
            found = json.loads(reader.stdout.read())
    assert reader.returncode == 0
    assert found["looks"] > 1
    assert found["orphans"] == 0


def by_duckdb(file: Path) -> list[str]:
    # Otherwise DuckDB would make a column of the folder `subject=books`, in the place of the file's own.
    table = duckdb.read_parquet(str(file), hive_partitioning=False)
    return [subject for (subject,) in table.select("subject").fetchall()]


def by_pandas(file: Path) -> list[str]:
    return list(pd.read_parquet(file)["subject"])


def by_polars(file: Path) -> list[str]:
    return pl.read_parquet(file)["subject"].to_list()


def by_pyarrow(file: Path) -> list[str]:
    return list(pq.read_table(file)["subject"].to_pylist())


@pytest.mark.parametrize("read", [by_duckdb, by_pandas, by_polars, by_pyarrow])
def test_all_programs_read_the_same_names(odd: Lake, read: Callable[[Path], list[str]]) -> None:
    (file,) = Path(odd.storage.uri()).glob("warehouse/*/subjects/part-0.parquet")
    assert read(file) == sorted(ODD)


def test_the_docs_say_how_to_read_the_files(odd: Lake) -> None:
    (block,) = (block for block in blocks(DATA_MODEL, "python") if "data/warehouse" in block.text)
    names: dict[str, Any] = {}
    exec(block.text.replace("data/warehouse", odd.storage.uri("warehouse")), names)  # noqa: S102 - our own documents
    assert list(names["subjects"]["subject"]) == sorted(ODD)
    assert list(names["works"]["work_key"]) == [row["work_key"] for row in odd.rows("works")]


def test_the_catalog_reads_the_same_names(odd: Lake) -> None:
    query = "SELECT subject FROM subjects ORDER BY 1"
    assert asked(odd.storage, query) == [(subject,) for subject in sorted(ODD)]
    write_catalog(odd.storage)
    with duckdb.connect(odd.storage.uri("catalog.duckdb"), read_only=True) as connection:
        assert connection.sql(query).fetchall() == [(subject,) for subject in sorted(ODD)]


def test_the_catalog_is_of_the_version_that_was_published_while_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_views, published = querying.create_views, list[str]()
    with Sandbox(SandboxConfig({"one": 20})) as sandbox:
        lake = Lake(LocalStorage(tmp_path), sandbox)
        lake.fetch("one")
        lake.refresh()

        def slowly(*arguments: Any, **more: Any) -> None:
            create_views(*arguments, **more)
            if not published:
                change(lake, "one")
                lake.fetch("one")
                published.append(lake.refresh().version.folder)

        monkeypatch.setattr(database, "create_views", slowly)
        write_catalog(lake.storage)
    with duckdb.connect(tmp_path / "catalog.duckdb", read_only=True) as connection:
        (works,) = connection.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'works'").fetchall()
    assert published[0] in works[0]


@pytest.mark.parametrize("table", ["works", "works_merged"])
@pytest.mark.parametrize("way", ["sql", "database", "export"])
def test_a_damaged_file_is_told_of_in_a_line_that_says_what_to_run(
    odd: Lake, way: str, table: str, tmp_path: Path
) -> None:
    shutil.copytree(odd.storage.uri("warehouse"), tmp_path / "root" / "warehouse")
    storage = LocalStorage(tmp_path / "root")
    path = versions.existing(storage).file("works")
    storage.write(path, storage.read(path)[:-100])
    ways: dict[str, Callable[[], object]] = {
        "sql": lambda: asked(storage, f"SELECT count(title) FROM {table}"),  # noqa: S608 - of here
        "database": lambda: write_file(storage),
        "export": lambda: write_exported(tmp_path / "file.csv", storage, EXPORTED[table], ending=".csv"),
    }
    with pytest.raises(OpenlibError) as raised:
        ways[way]()
    assert str(raised.value) == f"{storage.uri(path)}: not a readable Parquet file; make it with: openlib warehouse"


def test_likely_duplicates_are_merged_in_a_view_and_nowhere_else(tmp_path: Path) -> None:
    with Sandbox(SandboxConfig({"science_fiction": 600, "love": 300})) as sandbox:
        lake = Lake(LocalStorage(tmp_path / "root"), sandbox)
        lake.fetch("science_fiction", "love")
        lake.refresh()
    pairs = {
        (row["work_key"], row["duplicate_of"]) for row in lake.rows("stocking_list") if row["duplicate_of"] is not None
    }
    assert len(pairs) > 5
    books: dict[str, set[str]] = {}
    for pair in pairs:
        joined = set(pair).union(*(books.get(key, set()) for key in pair))
        books |= dict.fromkeys(joined, joined)
    works = {row["work_key"]: row for row in lake.rows("works")}
    standing = {
        min(book, key=lambda key: (-(works[key]["edition_count"] or -1), key)): len(book) for book in books.values()
    }
    wanted = {key: standing.get(key, 1) for key in works if key not in books or key in standing}
    found = dict(asked(lake.storage, "SELECT work_key, merged_works FROM works_merged"))
    assert found == wanted
    assert sum(found.values()) == len(works)


def merged(listed: list[tuple[str, str | None]], editions: dict[str, int | None]) -> dict[str, int]:
    """Return what stands for each book and how many it stands for, of (work, what it is a duplicate of)."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE works (work_key VARCHAR, edition_count INTEGER)")
        connection.executemany("INSERT INTO works VALUES (?, ?)", list(editions.items()))
        connection.execute("CREATE TABLE stocking_list (work_key VARCHAR, duplicate_of VARCHAR)")
        connection.executemany("INSERT INTO stocking_list VALUES (?, ?)", listed)
        found = connection.sql(sql_text("warehouse/works_merged")).fetchall()
    standing = {key: works for key, _, works in found}
    assert len(standing) == len(found)
    return standing


def books_of(listed: list[tuple[str, str | None]], keys: list[str]) -> list[set[str]]:
    books = {key: {key} for key in keys}
    for pair in listed:
        joined = set().union(*(books[key] for key in pair if key))
        books |= dict.fromkeys(joined, joined)
    return list({id(book): book for book in books.values()}.values())


@pytest.mark.parametrize("seed", range(20))
def test_works_are_one_book_by_whatever_leads_from_one_to_the_other(seed: int) -> None:
    """Two subjects may take a work for a duplicate of different ones, or two works for duplicates of each other."""
    of = random.Random(seed)
    keys = [f"OL{number}W" for number in range(1, of.choice([3, 20, 60]))]
    editions = {key: of.choice([None, 1, 2, 3]) for key in keys}
    share = of.choice([0.05, 0.2, 0.5])
    listed = [
        (key, of.choice(keys) if of.random() < share else None) for _ in range(of.choice([1, 2, 4])) for key in keys
    ]
    wanted = {min(book, key=lambda key: (-(editions[key] or -1), key)): len(book) for book in books_of(listed, keys)}
    assert merged(listed, editions) == wanted


def test_a_table_is_sorted_by_its_key_and_says_its_schema_version(odd: Lake) -> None:
    for table in WAREHOUSE_TABLES:
        (file,) = Path(odd.storage.uri()).glob(f"warehouse/*/{table.name}/part-0.parquet")
        keys = [tuple(row[name] for name in table.key) for row in pq.ParquetFile(file).read().to_pylist()]
        assert keys == sorted(keys)
        assert b"openlib_schema_version" in pq.read_metadata(file).metadata


def asked(storage: Storage, query: str) -> list[tuple[Any, ...]]:
    found, left_out = ask(storage, named_in(query), lambda connection: connection.sql(query).fetchall())
    assert left_out == []
    return found
