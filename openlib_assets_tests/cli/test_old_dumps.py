"""What `openlib doctor` says of dumps, and which `openlib prune` removes."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from openlib_assets.defs.partitions import DUMPS
from openlib_assets.lake import layout
from openlib_assets.lake.dumps.lakes import building
from openlib_assets.openlibrary.dumps import file_name, parse_day
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.dump_lines import author, by, edition, rating, redirect, work, write_dump
from openlib_assets_tests.tools.forked import Commands, commands

JUNE, JULY, AUGUST = "2026-06-30", "2026-07-31", "2026-08-31"
LINES = {
    "works": [work("OL1W", title="Tea", subjects=["Tea"], authors=by("OL1A"))],
    "editions": [edition("OL1M", "OL1W", publish_date="1999")],
    "authors": [author("OL1A", "Ada")],
    "redirects": [redirect("/works/OL9W", "/works/OL1W")],
    "ratings": [rating("OL1W", day=JUNE)],
    "reading-log": [f"/works/OL1W\t\\N\tWant to Read\t{JUNE}"],
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig({"science_fiction": 1})) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def openlib(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """The command where the dumps of three months lie, and those of June and July are built."""
    folder = tmp_path_factory.mktemp("dumps")
    given = folder / "given"
    given.mkdir()
    for date in (JUNE, JULY, AUGUST):
        write_dump(given, date, LINES)
    with commands(folder, sandbox.url, OPENLIB_DUMPS=str(given)) as openlib:
        for date in (JUNE, JULY):
            assert openlib.run("dump", "build", date).status() == 0
        yield openlib


def files_of(openlib: Commands, date: str) -> list[str]:
    data = openlib.folder / "data"
    return [str(path) for path in data.rglob("*") if path.is_file() and date in str(path)]


def dumps_line(openlib: Commands, **variables: str) -> str:
    done = openlib.run("doctor", tampering=None, **variables)
    (line,) = [line for line in done.output.splitlines() if " dumps: " in line]
    assert done.status() == line.startswith("WRONG")
    return line


def test_doctor_says_what_is_built_and_what_is_given(openlib: Commands, tmp_path: Path) -> None:
    given = openlib.variables["OPENLIB_DUMPS"]
    assert dumps_line(openlib) == f"ok     dumps: built: {JUNE}, {JULY}; the newest in {given} is of {AUGUST}"
    assert "no dump of any date; it has none" in dumps_line(openlib, OPENLIB_DUMPS=str(tmp_path))
    (tmp_path / file_name("works", parse_day(AUGUST))).touch()
    assert "there is no ol_dump_editions_2026-08-31.txt.gz" in dumps_line(openlib, OPENLIB_DUMPS=str(tmp_path))
    assert f"no dump of {AUGUST} is built" in dumps_line(openlib, OPENLIB_SOURCE=f"dump:{AUGUST}")


def test_prune_does_not_remove_a_dump_that_somebody_builds(openlib: Commands) -> None:
    june = files_of(openlib, JUNE)
    with building(LocalStorage(openlib.folder / "data"), JUNE):
        done = openlib.run("prune", "--keep-dumps", "1", "--yes")
    assert done.status() == 1
    assert f"the dump of {JUNE} is being built by another run" in done.output
    assert files_of(openlib, JUNE) == june


def test_prune_removes_the_dumps_that_are_old_and_says_so_first(openlib: Commands) -> None:
    downloaded = Path(openlib.folder / "data" / layout.dump_folder("bronze", "dump_files", JUNE), "a.gz")
    downloaded.write_bytes(b"x" * 3_000_000)
    assert f"dump {JUNE}" not in openlib.run("prune", "--yes").output
    july = files_of(openlib, JULY)
    done = openlib.run("prune", "--keep-dumps", "1", "--yes")
    assert done.status() == 0, done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("dump ")]
    assert line.startswith(f"dump {JUNE}, 3.")
    assert line.endswith(" MB")
    assert ", 1 dumps and " in done.output.splitlines()[-1]
    assert files_of(openlib, JUNE) == []
    assert files_of(openlib, JULY) == july
    with openlib.instance() as instance:
        assert list(instance.get_dynamic_partitions(DUMPS)) == [JULY]
        assert instance.get_latest_materialization_event(dg.AssetKey("catalogue_works")) is not None
    assert openlib.run("dump", "subjects", "tea", "--date", JUNE).status() == 1
    assert "Tea" in openlib.run("dump", "subjects", "tea").output
