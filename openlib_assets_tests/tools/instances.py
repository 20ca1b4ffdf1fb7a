"""Dagster instances as `openlib` opens them, each in a folder that goes with it."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.defs.instance.home import open_instance


@contextmanager
def temporary_instance(made: Path | None = None) -> Iterator[dg.DagsterInstance]:
    """Lend an instance on which nothing was done yet, or a copy of one in its home, where nothing is going on."""
    with tempfile.TemporaryDirectory(prefix="openlib-home-") as folder:
        home = Path(folder) / "home"
        shutil.copytree(made or new_home(), home)
        with _opened(home) as instance:
            yield instance


@cache
def new_home() -> Path:
    """Return a home that was opened once: to make its databases takes as long as some runs."""
    folder = tempfile.mkdtemp(prefix="openlib-home-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Path(folder) / "home"
    with _opened(home):
        pass
    return home


def _opened(home: Path) -> dg.DagsterInstance:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        return open_instance(captures_output=False)
