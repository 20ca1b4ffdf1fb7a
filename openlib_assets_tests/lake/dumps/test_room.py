"""Whether the tables of a dump fit on the disk is asked of those only that are not there yet."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from openlib_assets.lake.dumps.files import Files, require_room
from openlib_assets.storage import LocalStorage, StorageError
from openlib_assets_tests.tools.dump_lakes import build_lake
from openlib_assets_tests.tools.dump_lines import DATE, work, write_dump

Usage = namedtuple("Usage", "total used free")


def test_tables_that_are_there_need_no_more_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = LocalStorage(tmp_path / "root")
    files = Files(DATE, "", None, {}, {"works": 10_000}, {})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 19_999))
    with pytest.raises(StorageError, match=r"the tables of the dump of .* need 20\.0 kB, and 20\.0 kB are free"):
        require_room(storage, files)
    built = build_lake(storage, write_dump(tmp_path, DATE, {"works": [work("OL1W")]}), DATE)
    held = sum(one.made.bytes for one in built.values())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 20_000 - held))
    require_room(storage, files)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 20_000 - held - 1))
    with pytest.raises(StorageError, match="make room"):
        require_room(storage, files)
