"""A dump that is made again, or is compared with one that is: nobody goes back a month, and nothing counts as new."""

from pathlib import Path

import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.dumps.building import NotMadeError
from openlib_assets.lake.dumps.lakes import NoLakeError, building, complete_lakes, lake_date, remove_dump
from openlib_assets.lake.dumps.made import unmake
from openlib_assets.lake.dumps.source import DumpEditions
from openlib_assets.lake.dumps.steps import FILES, layer_of
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.lake.iceberg.conftest import lines
from openlib_assets_tests.tools.dump_lakes import build_lake
from openlib_assets_tests.tools.dump_lines import BEFORE, DATE, rating, write_dump


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    """A storage with the lakes of two months."""
    storage = LocalStorage(tmp_path / "root")
    for day in (BEFORE, DATE):
        build_lake(storage, write_dump(tmp_path, day, lines("Tea", "Coffee")), day)
    return storage


def other_folder(folder: Path) -> Path:
    """Return a new folder in another one."""
    new = folder / "changed"
    new.mkdir()
    return new


def test_while_the_latest_is_made_again_nobody_goes_back_a_month(storage: LocalStorage, tmp_path: Path) -> None:
    assert lake_date(storage, None) == DATE
    changed = write_dump(other_folder(tmp_path), DATE, lines("Tea", "Coffee", "Cocoa"))
    with building(storage, DATE) as build:
        build.read(FILES[0], changed / f"ol_dump_{FILES[0].name}_{DATE}.txt.gz", "another")
    assert complete_lakes(storage) == [BEFORE]
    with pytest.raises(
        NoLakeError, match=rf"dump of {DATE} is being built again.*openlib dump build {DATE}; .*dump:{BEFORE}$"
    ):
        lake_date(storage, None)
    assert lake_date(storage, BEFORE) == BEFORE
    build_lake(storage, changed, DATE)
    assert lake_date(storage, None) == DATE
    assert sorted(storage.paths("dumps")) == [layout.dump_lake(BEFORE), layout.dump_lake(DATE)]


def test_one_that_was_removed_is_not_waited_for(storage: LocalStorage) -> None:
    storage.write(layout.dump_lake_made_again(DATE), b"")
    remove_dump(storage, DATE)
    assert lake_date(storage, None) == BEFORE


@pytest.mark.parametrize("lost", ["catalogue_works", FILES[0].table])
def test_nothing_counts_as_new_because_a_table_of_the_dump_before_is_gone(
    lost: str, storage: LocalStorage, tmp_path: Path
) -> None:
    unmake(storage, layer_of(lost), lost, BEFORE)
    other_lines = {**lines("Tea", "Coffee", "Cocoa"), "ratings": [rating("OL2W")]}
    changed = write_dump(other_folder(tmp_path), DATE, other_lines)
    told = rf"{lost} of the dump of {BEFORE} is not there; make it with: openlib dump build {BEFORE}"
    with pytest.raises(NotMadeError, match=told):
        build_lake(storage, changed, DATE)


def test_editions_of_another_month_may_be_others(storage: LocalStorage) -> None:
    versions = {DumpEditions(storage, f"dump:{day}").version for day in (BEFORE, DATE)}
    assert len(versions) == 2
