"""Ports that nobody else takes before the server that they are meant for does."""

import socket
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from openlib_assets_tests.tools import ports

TWENTY = f"from {ports.__name__} import free_port; print(*(free_port() for _ in range(20)))"


def test_no_two_processes_are_given_the_same_port_nor_one_that_the_system_gives_to_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    asked = [subprocess.Popen([sys.executable, "-c", TWENTY], stdout=subprocess.PIPE) for _ in range(2)]
    given = [int(port) for process in asked for port in process.communicate(timeout=120)[0].split()]
    assert len(set(given)) == 40
    with socket.create_server(("127.0.0.1", 0)) as anybodys:
        assert max(given) < anybodys.getsockname()[1]


def test_a_port_on_which_somebody_listens_is_passed_over_and_the_last_is_followed_by_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    free = [ports.free_port() for _ in range(3)]
    monkeypatch.setattr(ports, "PORTS", range(free[0], free[-1] + 1))
    with socket.create_server(("127.0.0.1", free[1])):
        assert [ports.free_port() for _ in range(3)] == [free[0], free[2], free[0]]
    assert all(after > before for before, after in pairwise(free))
