"""The server itself: it says what is missing, and nothing of it stays behind."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from openlib_assets_tests.tools.ceph import ceph_s3
from openlib_assets_tests.tools.deployment import DeploymentError

pytestmark = pytest.mark.s3_server


def processes(folder: Path) -> Iterator[str]:
    """Return the names of all processes whose files lie below a folder."""
    for process in psutil.process_iter(["name", "environ"]):
        if str(folder) in (process.info["environ"] or {}).get("CEPH_CONF", ""):
            yield process.info["name"]


def test_where_ceph_is_not_installed_a_line_names_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeploymentError) as caught, ceph_s3(tmp_path):
        pass
    assert str(caught.value).splitlines() == [str(caught.value)]
    assert "apt-get install --no-install-recommends radosgw ceph-mon ceph-osd" in str(caught.value)


def look_and_raise(folder: Path, found: list[str]) -> None:
    with ceph_s3(folder):
        found.extend(processes(folder))
        raise ZeroDivisionError


def test_a_block_that_raises_leaves_no_process_behind(tmp_path: Path) -> None:
    found: list[str] = []
    with pytest.raises(ZeroDivisionError):
        look_and_raise(tmp_path, found)
    assert sorted(found) == ["ceph-mon", "ceph-osd", "radosgw"]
    assert list(processes(tmp_path)) == []


def test_a_server_that_does_not_come_up_says_why_and_leaves_no_process_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    broken = programs / "radosgw"
    broken.write_text("#!/bin/sh\necho broken\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    with pytest.raises(DeploymentError, match="did not come up:\nbroken"), ceph_s3(tmp_path):
        pass
    assert list(processes(tmp_path)) == []
