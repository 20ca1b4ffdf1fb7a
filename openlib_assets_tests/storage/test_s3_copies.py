"""Copies of objects, for which there may be no room."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from openlib_assets.storage.s3_copies import Copies


def test_a_copy_for_which_the_disk_has_no_room_is_not_kept_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    written = tmp_path / "written"
    written.write_bytes(b"whole")
    copies = Copies()
    copies.keep("first", "1", b"whole")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def refused(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        copies.keep("first", "2", b"other")
        patch.setattr(os, "link", refused)
        patch.setattr("shutil.copyfile", refused)
        copies.keep("second", "1", written)
    assert not copies.have("first")
    assert not copies.have("second")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [written]
    copies.keep("first", "2", b"other")
    assert copies.read("first", "2") == b"other"
