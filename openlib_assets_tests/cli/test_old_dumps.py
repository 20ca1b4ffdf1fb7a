"""What `openlib doctor` says of dumps, which `openlib prune` removes, and how Iceberg tables come and go with them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from openlib_assets.defs.partitions import DUMPS
from openlib_assets.lake import layout
from openlib_assets.lake.contract import CATALOGUE_TABLES
from openlib_assets.lake.dumps.lakes import building
from openlib_assets.openlibrary.dumps import file_name, parse_day
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage
from openlib_assets_tests.tools.dump_lines import Lines, author, by, edition, rating, redirect, work, write_dump
from openlib_assets_tests.tools.forked import Commands, commands

JUNE, JULY, AUGUST = "2026-06-30", "2026-07-31", "2026-08-31"


def lines(date: str) -> Lines:
    """Return the lines of a dump, whose records are others than a month before."""
    return {
        "works": [
            work(
                "OL1W",
                title="Tea",
                subjects=["Tea"],
                subject_places=["London, England"],
                authors=by("OL1A"),
                description=date,
            )
        ],
        "editions": [edition("OL1M", "OL1W", publish_date="1999", notes=date)],
        "authors": [author("OL1A", "Ada", bio=date)],
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
    """The command where the dumps of three months lie, and those of June and July are built; July's is registered."""
    folder = tmp_path_factory.mktemp("dumps")
    given = folder / "given"
    given.mkdir()
    for date in (JUNE, JULY, AUGUST):
        write_dump(given, date, lines(date))
    with commands(folder, sandbox.url, OPENLIB_DUMPS=str(given)) as openlib:
        assert openlib.run("dump", "build", JUNE).status() == 0
        assert openlib.run("dump", "build", JULY, OPENLIB_ICEBERG=catalogue(openlib)).status() == 0
        yield openlib


def catalogue(openlib: Commands) -> str:
    return f"sqlite:///{openlib.folder}/tables.db"


def listed(openlib: Commands) -> list[dict[str, Any]]:
    done = openlib.run("iceberg", "list", "--json", OPENLIB_ICEBERG=catalogue(openlib))
    assert done.status() == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.output)
    return found


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
    assert "no dump of any date; put files such as ol_dump_works_2026-08-31.txt.gz there, or correct" in dumps_line(
        openlib, OPENLIB_DUMPS=str(tmp_path)
    )
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


def test_a_build_registers_its_dump_and_a_command_those_before(openlib: Commands) -> None:
    tables = len(CATALOGUE_TABLES)
    assert listed(openlib) == [{"snapshot": JULY, "of": "dump", "tables": tables, "missing": ""}]
    with openlib.instance() as instance:
        told = instance.get_latest_materialization_event(dg.AssetKey("iceberg_catalogue"))
    assert told
    assert told.asset_materialization
    assert told.asset_materialization.partition == JULY
    metadata = told.asset_materialization.metadata
    assert (metadata["state"].value, metadata["tables"].value) == ("registered", tables)
    done = openlib.run("iceberg", "register", OPENLIB_ICEBERG=catalogue(openlib))
    assert done.output.splitlines() == [f"{JUNE}: registered", f"{JULY}: is registered already"]
    assert [one["snapshot"] for one in listed(openlib)] == [JUNE, JULY]


def test_a_catalogue_that_is_missing_or_cannot_be_used_is_told_of_in_a_line(openlib: Commands) -> None:
    done = openlib.run("iceberg", "list")
    assert done.status() == 2
    assert done.output.startswith("openlib: OPENLIB_ICEBERG is not set: it names the catalogue")
    done = openlib.run("iceberg", "register", "--dump", JULY, OPENLIB_ICEBERG="sqlite:////nowhere/tables.db")
    assert done.status() == 1
    assert done.output == "openlib: sqlite:////nowhere/tables.db, namespace openlib: unable to open database file\n"
    done = openlib.run("doctor", OPENLIB_ICEBERG=catalogue(openlib))
    (line,) = [line for line in done.output.splitlines() if " iceberg: " in line]
    assert line.startswith(f"ok     iceberg: {catalogue(openlib)}, namespace openlib: ")
    assert line.endswith(f"; dumps: {JUNE}, {JULY}")


def test_doctor_makes_no_catalogue_by_asking(openlib: Commands, tmp_path: Path) -> None:
    elsewhere = tmp_path / "misspelt.db"
    done = openlib.run("doctor", OPENLIB_ICEBERG=f"sqlite:///{elsewhere}")
    (line,) = [line for line in done.output.splitlines() if " iceberg: " in line]
    assert line.endswith("there is no such file yet; it is made when tables are registered")
    assert not elsewhere.exists()


