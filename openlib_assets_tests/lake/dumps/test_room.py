"""Whether files and tables of a dump fit on the disk is asked at first, and of those only that are not there yet."""

import shutil
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.dumps.files import Files, fetch_files, require_room
from openlib_assets.openlibrary.dumps import DUMP_FILES
from openlib_assets.openlibrary.dumps.disk import in_words
from openlib_assets.sandbox import Sandbox
from openlib_assets.settings import Settings
from openlib_assets.storage import LocalStorage, Storage, StorageError
from openlib_assets_tests.conftest import Place, PlaceMaker
from openlib_assets_tests.openlibrary.dumps.served import sandbox_of, sent
from openlib_assets_tests.tools.dump_files import SEPTEMBER, dump_bytes, write_dumps
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


@dataclass(frozen=True)
class Fetching:
    """Fetches a dump from an archive, onto disks that have so many bytes free."""

    sandbox: Sandbox
    storage: Storage
    patch: pytest.MonkeyPatch

    def fetch(self, free: int, elsewhere: Path | None = None) -> Files:
        """`elsewhere` is the disk that has no byte free."""
        self.patch.setattr(
            shutil, "disk_usage", lambda path: Usage(0, 0, 0 if elsewhere and Path(path) == elsewhere else free)
        )
        settings = Settings(dumps_url=self.sandbox.url, timeout=5.0, retry_wait=0.02)
        return fetch_files(settings, self.storage, SEPTEMBER, lambda *_: None)

    @property
    def asked_for(self) -> int:
        """How many files were asked for."""
        return len(sent(self.sandbox))


@pytest.fixture
def fetching(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetching]:
    with sandbox_of(write_dumps(tmp_path / "archive", [SEPTEMBER])) as sandbox:
        yield Fetching(sandbox, place.open(), monkeypatch)


def test_before_a_download_there_has_to_be_room_for_the_tables_too(fetching: Fetching) -> None:
    size = sum(len(dump_bytes(name, SEPTEMBER)) for name in DUMP_FILES)
    with pytest.raises(StorageError) as refused:
        fetching.fetch(3 * size - 1)
    assert fetching.asked_for == 0
    root = fetching.storage.uri() if isinstance(fetching.storage, LocalStorage) else tempfile.gettempdir()
    assert str(refused.value) == (
        f"{root}: the missing files of the dump of {SEPTEMBER} and its tables need {in_words(3 * size)}, and "
        f"{in_words(3 * size - 1)} are free; make room, or name another folder"
    )
    files = fetching.fetch(3 * size)
    assert fetching.asked_for == len(DUMP_FILES)

    # What is here needs no room once more.
    missing = Path(files.uri("works"))
    again = 2 * size + missing.stat().st_size
    missing.unlink()
    with pytest.raises(StorageError, match="the missing files"):
        fetching.fetch(again - 1)
    fetching.fetch(again)


def test_where_the_dump_is_built_a_download_needs_room_for_the_files_only(fetching: Fetching) -> None:
    fetching.storage.write(layout.dump_lake(str(SEPTEMBER)), b"{}")
    fetching.fetch(sum(len(dump_bytes(name, SEPTEMBER)) for name in DUMP_FILES))


def test_tables_on_a_disk_of_their_own_need_their_room_there(
    new_place: PlaceMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place("s3")
    other = Path("/dev")  # a file system of its own everywhere, and only asked
    monkeypatch.setattr(tempfile, "tempdir", str(other))
    with sandbox_of(write_dumps(tmp_path / "archive", [SEPTEMBER])) as sandbox:
        fetching = Fetching(sandbox, place.open(), monkeypatch)
        with pytest.raises(StorageError, match=rf"^{other}: the tables of the dump of {SEPTEMBER} need"):
            fetching.fetch(10**12, elsewhere=other)
        assert fetching.asked_for == 0
