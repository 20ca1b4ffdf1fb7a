"""`openlib dump` where files are those of another month."""

import shutil
from pathlib import Path

from openlib_assets.lake.dumps.lakes import complete_lakes
from openlib_assets.openlibrary.dumps import DUMP_FILES, file_name
from openlib_assets.storage import open_storage
from openlib_assets_tests.openlibrary.dumps.served import sandbox_of
from openlib_assets_tests.tools.dump_files import AUGUST, SEPTEMBER, dump_bytes, write_dumps
from openlib_assets_tests.tools.forked import commands

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