def test_doctor_makes_no_namespace_by_asking(openlib: Commands) -> None:
    done = openlib.run("doctor", OPENLIB_ICEBERG=catalogue(openlib), OPENLIB_ICEBERG_NAMESPACE="misspelt")
    (line,) = [line for line in done.output.splitlines() if " iceberg: " in line]
    assert line.startswith(f"ok     iceberg: {catalogue(openlib)}, namespace misspelt: ")
    assert line.endswith("answers, and nothing is registered there yet")
    with closing(sqlite3.connect(catalogue(openlib).removeprefix("sqlite:///"))) as file:
        assert file.execute("SELECT DISTINCT namespace FROM iceberg_namespace_properties").fetchall() == [("openlib",)]


def test_a_namespace_that_is_gone_is_made_again(openlib: Commands) -> None:
    with closing(sqlite3.connect(catalogue(openlib).removeprefix("sqlite:///"))) as file:
        file.executescript("DELETE FROM iceberg_tables; DELETE FROM iceberg_namespace_properties")
    for command in (("doctor",), ("iceberg", "list"), ("prune", "--keep-dumps", "1", "--yes")):
        done = openlib.run(*command, OPENLIB_ICEBERG=catalogue(openlib))
        assert done.status() == 1
        assert "namespace openlib: the namespace is gone; make it again with: openlib iceberg register" in done.output
    done = openlib.run("iceberg", "register", OPENLIB_ICEBERG=catalogue(openlib))
    assert done.status() == 0, done.output
    assert [one["snapshot"] for one in listed(openlib)] == [JUNE, JULY]


def test_a_catalogue_that_is_gone_is_made_again(openlib: Commands, tmp_path: Path) -> None:
    file = Path(catalogue(openlib).removeprefix("sqlite:///"))
    file.rename(tmp_path / file.name)
    done = openlib.run("doctor", OPENLIB_ICEBERG=catalogue(openlib))
    (line,) = [line for line in done.output.splitlines() if " iceberg: " in line]
    assert line.endswith("the file is gone; make it again with: openlib iceberg register")
    assert done.status() == 1
    assert not file.exists()
    done = openlib.run("iceberg", "register", OPENLIB_ICEBERG=catalogue(openlib))
    assert done.status() == 0, done.output
    assert [one["snapshot"] for one in listed(openlib)] == [JUNE, JULY]


def test_prune_does_not_remove_a_dump_that_tables_need_which_it_cannot_reach(openlib: Commands) -> None:
    june = files_of(openlib, JUNE)
    done = openlib.run("prune", "--keep-dumps", "1", "--yes")
    assert done.status() == 1
    assert f"the dump of {JUNE} is registered in {catalogue(openlib)}, namespace openlib; " in done.output
    assert files_of(openlib, JUNE) == june


def test_prune_leaves_the_dump_that_is_the_source(openlib: Commands) -> None:
    june = files_of(openlib, JUNE)
    pinned = openlib.run("prune", "--keep-dumps", "1", "--yes", OPENLIB_SOURCE=f"dump:{JUNE}")
    assert pinned.status() == 0, pinned.output
    assert f"dump {JUNE} stays, since OPENLIB_SOURCE names it" in pinned.output.splitlines()
    assert files_of(openlib, JUNE) == june


def test_a_subject_is_found_by_its_address_too(openlib: Commands) -> None:
    for text in ("/subjects/place:london_england", "https://openlibrary.org/subjects/place:London,_England.json?x=1"):
        done = openlib.run("dump", "subjects", text, "--json")
        assert done.status() == 0, done.output
        assert [found["subject"] for found in json.loads(done.output)] == ["place:london_england"]
    done = openlib.run("dump", "subjects", "/subjects/places/london")
    assert done.status() == 2
    assert "did you mean 'place:london'?" in done.output


@pytest.mark.parametrize(
    "arguments",
    [("build", "latest"), ("build", "2026-8-31"), ("subjects", "tea", "--date", "latest")],
    ids=" ".join,
)
def test_what_is_no_date_is_wrong_use(openlib: Commands, arguments: tuple[str, ...]) -> None:
    done = openlib.run("dump", *arguments)
    assert done.status() == 2
    assert done.output == f"openlib: {arguments[-1]!r} is not the date of a dump: give one as 2026-08-31\n"


def test_prune_removes_the_dumps_that_are_old_and_says_so_first(openlib: Commands) -> None:
    downloaded = Path(openlib.folder / "data" / layout.dump_folder("bronze", "dump_files", JUNE), "a.gz")
    downloaded.write_bytes(b"x" * 3_000_000)
    assert f"dump {JUNE}" not in openlib.run("prune", "--yes").output
    assert JUNE in [one["snapshot"] for one in listed(openlib)]
    july = files_of(openlib, JULY)
    done = openlib.run("prune", "--keep-dumps", "1", "--yes", OPENLIB_ICEBERG=catalogue(openlib))
    assert done.status() == 0, done.output
    assert [one["snapshot"] for one in listed(openlib)] == [JULY]
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
