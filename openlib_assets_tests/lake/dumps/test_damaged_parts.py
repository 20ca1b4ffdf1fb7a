"""Parts of a dump's tables that somebody or something has damaged: told in a line, and made again."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from openlib_assets.lake.dumps.building import NotMadeError
from openlib_assets.lake.dumps.lookup import UnreadableLakeError, find_subjects
from openlib_assets.lake.dumps.steps import FILES
from openlib_assets.openlibrary.dumps import file_name
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.dump_lakes import build_lake
from openlib_assets_tests.tools.dump_lines import DATE

LATER = date(2026, 9, 30)
_TABLE = "catalogue_subjects"


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """The one part of a table of a lake, beside the files that the lake is made of."""
    with Sandbox(SandboxConfig({"love": 20}, settled=True)) as sandbox:
        sandbox.write_dumps(tmp_path / "dumps", date.fromisoformat(DATE))
    storage = LocalStorage(tmp_path / "root")
    build_lake(storage, tmp_path / "dumps", DATE)
    (part,) = (tmp_path / f"root/silver/{_TABLE}/dump={DATE}").glob("part-*")
    return part


@pytest.mark.parametrize("cut", [lambda whole: whole[: len(whole) // 2], lambda _: b""])
def test_one_that_was_cut_is_told_in_a_line_and_made_again(
    cut: Callable[[bytes], bytes], part: Path, tmp_path: Path
) -> None:
    storage, whole = LocalStorage(tmp_path / "root"), part.read_bytes()
    part.write_bytes(cut(whole))
    assert_unreadable(storage)
    built = build_lake(storage, tmp_path / "dumps", DATE)
    assert [table for table, one in built.items() if one.changed] == [_TABLE]
    assert part.read_bytes() == whole
    assert find_subjects(storage, DATE, "love", 1)[0]["works"] == 20


def test_one_with_other_bytes_is_told_in_a_line_and_made_again_once_it_is_removed(part: Path, tmp_path: Path) -> None:
    storage, whole = LocalStorage(tmp_path / "root"), part.read_bytes()
    middle = len(whole) // 2
    part.write_bytes(whole[:4] + b"Z" * middle + whole[4 + middle :])
    assert_unreadable(storage)
    part.unlink()
    build_lake(storage, tmp_path / "dumps", DATE)
    assert part.read_bytes() == whole


def test_one_of_the_dump_before_is_told_with_its_date(part: Path, tmp_path: Path) -> None:
    storage, dumps = LocalStorage(tmp_path / "root"), tmp_path / "dumps"
    for file in FILES:
        shutil.copy(dumps / file_name(file.name, date.fromisoformat(DATE)), dumps / file_name(file.name, LATER))
    (works,) = part.parents[2].glob(f"catalogue_works/dump={DATE}/part-*")
    works.write_bytes(works.read_bytes()[:-1])
    told = f"catalogue_works of the dump of {DATE} has lost a file, or a part of one; make it again with: "
    with pytest.raises(NotMadeError, match=f"^{told}openlib dump build {DATE}$"):
        build_lake(storage, dumps, str(LATER))
    build_lake(storage, dumps, DATE)
    build_lake(storage, dumps, str(LATER))
    assert find_subjects(storage, str(LATER), "love", 1)[0]["works"] == 20


def assert_unreadable(storage: LocalStorage) -> None:
    told = rf"^[^\n]+; remove a file that is damaged, and make it again with: openlib dump build {DATE}$"
    with pytest.raises(UnreadableLakeError, match=told):
        find_subjects(storage, DATE, "love", 1)
