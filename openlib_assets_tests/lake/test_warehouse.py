"""The warehouse against an independent computation: every table, cell by cell, after every change of its subjects."""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.catalog import CatalogError, ask
from openlib_assets.lake.catalog.views import named_in
from openlib_assets.lake.contract import BOOKS, DERIVED_TABLES, ORDER_LIST, STOCKING_LIST, WAREHOUSE_TABLES, Table
from openlib_assets.lake.table_files import write_table
from openlib_assets.lake.warehouse import reading, refreshing, rows, versions
from openlib_assets.lake.warehouse.reading import SOURCES
from openlib_assets.lake.warehouse.refreshing import Refreshed, refresh
from openlib_assets.lake.warehouse.versions import WarehouseError
from openlib_assets.openlibrary.subject_keys import as_argument
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage, Storage, StorageError
from openlib_assets.storage.errors import OpenlibError
from openlib_assets_tests.conftest import Place, PlaceMaker, assert_same_rows, environment
from openlib_assets_tests.tools.made_up_lake import START, Fetch, fetch, write
from openlib_assets_tests.tools.reference_warehouse import warehouse

Row = dict[str, Any]
LARGE, MIDDLE, SMALL = "science_fiction", "place:são_paulo", "person:o'brien_(1900-1950)"
SIZES = {LARGE: 100, MIDDLE: 60, SMALL: 30}
# Of so many works, some have titles and subtitles of every kind that the sandbox knows.
MANY = {LARGE: 200, MIDDLE: 100, SMALL: 40}
TABLES = {table.name: table for table in WAREHOUSE_TABLES}
# Of the tables of a subject, those that the warehouse looks at.
_READ = [table for table in DERIVED_TABLES if table in SOURCES]


class Lake:
    """A storage with subjects that were fetched one after the other, and a warehouse of them."""

    def __init__(self, storage: Storage, sandbox: Sandbox) -> None:
        self.storage = storage
        self.sandbox = sandbox
        self.last: dict[str, Fetch] = {}
        self.fetches = 0
        self.forgotten: list[Row] = []

    def fetch(self, *subjects: str) -> None:
        """Fetch subjects, each a minute after the one before, and make their tables."""
        for subject in subjects:
            self.last[subject] = fetch(self.sandbox, subject, self.fetches, self.last.get(subject))
            write(self.storage, self.last[subject], _READ)
            self.fetches += 1

    def refresh(self, **how: Any) -> Refreshed:
        """Bring the warehouse up to date."""
        return refresh(self.storage, lambda: {subject: fetched.name for subject, fetched in self.last.items()}, **how)

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table in the current version."""
        version = versions.current(self.storage)
        assert version
        with self.storage.local_copy(version.file(table)) as file:
            found = pq.ParquetFile(file).read()
        assert found.schema.names == TABLES[table].schema.names
        return list(found.to_pylist())

    def assert_current(self) -> None:
        """Compare the current version with the reference, cell by cell."""
        wanted = warehouse(self.last.values(), self.forgotten)
        assert wanted.keys() == TABLES.keys()
        for name, wanted_rows in wanted.items():
            assert_same_rows(self.rows(name), wanted_rows)


@contextmanager
def lake_in(storage: Storage, sizes: Mapping[str, int]) -> Iterator[Lake]:
    with Sandbox(SandboxConfig(sizes)) as sandbox:
        made = Lake(storage, sandbox)
        made.fetch(*sizes)
        yield made


@contextmanager
def copy_of(made: Lake, root: Path) -> Iterator[Lake]:
    """Lend a copy of a lake, to be changed, and Open Library as it was when its subjects were fetched."""
    shutil.copytree(made.storage.uri(), root)
    with Sandbox(SandboxConfig(SIZES)) as sandbox:
        copy = Lake(LocalStorage(root), sandbox)
        copy.last, copy.fetches = dict(made.last), made.fetches
        yield copy


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three subjects that overlap, of which there is no warehouse yet."""
    with lake_in(LocalStorage(tmp_path_factory.mktemp("fetched")), SIZES) as made:
        return made


