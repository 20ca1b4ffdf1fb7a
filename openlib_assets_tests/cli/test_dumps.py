"""`openlib dump` where files are those of another month, or where archive.org fails for a while or is gone."""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.dumps.lakes import complete_lakes
from openlib_assets.openlibrary.dumps import DUMP_FILES, file_name
from openlib_assets.openlibrary.retries import TRIES
from openlib_assets.storage import open_storage
from openlib_assets_tests.openlibrary.dumps.served import at_first, sandbox_of
from openlib_assets_tests.tools.dump_files import AUGUST, SEPTEMBER, dump_bytes, write_dumps
from openlib_assets_tests.tools.forked import Commands, commands

NOBODY = "http://127.0.0.1:9"


def under_another_date(folder: Path) -> Path:
    """Write August's files into a folder under September's names."""
    folder.mkdir()
    for name in DUMP_FILES:
        (folder / file_name(name, SEPTEMBER)).write_bytes(dump_bytes(name, AUGUST))
    return folder


def test_the_files_of_the_dump_before_are_refused_also_where_those_are_gone(tmp_path: Path) -> None:
    august = write_dumps(tmp_path / "august", [AUGUST])
    with commands(tmp_path, NOBODY, OPENLIB_DUMPS=str(august)) as openlib:
        assert openlib.run("dump", "build").status() == 0
        shutil.rmtree(august)
        september = under_another_date(tmp_path / "september")
        done = openlib.run("dump", "build", str(SEPTEMBER), OPENLIB_DUMPS=str(september))
        assert done.status() == 1, done.output
        (line,) = [line for line in done.output.splitlines() if line.startswith("openlib: ")]
        assert f"{september / file_name('works', SEPTEMBER)}: has the same content as the one of {AUGUST}" in line
        assert complete_lakes(open_storage(openlib.variables["OPENLIB_STORAGE"])) == [str(AUGUST)]
        # Another month is no such file, and what was refused is nobody's dump before.
        write_dumps(september, [SEPTEMBER])
        done = openlib.run("dump", "build", str(SEPTEMBER), OPENLIB_DUMPS=str(september))
        assert done.status() == 0, done.output


def test_files_that_were_downloaded_are_known_in_a_folder_too(tmp_path: Path) -> None:
    with (
        sandbox_of(write_dumps(tmp_path / "archive", [AUGUST])) as sandbox,
        commands(tmp_path, sandbox.url, OPENLIB_DUMPS_URL=sandbox.url) as openlib,
    ):
        assert openlib.run("dump", "build").status() == 0
        september = under_another_date(tmp_path / "september")
        done = openlib.run("dump", "build", str(SEPTEMBER), OPENLIB_DUMPS=str(september))
        assert done.status() == 1, done.output
    assert f"has the same content as the one of {AUGUST}, so it is not of {SEPTEMBER}" in done.output


def test_a_wait_during_a_download_is_told_of_by_the_command_and_in_the_run(tmp_path: Path) -> None:
    with (
        sandbox_of(write_dumps(tmp_path / "archive", [AUGUST]), at_first("http_503")) as sandbox,
        commands(tmp_path, sandbox.url, OPENLIB_DUMPS_URL=sandbox.url, OPENLIB_RETRY_WAIT="0.005") as openlib,
    ):
        done = openlib.run("dump", "build")
        assert done.status() == 0, done.output
        (line,) = [line for line in done.output.splitlines() if "trying again" in line]
        with openlib.instance() as instance:
            (run,) = instance.get_runs()
            said = [entry.user_message for entry in instance.all_logs(run.run_id) if entry.level == logging.WARNING]
    assert re.fullmatch(rf"{sandbox.url}/\S+\.txt\.gz: HTTP 503; trying again in 0 s", line)
    assert said == [line]


@pytest.fixture
def without_archive(tmp_path: Path) -> Iterator[Commands]:
    """The command once August's dump was built, of those of two months that an archive had, which is away now."""
    sandbox = sandbox_of(write_dumps(tmp_path / "archive"))
    with commands(tmp_path, NOBODY, OPENLIB_DUMPS_URL=sandbox.url, OPENLIB_RETRY_WAIT="0.005") as openlib:
        with sandbox:
            assert openlib.run("dump", "build", str(AUGUST)).status() == 0
            listed = json.loads(openlib.run("dump", "list", "--json").output)
            assert [(dump["dump"], dump["state"]) for dump in listed] == [(str(SEPTEMBER), ""), (str(AUGUST), "built")]
        yield openlib


def test_a_dump_whose_files_are_here_is_built_without_the_archive(without_archive: Commands) -> None:
    storage = open_storage(without_archive.variables["OPENLIB_STORAGE"])
    storage.delete(f"{layout.dump_folder('silver', 'catalogue_works', str(AUGUST))}/made.json")
    storage.delete(layout.dump_lake(str(AUGUST)))
    done = without_archive.run("dump", "build", str(AUGUST))
    assert done.status() == 0, done.output
    assert complete_lakes(storage) == [str(AUGUST)]


def test_the_archive_is_asked_for_what_is_not_here_or_came_from_elsewhere(without_archive: Commands) -> None:
    refused = "connection refused (12 tries)"
    elsewhere = without_archive.run("dump", "build", str(AUGUST), OPENLIB_DUMPS_URL=NOBODY)
    for done in (without_archive.run("dump", "build"), without_archive.run("dump", "build", str(SEPTEMBER)), elsewhere):
        assert done.status() == 1
        assert refused in done.output
    folder = Path(without_archive.variables["OPENLIB_STORAGE"], layout.dump_folder("bronze", "dump_files", str(AUGUST)))
    (folder / file_name("ratings", AUGUST)).unlink()
    assert refused in without_archive.run("dump", "build", str(AUGUST)).output


def test_what_is_here_is_listed_without_the_archive_with_a_line_that_says_so(without_archive: Commands) -> None:
    size = sum(len(dump_bytes(name, AUGUST)) for name in DUMP_FILES)
    done = without_archive.run("dump", "list", "--json")
    assert done.status() == 0, done.output
    *waits, warning, rows = done.output.split("\n", TRIES)
    assert len(waits) == TRIES - 1
    for line in (*waits, warning):
        assert line.startswith(without_archive.variables["OPENLIB_DUMPS_URL"])
    assert all(line.endswith(": connection refused; trying again in 0 s") for line in waits)
    assert warning.endswith("tries); listed is what is here")
    assert json.loads(rows) == [{"dump": str(AUGUST), "bytes": size, "missing": "", "state": "built"}]
    open_storage(without_archive.variables["OPENLIB_STORAGE"]).delete(layout.dump_lake(str(AUGUST)))
    assert without_archive.run("dump", "list").output.rstrip().endswith("downloaded")


def test_where_nothing_is_here_either_the_list_fails_in_a_line(tmp_path: Path) -> None:
    with commands(tmp_path, NOBODY, OPENLIB_DUMPS_URL=NOBODY, OPENLIB_RETRY_WAIT="0.005") as openlib:
        done = openlib.run("dump", "list")
        assert done.status() == 1
        assert done.output.splitlines()[TRIES - 1].startswith(f"openlib: {NOBODY}/advancedsearch.php")
