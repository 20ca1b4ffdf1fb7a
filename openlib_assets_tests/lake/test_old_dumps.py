"""Which dumps are old, and what is gone once one was removed: on disk, and on S3, where downloads lie elsewhere."""

from pathlib import Path

import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.dumps.building import _spill_of
from openlib_assets.lake.dumps.files import _place
from openlib_assets.lake.dumps.lakes import building, choose_before, complete_lakes, old_dumps, remove_dump
from openlib_assets.storage import Storage
from openlib_assets_tests.conftest import Place, PlaceMaker

MAY, JUNE, JULY, AUGUST, SEPTEMBER = "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30"
TABLES = (("bronze", "dump_files"), ("bronze", "dump_works"), ("silver", "work_records"), ("gold", "catalogue_changes"))


@pytest.fixture
def storage(place: Place) -> Storage:
    """Files of five dumps, of which those of June, July and August are built; and some of nobody's business."""
    storage = place.open()
    for date in (MAY, JUNE, JULY, AUGUST, SEPTEMBER):
        for layer, table in TABLES:
            storage.write(f"{layout.dump_folder(layer, table, date)}/part-000.parquet", b"1234")
        if date in (JUNE, JULY, AUGUST):
            storage.write(layout.dump_lake(date), b"{}")
    storage.write(f"silver/catalogue_works/other={MAY}/part-000.parquet", b"")
    storage.write(f"silver/books/dump={MAY}/part-000.parquet", b"")
    return storage


@pytest.mark.parametrize(("keep", "old"), [(1, (MAY, JUNE, JULY)), (2, (MAY, JUNE)), (3, (MAY,)), (4, ())])
def test_old_are_those_to_which_so_many_later_ones_are_built(storage: Storage, keep: int, old: tuple[str, ...]) -> None:
    assert old_dumps(storage, keep) == dict.fromkeys(old, 4 * len(TABLES))


def test_a_dump_is_removed_with_its_downloads_and_nothing_else_is(storage: Storage) -> None:
    downloads = [_downloaded(storage, date) for date in (JUNE, JULY)]
    spilled = {}
    for date in (JUNE, JULY):
        place, prefix = _spill_of(storage, date)
        spilled[date] = place / f"{prefix}of-a-build-that-was-killed"
        spilled[date].mkdir(parents=True)
    before = set(storage.paths(""))
    remove_dump(storage, JUNE)
    assert {path for path in before - set(storage.paths("")) if JUNE not in path} == set()
    assert [path for path in storage.paths("") if JUNE in path and not path.startswith("_locks/")] == []
    assert complete_lakes(storage) == [JULY, AUGUST]
    assert [folder.exists() for folder in spilled.values()] == [False, True]
    spilled[JULY].rmdir()
    assert [folder.exists() for folder in downloads] == [False, True]


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_a_dump_that_is_removed_leaves_what_was_downloaded_for_another_root(kind: str, new_place: PlaceMaker) -> None:
    here, there = new_place(kind).open(), new_place(kind).open()
    downloads = [_downloaded(storage, JUNE) for storage in (here, there)]
    remove_dump(here, JUNE)
    assert [folder.exists() for folder in downloads] == [False, True]


def _downloaded(storage: Storage, date: str) -> Path:
    folder = _place(storage, date)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ol_dump_works.txt.gz").touch()
    return folder


def compared_with(storage: Storage, date: str) -> str | None:
    with building(storage, date) as build:
        return build.before


def test_the_dump_before_is_the_same_for_a_whole_build_whatever_else_is_built_meanwhile(storage: Storage) -> None:
    assert compared_with(storage, SEPTEMBER) == AUGUST
    storage.delete(layout.dump_lake(AUGUST))
    choose_before(storage, SEPTEMBER)
    storage.write(layout.dump_lake(AUGUST), b"{}")
    choose_before(storage, SEPTEMBER)
    assert compared_with(storage, SEPTEMBER) == JULY, "it goes on"
    storage.write(layout.dump_lake(SEPTEMBER), b"{}")
    assert compared_with(storage, SEPTEMBER) == JULY
    choose_before(storage, SEPTEMBER)
    assert compared_with(storage, SEPTEMBER) == AUGUST, "it is built again"
    choose_before(storage, JUNE)
    assert compared_with(storage, JUNE) is None