@pytest.fixture(scope="module")
def refreshed(fetched: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The three subjects, and a warehouse of them."""
    with copy_of(fetched, tmp_path_factory.mktemp("refreshed") / "root") as made:
        made.refresh()
        return made


@pytest.fixture(scope="module")
def pruned(refreshed: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The three subjects fetched twice more, a warehouse of that, and the first snapshot of the largest one gone."""
    with copy_of(refreshed, tmp_path_factory.mktemp("pruned") / "root") as made:
        first = layout.snapshot_file(LARGE, made.last[LARGE].name)
        for _ in range(2):
            change(made, LARGE)
            made.fetch(LARGE, MIDDLE, SMALL)
        made.refresh()
        made.storage.delete(first)
        return made


@pytest.fixture
def new_lake(fetched: Lake, tmp_path: Path) -> Iterator[Lake]:
    """The three subjects without a warehouse, to be changed."""
    with copy_of(fetched, tmp_path / "root") as copy:
        yield copy


@pytest.fixture
def lake(refreshed: Lake, tmp_path: Path) -> Iterator[Lake]:
    """The three subjects with a warehouse, to be changed."""
    with copy_of(refreshed, tmp_path / "root") as copy:
        yield copy


@pytest.fixture
def pruned_lake(pruned: Lake, tmp_path: Path) -> Iterator[Lake]:
    """The three subjects of which one lacks its first snapshot, to be changed."""
    with copy_of(pruned, tmp_path / "root") as copy:
        for _ in range(2):
            change(copy, LARGE)
        yield copy


def test_works_of_several_subjects_count_once(place: Place) -> None:
    with environment(place.variables), lake_in(place.open(), MANY) as lake:
        refreshed = lake.refresh()
        assert (refreshed.left_out, refreshed.changed) == ([], len(MANY))
        lake.assert_current()
        works = sum(len(fetched.tables["books"]) for fetched in lake.last.values())
        assert len(lake.rows("works")) < works == len(lake.rows("work_subjects"))
        assert all(outcome.passed for made in refreshed.made.values() for outcome in made.outcomes)
        links = list(lake.storage.paths("warehouse/_files"))
        assert len(links) == (len(TABLES) if place.root.startswith("s3://") else 0)
        for link in links:
            assert (
                lake.storage.read(link).decode() == f"{lake.storage.uri(refreshed.version.file(link.split('/')[2]))}\n"
            )


def test_links_for_athena_lead_to_one_version_again_after_a_stop_between_them(
    new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place("s3")
    with environment(place.variables), lake_in(place.open(), {SMALL: 20}) as lake:
        lake.refresh()
        change(lake, SMALL)
        lake.fetch(SMALL)
        write, left = type(lake.storage).write, [3]

        def stopped(storage: Storage, path: str, data: bytes) -> None:
            left[0] -= path.startswith("warehouse/_files/")
            if not left[0]:
                raise StorageError("stopped")
            write(storage, path, data)

        with monkeypatch.context() as patch:
            patch.setattr(type(lake.storage), "write", stopped)
            with pytest.raises(StorageError, match="stopped"):
                lake.refresh()
        version = lake.refresh().version
        for link in lake.storage.paths("warehouse/_files"):
            assert lake.storage.read(link).decode() == f"{lake.storage.uri(version.file(link.split('/')[2]))}\n"


def test_two_hundred_small_subjects_beside_three(tmp_path: Path) -> None:
    small = {f"small_{number}": 1 + number % 4 for number in range(200)}
    with lake_in(LocalStorage(tmp_path), {**MANY, **small}) as lake:
        lake.refresh()
        lake.assert_current()


def test_nothing_new_makes_no_version(new_lake: Lake) -> None:
    first = new_lake.refresh()
    again = new_lake.refresh()
    assert (again.version, again.made, again.changed) == (first.version, {}, 0)


def test_only_what_changed_is_read(lake: Lake) -> None:
    change(lake, LARGE)
    lake.fetch(LARGE)
    # Whoever read these would find nothing.
    for subject in (MIDDLE, SMALL):
        lake.storage.clear(layout.table_folder(BOOKS.layer, BOOKS.name, subject))
    refreshed = lake.refresh()
    assert (refreshed.left_out, refreshed.changed) == ([], 1)
    lake.assert_current()
    (row,) = (row for row in lake.rows("subject_history") if row["works_added"] is not None)
    assert (row["subject"], row["works_added"], row["works_removed"]) == (LARGE, 1, 1)


def test_a_work_that_leaves_the_subject_that_had_the_say_is_told_of_by_another(lake: Lake) -> None:
    listed = {row["work_key"] for row in lake.rows("work_subjects") if row["subject"] == LARGE}
    shared = [
        row["work_key"] for row in lake.rows("works") if row["fetched_for"] == SMALL and row["work_key"] in listed
    ]
    assert len(shared) > 1
    for key in shared:
        lake.sandbox.remove_work(SMALL, f"/works/{key}")
    lake.fetch(SMALL)
    lake.refresh()
    lake.assert_current()
    assert {row["fetched_for"] for row in lake.rows("works") if row["work_key"] in shared} <= {LARGE, MIDDLE}


def test_subjects_come_and_go(lake: Lake) -> None:
    gone = lake.last.pop(SMALL)
    lake.refresh()
    lake.assert_current()
    lake.last[SMALL] = gone
    lake.refresh()
    lake.assert_current()
    lake.last.clear()
    lake.refresh()
    assert {name: lake.rows(name) for name in TABLES} == {name: [] for name in TABLES}


def test_history_begins_with_the_snapshots_that_are_there(new_lake: Lake) -> None:
    for _ in range(2):
        change(new_lake, MIDDLE)
        new_lake.fetch(MIDDLE)
    new_lake.refresh()
    new_lake.assert_current()
    assert len(new_lake.rows("subject_history")) == len(SIZES) + 2


def test_history_outlives_snapshots(lake: Lake) -> None:
    first = lake.last[MIDDLE]
    lake.forgotten = [row for row in lake.rows("subject_history") if row["subject"] == MIDDLE]
    lake.storage.clear(layout.snapshots_folder(MIDDLE))
    lake.last[MIDDLE] = Fetch(MIDDLE, first.records[:30], first.documents, START + timedelta(hours=1))
    write(lake.storage, lake.last[MIDDLE], _READ)
    lake.refresh()
    lake.assert_current()


def test_other_code_makes_all_anew_and_keeps_history(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.forgotten = [
        {**row, "subject": SMALL, "snapshot": "20250101T000000Z"} for row in lake.rows("subject_history")[:1]
    ]
    keep_in_history(lake, lake.forgotten)
    monkeypatch.setattr(refreshing, "CODE", "another")
    assert lake.refresh().changed == len(SIZES)
    lake.assert_current()


@pytest.mark.parametrize("why", ["other code", "a table made again"])
def test_what_came_and_went_is_known_after_the_snapshot_before_was_pruned(
    why: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = layout.snapshot_file(MIDDLE, lake.last[MIDDLE].name)
    change(lake, MIDDLE)
    lake.fetch(MIDDLE)
    lake.refresh()
    history = lake.rows("subject_history")
    assert any(row["works_added"] or row["works_removed"] for row in history)
    lake.storage.delete(before)
    if why == "other code":
        monkeypatch.setattr(refreshing, "CODE", "another")
        lake.refresh()
    else:
        wanted = dict.fromkeys(SIZES, "another")
        assert refreshing.refresh(lake.storage, lambda: wanted).changed == len(SIZES)
    assert lake.rows("subject_history") == history


@pytest.mark.parametrize("why", ["other code", "a lost file", "an heir"])
def test_history_outlives_that_its_subject_cannot_be_read_for_a_while(
    why: str, pruned_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, version = pruned_lake, versions.existing(pruned_lake.storage)
    path = layout.table_file(BOOKS.layer, BOOKS.name, LARGE)
    books = lake.storage.read(path)
    lake.storage.write(path, b"no table")
    last = dict(lake.last)
    if why == "other code":
        monkeypatch.setattr(refreshing, "CODE", "another")
    elif why == "a lost file":
        lake.storage.delete(version.file("works"))
    else:
        # They had the say on works of the other one, which has to tell of them now.
        for subject in (MIDDLE, SMALL):
            del lake.last[subject]
    assert LARGE not in lake.refresh().version.subjects
    lake.last = last
    change(lake, SMALL)
    lake.fetch(SMALL)
    assert LARGE not in lake.refresh().version.subjects

    lake.storage.write(path, books)
    lake.refresh()
    lake.assert_current()
    assert [row["subject"] for row in lake.rows("subject_history")].count(LARGE) == 3
    change(lake, SMALL)
    lake.fetch(SMALL)
    version = lake.refresh().version
    assert not lake.storage.exists(layout.warehouse_history_of_absent(version.name)), "all are there"
    lake.assert_current()


def test_a_past_snapshot_that_is_damaged_within_keeps_nobody_out(new_lake: Lake) -> None:
    change(new_lake, MIDDLE)
    past = layout.snapshot_file(MIDDLE, new_lake.last[MIDDLE].name)
    new_lake.fetch(MIDDLE)
    whole = new_lake.storage.read(past)
    new_lake.storage.write(past, whole[:4] + b"Z" * 2000 + whole[2004:])
    assert new_lake.refresh().left_out == []
    assert {row["subject"] for row in new_lake.rows("subjects")} == SIZES.keys()
    assert [row["snapshot"] for row in new_lake.rows("subject_history") if row["subject"] == MIDDLE] == [
        new_lake.last[MIDDLE].name
    ]


def test_where_the_snapshot_before_cannot_be_read_it_is_not_known_what_came_and_went(new_lake: Lake) -> None:
    for number, damaged in enumerate((True, False)):
        change(new_lake, MIDDLE)
        past = layout.snapshot_file(MIDDLE, new_lake.last[MIDDLE].name)
        if damaged:
            new_lake.storage.write(past, b"no table")
            # What it had cannot be compared with.
            del new_lake.last[MIDDLE]
        new_lake.fetch(MIDDLE)
        assert new_lake.refresh().left_out == []
        (last,) = (row for row in new_lake.rows("subject_history") if row["snapshot"] == new_lake.last[MIDDLE].name)
        assert (last["works_added"], last["works_removed"]) == ((None, None) if damaged else (1, 1)), number


def test_of_a_damaged_snapshot_it_is_told_to_fetch_it_anew(new_lake: Lake) -> None:
    path = layout.snapshot_file(MIDDLE, new_lake.last[MIDDLE].name)
    new_lake.storage.write(path, b"no table")
    (line,) = new_lake.refresh().left_out
    assert line.startswith(f"{new_lake.storage.uri(path)}: not a readable Parquet file; left out: ")
    assert line.endswith(f": openlib run --force '{MIDDLE}'")


def test_who_was_read_before_the_one_that_had_the_say_keeps_its_works(
    new_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_lake.fetch(SMALL, LARGE)
    new_lake.refresh()
    of_small = {row["work_key"] for row in new_lake.rows("work_subjects") if row["subject"] == SMALL}
    shared = [row["work_key"] for row in new_lake.rows("works") if row["fetched_for"] == LARGE]
    lost = [key for key in shared if key in of_small]
    assert lost
    for key in lost:
        new_lake.sandbox.remove_work(LARGE, f"/works/{key}")
    new_lake.fetch(LARGE)
    # As many as are read together, in the order of their names: the details of the other one were made anew.
    monkeypatch.setattr(reading, "_TOGETHER", 1)
    assert SMALL < LARGE
    wanted = {subject: fetched.name for subject, fetched in new_lake.last.items()} | {SMALL: "with new details"}
    refreshed = refreshing.refresh(new_lake.storage, lambda: wanted)
    assert refreshed.left_out == []
    assert refreshed.version.subjects == wanted
    new_lake.assert_current()


def test_history_is_not_lost_for_want_of_room(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = rows._insert

    def no_room(connection: Any, table: Table, query: str, condition: str = "") -> None:
        if "ANTI JOIN" in condition:
            raise duckdb.OutOfMemoryException("Out of Memory")
        insert(connection, table, query, condition)

    with monkeypatch.context() as patch:
        patch.setattr(refreshing, "CODE", "another")
        patch.setattr(rows, "_insert", no_room)
        with pytest.raises(WarehouseError, match="make room"):
            lake.refresh()
    lake.refresh()
    lake.assert_current()


@pytest.mark.parametrize("where", ["rows.make_authors", "history.connected", "reading._opened"])
@pytest.mark.parametrize(
    "full", [duckdb.OutOfMemoryException("Out of Memory"), duckdb.IOException("No space left on device\nmore")]
)
def test_where_there_is_no_room_that_is_said_and_no_subject_left_out(
    where: str, full: duckdb.Error, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = versions.current(lake.storage)
    for _ in range(2):  # one of the two is of the past then
        change(lake, SMALL)
        lake.fetch(SMALL)

    def no_room(*_: Any, **__: Any) -> None:
        raise full

    with monkeypatch.context() as patch:
        patch.setattr(f"openlib_assets.lake.warehouse.{where}", no_room)
        with pytest.raises(WarehouseError, match=r"^[^\n]+; make room where the disk or the memory is full, [^\n]+$"):
            lake.refresh()
    assert versions.current(lake.storage) == version
    assert lake.refresh().left_out == []
    lake.assert_current()


def test_a_subject_whose_tables_are_not_of_one_fetch_keeps_what_it_had(lake: Lake) -> None:
    before = {name: lake.rows(name) for name in TABLES}
    of_before = table_bytes(lake, STOCKING_LIST, SMALL)
    change(lake, SMALL)
    lake.fetch(SMALL)
    of_now = table_bytes(lake, STOCKING_LIST, SMALL)
    path = layout.table_file(STOCKING_LIST.layer, STOCKING_LIST.name, SMALL)
    lake.storage.write(path, of_before)
    assert lake.refresh().left_out == [
        f'{SMALL}: its tables are not of one fetch; left as it was: make them with: openlib run "{SMALL}"'
    ]
    assert {name: lake.rows(name) for name in TABLES} == before
    lake.storage.write(path, of_now)
    assert lake.refresh().left_out == []
    lake.assert_current()


def test_a_file_that_cannot_be_read_keeps_one_subject_out(new_lake: Lake) -> None:
    change(new_lake, MIDDLE)
    new_lake.fetch(MIDDLE)  # so that there is a history, of which no other table could tell
    path = layout.table_file(BOOKS.layer, BOOKS.name, MIDDLE)
    new_lake.storage.write(path, b"no table")
    (line,) = new_lake.refresh().left_out
    address = new_lake.storage.uri(path)
    assert line == f"{address}: not a readable Parquet file; left out: make it with: openlib run '{MIDDLE}'"
    del new_lake.last[MIDDLE]
    new_lake.assert_current()


def test_a_subject_without_an_order_list_has_no_rows_of_it(new_lake: Lake) -> None:
    new_lake.storage.delete(layout.table_file(ORDER_LIST.layer, ORDER_LIST.name, SMALL))
    assert new_lake.refresh().left_out == []
    assert {row["subject"] for row in new_lake.rows("order_list")} == {LARGE, MIDDLE}
    assert {row["subject"] for row in new_lake.rows("stocking_list")} == {LARGE, MIDDLE, SMALL}


def test_a_subject_whose_snapshots_are_lost_is_told_of(new_lake: Lake) -> None:
    new_lake.storage.clear(layout.snapshots_folder(MIDDLE))
    (line,) = new_lake.refresh().left_out
    assert line.startswith(new_lake.storage.uri(layout.snapshots_folder(MIDDLE)))
    assert line.endswith(f"there is no snapshot; left out: fetch it with: openlib run --force '{MIDDLE}'")
    del new_lake.last[MIDDLE]
    new_lake.assert_current()


@pytest.mark.parametrize("lost", ["works", "subject_history", "version.json"])
def test_a_version_of_which_a_file_is_lost_is_made_anew(lake: Lake, lost: str) -> None:
    version = lake.refresh().version
    path = f"{version.folder}/{lost}" if "." in lost else version.file(lost)
    lake.storage.delete(path)
    assert lake.refresh().changed == len(SIZES)
    lake.assert_current()


@pytest.mark.parametrize("damaged", ["works", "subject_history"])
def test_a_version_of_which_a_file_is_damaged_is_made_anew(lake: Lake, damaged: str) -> None:
    path = lake.refresh().version.file(damaged)
    lake.storage.write(path, lake.storage.read(path)[:-100])
    with pytest.raises(CatalogError) as raised:
        ask(lake.storage, named_in(damaged), lambda connection: connection.sql(f"FROM {damaged}").fetchall())
    address = lake.storage.uri(path)
    assert str(raised.value) == f"{address}: not a readable Parquet file; make it with: openlib warehouse"
    assert lake.refresh().changed == len(SIZES)
    lake.assert_current()


def test_a_change_of_many_rows_is_the_same_as_of_few(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openlib_assets.lake.warehouse.rows._FEW_ROWS", 0)
    change(lake, LARGE)
    lake.fetch(LARGE)
    lake.refresh()
    lake.assert_current()


def test_what_others_put_beside_the_versions_stays(new_lake: Lake) -> None:
    new_lake.storage.write("warehouse/mine/part-0.parquet", b"mine")
    new_lake.refresh()
    assert new_lake.storage.read("warehouse/mine/part-0.parquet") == b"mine"


def test_whoever_alone_could_tell_of_works_and_cannot_is_left_out(lake: Lake) -> None:
    del lake.last[SMALL]
    for subject in (LARGE, MIDDLE):
        lake.storage.write(layout.table_file(BOOKS.layer, BOOKS.name, subject), b"no table")
    left_out = lake.refresh().left_out
    assert left_out
    assert all(line.endswith(("openlib run science_fiction", "openlib run 'place:são_paulo'")) for line in left_out)
    commands = {f"openlib run {as_argument(subject)}": subject for subject in lake.last}
    names = {subject for command, subject in commands.items() if any(line.endswith(command) for line in left_out)}
    lake.last = {subject: fetched for subject, fetched in lake.last.items() if subject not in names}
    assert {row["subject"] for row in lake.rows("subjects")} == lake.last.keys()
    assert {row["fetched_for"] for row in lake.rows("works")} <= lake.last.keys()


def test_a_subject_of_mixed_tables_that_had_to_go_is_not_called_left_as_it_was(lake: Lake) -> None:
    of_before = {subject: table_bytes(lake, STOCKING_LIST, subject) for subject in (LARGE, MIDDLE)}
    for subject in (LARGE, MIDDLE):
        change(lake, subject)
        lake.fetch(subject)
        lake.storage.write(layout.table_file(STOCKING_LIST.layer, STOCKING_LIST.name, subject), of_before[subject])
    # It had the say on works that the others list, too.
    del lake.last[SMALL]
    left_out = lake.refresh().left_out
    there = {row["subject"] for row in lake.rows("subjects")}
    assert len(there) < len(left_out)
    assert left_out == [
        f"{subject}: its tables are not of one fetch; {'left as it was' if subject in there else 'left out'}: "
        f"make them with: openlib run {as_argument(subject)}"
        for subject in (MIDDLE, LARGE)
    ]


class FullStorage(LocalStorage):
    """A storage that takes so many files, and no more."""

    room = 0

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        if not self.room:
            raise OpenlibError("full")
        self.room -= 1
        with super().writing(path) as file:
            yield file


def test_what_fails_midway_leaves_the_version_before_and_nothing_half(lake: Lake, tmp_path: Path) -> None:
    before = current_files(lake)
    change(lake, LARGE)
    lake.fetch(LARGE)
    now = START + timedelta(days=1)
    full = FullStorage(tmp_path / "root")
    subjects = {subject: fetched.name for subject, fetched in lake.last.items()}
    # The tables, what tells of them, and the pointer.
    for room in range(len(TABLES) + 2):
        full.room = room
        with pytest.raises(OpenlibError, match="full"):
            refresh(full, lambda: subjects, now)
        assert current_files(lake) == before
    lake.refresh(now=now)
    lake.assert_current()
    assert len(lake.storage.folders("warehouse")) == 2


def test_who_waits_for_another_refresh_asks_for_the_subjects_after_it(new_lake: Lake) -> None:
    subjects = {subject: fetched.name for subject, fetched in new_lake.last.items()}
    told = {subject: subjects[subject] for subject in (SMALL, MIDDLE)}
    with ThreadPoolExecutor() as threads:
        with new_lake.storage.lock(layout.WAREHOUSE_LOCK, error_message="taken"):
            waiting = threads.submit(refresh, new_lake.storage, lambda: dict(told))
            assert not wait([waiting], 0.5).done
            told[LARGE] = subjects[LARGE]
        assert waiting.result().version.subjects == subjects


def test_versions_stay_for_a_while_for_who_reads_them(new_lake: Lake) -> None:
    names = []
    for minutes in (0, 5, 9, 16, 40):
        change(new_lake, SMALL)
        new_lake.fetch(SMALL)
        names.append(new_lake.refresh(now=START + timedelta(minutes=minutes)).version.name)
        there = new_lake.storage.folders("warehouse")
        expected = {0: [0], 5: [0, 1], 9: [0, 1, 2], 16: [1, 2, 3], 40: [3, 4]}[minutes]
        assert there == [names[place] for place in expected]


def change(lake: Lake, subject: str) -> None:
    """Let a work of a subject go and another one come."""
    lake.sandbox.remove_work(subject, lake.sandbox.keys(subject)[-1])
    lake.sandbox.add_work(subject)


def current_files(lake: Lake) -> dict[str, bytes]:
    """Return the tables of the current version, each as it is, by their paths."""
    version = versions.existing(lake.storage)
    return {path: lake.storage.read(path) for path in map(version.file, TABLES)}


def table_bytes(lake: Lake, table: Table, subject: str) -> bytes:
    return lake.storage.read(layout.table_file(table.layer, table.name, subject))


def keep_in_history(lake: Lake, rows: list[Row]) -> None:
    """Put rows into the history of the current version."""
    version = versions.current(lake.storage)
    assert version
    table = TABLES["subject_history"]
    with lake.storage.writing(version.file(table.name)) as file:
        batch = pa.RecordBatch.from_pylist([*lake.rows(table.name), *rows], schema=table.schema)
        write_table(file, [batch], table.schema)
