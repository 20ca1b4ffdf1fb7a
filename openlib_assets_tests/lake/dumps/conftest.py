"""The catalogue of hand-written lines, once as the reference computes it and once as the project does."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from openlib_assets.storage import open_storage
from openlib_assets_tests.tools.dump_lakes import Rows, build_lake, catalogue_tables
from openlib_assets_tests.tools.dump_lines import BEFORE, DATE, Lines, write_dump
from openlib_assets_tests.tools.reference_catalogue import catalogue


class Tables(Protocol):
    """Returns the tables of the catalogue of lines by file, and of those of the dump before."""

    def __call__(self, lines: Lines, before: Lines | None = None, date: str = DATE) -> dict[str, Rows]: ...


Catalogue = Callable[[Path, str, tuple[Path, str] | None], dict[str, Rows]]


def _built(folder: Path, date: str, before: tuple[Path, str] | None) -> dict[str, Rows]:
    storage = open_storage(str(folder / "root"))
    for dump, day in filter(None, (before, (folder, date))):
        build_lake(storage, dump, day)
    return catalogue_tables(storage, date)


@pytest.fixture(params=[catalogue, _built], ids=["reference", "lake"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Tables:
    compute: Catalogue = request.param
    numbers = itertools.count()

    def of_lines(lines: Lines, before: Lines | None = None, date: str = DATE) -> dict[str, Rows]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        earlier = None if before is None else (write_dump(folder, BEFORE, before), BEFORE)
        return compute(write_dump(folder, date, lines), date, earlier)

    return of_lines
