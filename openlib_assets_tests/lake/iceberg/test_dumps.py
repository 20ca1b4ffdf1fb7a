"""Dumps as snapshots: as of each month, while the next is written, after a stop, after a removal."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import CommitTableResponse

from openlib_assets.lake import layout
from openlib_assets.lake.dumps.lakes import remove_dump, table_of
from openlib_assets.lake.iceberg.catalogue import IcebergError, Place
from openlib_assets.lake.iceberg.record import registered
from openlib_assets.lake.iceberg.registering import Outcome, listed, register_all, register_dump, withdraw_dump
from openlib_assets_tests.docs.markdown import TABLE_FORMATS, blocks
from openlib_assets_tests.lake.iceberg.conftest import AUGUST, DUMPED, JULY, Tables, lines
from openlib_assets_tests.tools.dump_lakes import build_lake, dump_table
from openlib_assets_tests.tools.dump_lines import write_dump


def test_each_month_is_there_as_of_its_tag_and_of_its_time(tables: Tables) -> None:
    assert register_dump(tables.storage, tables.place, JULY) == Outcome(JULY, is_new=True)
    between = datetime.now(UTC) + timedelta(milliseconds=1)
    while datetime.now(UTC) <= between:
        pass
    assert register_all(tables.storage, tables.place) == [Outcome(JULY, is_new=False), Outcome(AUGUST, is_new=True)]
    tables.assert_same_as_dump(JULY)
    tables.assert_same_as_dump(AUGUST)
    tables.assert_same_as_dump(AUGUST, "main")
    works = tables.load("catalogue_works")
    last_month = works.snapshot_as_of_timestamp(int(between.timestamp() * 1000))
    assert last_month
    assert works.scan(snapshot_id=last_month.snapshot_id).to_arrow()["title"].to_pylist() == ["Tea", "Coffee", "Cocoa"]
    assert works.scan().to_arrow()["title"].to_pylist() == ["Tea", "Coffee!", "Cocoa", "Mate"]
    summary = last_month.summary
    assert summary
    assert summary["openlib.dump"] == JULY
    assert tables.properties()["openlib.dump"] == AUGUST

    (block,) = blocks(TABLE_FORMATS, "python")
    shown: dict[str, Any] = {}
    exec(block.text.replace("sqlite:///iceberg.db", tables.place.url), shown)  # noqa: S102 - our own documents
    shown["tables"].close()
    assert (shown["then"].num_rows, shown["now"].num_rows) == (3, 4)

    works.refresh().manage_snapshots().create_tag(last_month.snapshot_id, "zz of somebody").commit()
    before = metadata_files(tables)
    assert len(before) > len(DUMPED)
    assert [outcome.is_new for outcome in register_all(tables.storage, tables.place)] == [False, False]
    assert metadata_files(tables) == before
    assert tables.names(["catalogue_works"]) == {"catalogue_works": {JULY, AUGUST, "main", "zz of somebody"}}


def metadata_files(tables: Tables) -> dict[str, str]:
    """Tell of each file of metadata by something that any write changes."""
    paths = (path for path in tables.storage.paths(layout.ICEBERG) if "/metadata/" in path)
    return {path: tables.storage.stamp(path) for path in paths}


def test_who_reads_the_old_month_reads_all_of_it_while_the_next_is_written(tables: Tables) -> None:
    register_dump(tables.storage, tables.place, JULY)
    loaded = tables.load("catalogue_works")
    planned = loaded.scan()
    batches = planned.to_arrow_batch_reader()
    register_dump(tables.storage, tables.place, AUGUST)
    wanted = dump_table(tables.storage, "catalogue_works", JULY).to_pylist()
    assert batches.read_all().to_pylist() == wanted
    assert planned.to_arrow().to_pylist() == wanted
    assert loaded.refresh().scan().to_arrow().num_rows == 4


class StoppedError(BaseException):
    """Stands for the end of the process, which nothing catches."""


@contextmanager
def stopped_after(commits: int) -> Iterator[None]:
    """End the process, as it were, after so many changes of tables."""
    commit, done = SqlCatalog.commit_table, 0

    def counted(self: SqlCatalog, *args: object) -> CommitTableResponse:
        nonlocal done
        if done == commits:
            raise StoppedError
        done += 1
        return commit(self, *args)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlCatalog, "commit_table", counted)
        yield


def test_one_that_was_stopped_never_shows_two_months_under_one_name_and_goes_on(tables: Tables) -> None:
    register_dump(tables.storage, tables.place, JULY)
    # While snapshots are added, when all are, and while they are shown.
    for commits in (1, len(DUMPED), len(DUMPED) + 3):
        with stopped_after(commits), pytest.raises(StoppedError):
            register_dump(tables.storage, tables.place, AUGUST)
        have = [table for table, names in tables.names(DUMPED).items() if AUGUST in names]
        assert len(have) == max(0, commits - len(DUMPED))
        missing = {one.name: len(one.missing) for one in listed(tables.storage, tables.place)}
        assert missing == {JULY: 0, **({AUGUST: len(DUMPED) - len(have)} if have else {})}
        assert tables.properties()["openlib.dump"] == JULY
    assert register_dump(tables.storage, tables.place, JULY) == Outcome(JULY, is_new=False)
    assert tables.properties()["openlib.dump"] == JULY
    tables.assert_same_as_dump(JULY)
    for table in have:
        assert tables.rows(table, AUGUST).to_pylist() == dump_table(tables.storage, table, AUGUST).to_pylist()

    assert register_dump(tables.storage, tables.place, AUGUST) == Outcome(AUGUST, is_new=True)
    tables.assert_same_as_dump(JULY)
    tables.assert_same_as_dump(AUGUST, "main")
    assert {len(loaded.snapshots()) for loaded in tables.load_all(DUMPED).values()} == {2}
    assert tables.properties()["openlib.dump"] == AUGUST


def test_a_dump_that_is_removed_leaves_the_tables_first_if_they_can_do_without(tables: Tables) -> None:
    register_all(tables.storage, tables.place)
    with pytest.raises(IcebergError, match=f"the dump of {AUGUST} is the current one; register a later one first"):
        withdraw_dump(tables.storage, tables.place, AUGUST)
    for elsewhere in (None, Place("sqlite:///elsewhere.db", "openlib")):
        with pytest.raises(
            IcebergError, match=re.escape(f"the dump of {JULY} is registered in {tables.place.address}")
        ):
            withdraw_dump(tables.storage, elsewhere, JULY)
    tables.assert_same_as_dump(JULY)

    withdraw_dump(tables.storage, tables.place, JULY)
    remove_dump(tables.storage, JULY)
    assert tables.names(DUMPED) == {table: {AUGUST, "main"} for table in DUMPED}
    tables.assert_same_as_dump(AUGUST)
    found = registered(tables.storage)
    assert found
    assert found.dumps == [AUGUST]
    # Of what is left, nothing leads to files that are gone.
    works = tables.load("catalogue_works")
    (snapshot,) = works.snapshots()
    needed = {snapshot.manifest_list, *(one.manifest_path for one in snapshot.manifests(works.io))}
    paths = [path for path in tables.storage.paths("iceberg/catalogue_works") if path.endswith(".avro")]
    assert {tables.storage.uri(path) for path in paths} == needed
    withdraw_dump(tables.storage, tables.place, JULY)


def test_asking_what_is_registered_makes_no_catalogue(tables: Tables, tmp_path: Path) -> None:
    mistyped = Place(f"sqlite:///{tmp_path}/mistyped.db", "openlib")
    assert listed(tables.storage, mistyped) == []
    register_dump(tables.storage, tables.place, JULY)
    with pytest.raises(IcebergError, match=rf"mistyped.db, .*but in {re.escape(tables.place.address)}; name that"):
        listed(tables.storage, mistyped)
    assert not (tmp_path / "mistyped.db").exists()


def test_dumps_may_be_registered_late_and_again_after_they_were_built_again(tables: Tables, tmp_path: Path) -> None:
    register_dump(tables.storage, tables.place, AUGUST)
    register_dump(tables.storage, tables.place, JULY)
    tables.assert_same_as_dump(JULY)
    assert tables.rows("catalogue_works").num_rows == 4
    assert tables.properties()["openlib.dump"] == AUGUST

    build_lake(tables.storage, write_dump(tmp_path, AUGUST, lines("Tea", "Coffee", "Cocoa", "Mate", "Water")), AUGUST)
    assert register_dump(tables.storage, tables.place, AUGUST) == Outcome(AUGUST, is_new=True)
    tables.assert_same_as_dump(AUGUST, "main")
    tables.assert_same_as_dump(JULY)
    assert tables.rows("catalogue_works", AUGUST).num_rows == 5
    assert {len(loaded.snapshots()) for loaded in tables.load_all(DUMPED).values()} == {2}


def test_dumps_stay_though_the_record_is_lost(tables: Tables) -> None:
    register_all(tables.storage, tables.place)
    tables.storage.delete(layout.ICEBERG_REGISTERED)
    assert not register_dump(tables.storage, tables.place, JULY).is_new
    tables.assert_same_as_dump(JULY)
    tables.assert_same_as_dump(AUGUST, "main")
    assert tables.properties()["openlib.dump"] == AUGUST
    found = registered(tables.storage)
    assert found
    assert found.dumps == [JULY, AUGUST]


def test_a_table_with_the_columns_of_another_release_is_made_anew(tables: Tables) -> None:
    register_all(tables.storage, tables.place)
    works = tables.load("catalogue_works")
    works.transaction().set_properties({"openlib.shape": "another"}).commit_transaction()
    (path,) = table_of(tables.storage, "catalogue_works", JULY).paths()
    good = tables.storage.read(path)
    with tables.storage.writing(path) as file:
        pq.write_table(pa.table({"column_of_others": ["x"]}), file)
    with pytest.raises(IcebergError, match=rf"{path}: .*column_of_others.*; make it again by this release"):
        register_dump(tables.storage, tables.place, JULY)
    tables.storage.write(path, good)
    assert [outcome.is_new for outcome in register_all(tables.storage, tables.place)] == [True, True]
    assert tables.load("catalogue_works").metadata.table_uuid != works.metadata.table_uuid
    tables.assert_same_as_dump(JULY)
    tables.assert_same_as_dump(AUGUST, "main")


def test_a_record_that_tells_nothing_is_refused_in_a_line_that_says_what_to_do(tables: Tables) -> None:
    tables.storage.write(layout.ICEBERG_REGISTERED, json.dumps({"other": 1}).encode())
    with pytest.raises(
        Exception, match=r"registered\.json: this does not tell what is registered; remove it, then run"
    ):
        register_all(tables.storage, tables.place)
