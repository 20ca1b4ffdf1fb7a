"""Whose a folder is, by its name or by its files, and what becomes of names that an earlier release made."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from openlib_assets.cli.pruning import old_snapshots
from openlib_assets.lake import layout
from openlib_assets.lake.catalog import ask, by_name
from openlib_assets.lake.contract import AUTHORS, RAW_WORKS, Table
from openlib_assets.lake.subject_files import (
    outgrown_files,
    subject_files,
    subject_folders,
    subject_of,
    subjects_with_data,
)
from openlib_assets.lake.table_files import TableFileError, write_table
from openlib_assets.storage import LocalStorage, Storage
from openlib_assets_tests.tools.odd_keys import LONG_KEYS, ODD_KEYS

LONG = LONG_KEYS[0]
# Named as it was until names were limited to 200 bytes.
OUTGROWN = "x" * 210


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "year=2026/subject=books")


def put(storage: Storage, table: Table, key: str, folder: str | None = None, snapshot: str | None = None) -> str:
    """Write a table of one row for a subject, into the folder of that name, and give its path."""
    below = f"/snapshot={snapshot}" if snapshot else ""
    path = f"{table.layer}/{table.name}/{folder or layout.subject_folder(key)}{below}/part-0.parquet"
    values = [[1] if pa.types.is_integer(column.type) else ["OL1A"] for column in table.columns]
    rows = pa.table(values, table.schema)
    with storage.writing(path) as file:
        write_table(file, rows.to_batches(), table.schema, subject=key)
    return path


def asked(storage: Storage, query: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    return ask(storage, by_name([AUTHORS, RAW_WORKS]), lambda connection: connection.sql(query).fetchall())


def test_a_folder_is_that_of_the_key_that_its_name_or_its_files_tell(storage: LocalStorage) -> None:
    for key in ODD_KEYS:
        put(storage, AUTHORS, key)
        assert subject_of(storage, layout.subject_folder(key)) == key
    assert subjects_with_data(storage) == sorted(ODD_KEYS)
    assert subject_of(storage, "other") is None


def test_a_shortened_name_whose_files_are_gone_is_nobodys(storage: LocalStorage) -> None:
    Path(storage.uri(layout.snapshot_file(LONG, "20260101T000000Z"))).parent.mkdir(parents=True)
    assert subject_of(storage, layout.subject_folder(LONG)) is None
    assert subjects_with_data(storage) == []


def test_a_folder_in_which_a_run_was_killed_before_there_was_a_file_is_nobodys(storage: LocalStorage) -> None:
    snapshot = Path(storage.uri(layout.snapshot_file("tea", "20260101T000000Z")))
    snapshot.parent.mkdir(parents=True)
    snapshot.with_name(".writing-x").write_bytes(b"half")
    table = Path(storage.uri(layout.table_file("gold", "authors", "tea")))
    table.parent.mkdir(parents=True)
    table.with_name(".writing-y").write_bytes(b"half")
    assert subjects_with_data(storage) == []
    put(storage, RAW_WORKS, "coffee", snapshot="20260101T000000Z")
    assert subjects_with_data(storage) == ["coffee"]
    # To remove them, they are known all the same.
    assert subject_folders(storage, "tea") == ["gold/authors/subject=tea", "bronze/raw_works/subject=tea"]


def test_any_file_tells_the_key_and_where_none_can_it_is_named(storage: LocalStorage) -> None:
    snapshot = put(storage, RAW_WORKS, LONG, snapshot="20260101T000000Z")
    for damaged in (b"no Parquet", b""):
        storage.write(layout.table_file(AUTHORS.layer, AUTHORS.name, LONG), damaged)
        assert subject_of(storage, layout.subject_folder(LONG)) == LONG
    put(storage, RAW_WORKS, "another", layout.subject_folder(LONG), "20260101T000000Z")
    with pytest.raises(TableFileError, match="does not say which subject it is of") as said:
        subjects_with_data(storage)
    assert str(said.value).startswith(storage.uri(snapshot))


def test_tables_that_were_copied_without_their_snapshots_have_their_keys(storage: LocalStorage) -> None:
    for key in ("null", LONG):
        put(storage, AUTHORS, key)
    assert asked(storage, "SELECT subject FROM authors ORDER BY ALL") == ([("null",), (LONG,)], [])


def test_of_the_files_only_those_of_the_subject_asked_for_are_opened(storage: LocalStorage) -> None:
    for key in ("tea", LONG, LONG_KEYS[1]):
        put(storage, AUTHORS, key)
        put(storage, RAW_WORKS, key, snapshot="20260101T000000Z")
        put(storage, RAW_WORKS, key, snapshot="20260102T000000Z")
    for key, table, files in ((LONG, "authors", "1/3"), ("tea", "authors", "1/3"), ("tea", "raw_works", "2/6")):
        query = f"EXPLAIN ANALYZE SELECT * FROM {table} WHERE subject = '{key}'"  # noqa: S608 - ours
        ((_, plan),), _ = asked(storage, query)
        assert f"Scanning Files: {files}" in plan
    newest = asked(storage, "SELECT DISTINCT snapshot FROM raw_works WHERE snapshot > '20260101T000000Z'")
    assert newest == ([("20260102T000000Z",)], [])


def test_what_an_earlier_release_named_otherwise_is_left_out_until_made_again_and_then_pruned(
    storage: LocalStorage,
) -> None:
    name = f"subject={OUTGROWN}"
    old = [put(storage, AUTHORS, OUTGROWN, name), put(storage, RAW_WORKS, OUTGROWN, name, "20260101T000000Z")]
    for file in (f"exports/{OUTGROWN}/authors.csv", f"reports/{OUTGROWN}/index.html"):
        storage.write(file, b"old")
        old.append(file)
    put(storage, AUTHORS, "tea")
    line = (
        f"{storage.uri()}: {name} has its name from an earlier release; left out: make it again with: openlib run "
        f"{OUTGROWN}, then remove this one with: openlib prune"
    )
    assert asked(storage, "SELECT subject FROM authors") == ([("tea",)], [line])
    assert subjects_with_data(storage) == ["tea"]
    assert list(outgrown_files(storage)) == []
    put(storage, AUTHORS, OUTGROWN)
    put(storage, RAW_WORKS, OUTGROWN, snapshot="20260102T000000Z")
    assert asked(storage, "SELECT subject FROM authors ORDER BY ALL") == ([("tea",), (OUTGROWN,)], [line])
    assert sorted(outgrown_files(storage)) == sorted(old)
    assert set(old) < set(subject_files(storage, OUTGROWN))
    for path in outgrown_files(storage):
        storage.delete(path)
    assert asked(storage, "SELECT subject FROM authors ORDER BY ALL") == ([("tea",), (OUTGROWN,)], [])


def test_of_a_long_key_too_old_snapshots_are_pruned(storage: LocalStorage) -> None:
    snapshots = [put(storage, RAW_WORKS, LONG, snapshot=f"2026010{day}T000000Z") for day in (1, 2, 3)]
    assert old_snapshots(storage, 1) == snapshots[:2]
