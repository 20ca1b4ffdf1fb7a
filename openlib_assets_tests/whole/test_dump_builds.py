"""Builds of dumps that are killed or interrupted, or get no disk or bad files: a line, and the next one goes on."""

import gzip
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from openlib_assets.lake.dumps.lakes import complete_lakes
from openlib_assets.lake.dumps.steps import FILES, STEPS
from openlib_assets.sandbox import ARCHIVE_FAULTS, FaultPlan, Planned, Sandbox, SandboxConfig
from openlib_assets.storage import open_storage
from openlib_assets_tests.tools.disks import small_disk
from openlib_assets_tests.tools.dump_lakes import Rows, assert_same_tables, build_lake, dump_table
from openlib_assets_tests.tools.dump_lines import BEFORE, DATE
from openlib_assets_tests.tools.forked import Commands, Forked, Tampering, commands, wait_until

SIZES = {"love": 60, "place:oz": 20}
TABLES = [*(file.table for file in FILES), *(step.table for step in STEPS)]
# At each something else is left behind, and the next command has come further.
MOMENTS = [
    ("within", "bronze/dump_ratings/"),
    ("after", "bronze/dump_editions/"),
    ("within", "silver/catalogue_editions/"),
    ("after", "silver/catalogue_works/"),
    ("within", "dumps/"),
]
AT_EVERY_STEP = [
    *[("within", f"bronze/{file.table}/") for file in FILES],
    *[(moment, f"{step.layer}/{step.table}/") for step in STEPS for moment in ("within", "after")],
]


@dataclass(frozen=True)
class Dumps:
    """Dumps of two months in a folder each, a lake of the first, and the tables of the second built undisturbed."""

    folder: Path
    first_lake: Path
    works_before: int
    tables: dict[str, Rows]


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    folder = tmp_path_factory.mktemp("dumps")
    with Sandbox(SandboxConfig(SIZES, settled=True)) as sandbox:
        sandbox.write_dumps(folder / BEFORE, date.fromisoformat(BEFORE))
        sandbox.remove_work("place:oz", sandbox.keys("place:oz")[0])
        sandbox.add_work("love")
        sandbox.write_dumps(folder / DATE, date.fromisoformat(DATE))
    lake = open_storage(str(folder / "lake"))
    build_lake(lake, folder / BEFORE, BEFORE)
    shutil.copytree(folder / "lake", folder / "both")
    build_lake(open_storage(str(folder / "both")), folder / DATE, DATE)
    works_before = dump_table(lake, "catalogue_works", BEFORE).num_rows
    return Dumps(folder, folder / "lake", works_before, tables_of(folder / "both"))


def tables_of(root: Path) -> dict[str, Rows]:
    """Return all tables of the second dump."""
    storage = open_storage(str(root))
    assert complete_lakes(storage) == [BEFORE, DATE]
    return {table: dump_table(storage, table, DATE).to_pylist() for table in TABLES}


@contextmanager
def after_the_first(dumps: Dumps, folder: Path, root: Path | None = None) -> Iterator[Commands]:
    """Return the command on a copy of the lake of the first dump, with the files of both."""
    shutil.copytree(dumps.first_lake, root or folder / "data", dirs_exist_ok=True)
    shutil.copytree(dumps.folder / DATE, folder / "files")
    # Nobody listens there.
    with commands(
        folder,
        "http://127.0.0.1:9",
        OPENLIB_STORAGE=str(root or folder / "data"),
        OPENLIB_DUMPS=str(folder / "files"),
        OPENLIB_DUMPS_URL="http://127.0.0.1:9",
    ) as it:
        yield it


def assert_built(dumps: Dumps, it: Commands) -> None:
    """Run the command once more, which ends well, and compare all that it made."""
    done = it.run("dump", "build", DATE)
    assert done.status() == 0, done.output
    root = Path(it.variables["OPENLIB_STORAGE"])
    assert_same_tables(tables_of(root), dumps.tables)
    # What was being written when a process was killed may stay for a day, but for what is as large as a table.
    large = ("bronze/dump_[!f]*", "silver/*", "gold/*")
    assert [path for layer in large for path in root.glob(f"{layer}/*/*.writing-*")] == []
    assert list(root.glob("_spill/*")) == []


def said(done: Forked) -> str:
    """Return the one line that says why a command failed."""
    assert done.status() == 1, done.output
    assert "Traceback" not in done.output
    assert "unexpected error" not in done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("openlib: ")]
    return line


@pytest.mark.parametrize(
    "moments", [MOMENTS, pytest.param(AT_EVERY_STEP, marks=pytest.mark.dumps)], ids=["some", "every"]
)
def test_a_build_killed_again_and_again_goes_on_and_nothing_half_built_is_read(
    moments: list[tuple[str, str]], dumps: Dumps, tmp_path: Path
) -> None:
    with after_the_first(dumps, tmp_path) as it:
        for moment, path in moments:
            # Made again, should an earlier run have come so far: Dagster has an order of its own.
            open_storage(it.variables["OPENLIB_STORAGE"]).delete(f"{path}dump={DATE}/made.json")
            killed = it.run("dump", "build", DATE, tampering=Tampering(moment=moment, path=path))
            assert killed.status() == -signal.SIGKILL, f"{moment} {path}: {killed.output}"
            assert complete_lakes(open_storage(it.variables["OPENLIB_STORAGE"])) == [BEFORE]
        assert_built(dumps, it)


def test_who_reads_during_a_build_reads_the_month_before_and_nobody_else_builds(dumps: Dumps, tmp_path: Path) -> None:
    counted = "SELECT count(*) AS works FROM catalogue_works"
    with after_the_first(dumps, tmp_path) as it:
        at = Tampering(moment="within", path=f"silver/catalogue_works/dump={DATE}/part", number=signal.SIGSTOP)
        building = it.start("dump", "build", DATE, tampering=at)
        wait_until(building.stopped, "the build is in the middle")
        before = it.run("sql", counted, "--format", "csv").output.split()
        assert before == ["works", str(dumps.works_before)]
        found = json.loads(it.run("dump", "subjects", "oz", "--json").output)
        assert {row["subject"]: row["works"] for row in found}["place:oz"] == SIZES["place:oz"]
        second = it.run("dump", "build", DATE)
        assert f"the dump of {DATE} is being built by another run" in said(second)
        os.kill(building.pid, signal.SIGCONT)
        assert building.status() == 0, building.output
        assert_built(dumps, it)
        after = it.run("sql", counted, "--format", "csv").output.split()
        assert after == ["works", str(len(dumps.tables["catalogue_works"]))]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.dumps)])
def test_an_interrupted_build_ends_at_once_and_goes_on(number: signal.Signals, dumps: Dumps, tmp_path: Path) -> None:
    with after_the_first(dumps, tmp_path) as it:
        path = "bronze/dump_editions/" if number == signal.SIGINT else "silver/catalogue_editions/"
        interrupted = it.run("dump", "build", DATE, tampering=Tampering(moment="within", path=path, number=number))
        assert interrupted.status() == 130, interrupted.output
        assert interrupted.output.splitlines()[-1].startswith("openlib: interrupted")
        assert "Traceback" not in interrupted.output
        assert_built(dumps, it)


@pytest.mark.parametrize(
    "full_at", ["bronze/dump_works/", pytest.param("silver/catalogue_editions/", marks=pytest.mark.dumps)]
)
def test_a_full_disk_is_a_line_and_the_build_goes_on_once_there_is_room(
    full_at: str, dumps: Dumps, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk") as disk, after_the_first(dumps, tmp_path, disk.folder / "root") as it:
        at = Tampering(moment="before clear", path=full_at, number=signal.SIGSTOP)
        building = it.start("dump", "build", DATE, tampering=at)
        wait_until(building.stopped, "it is about to be made")
        disk.fill()
        if not disk.mounted:
            building.kill()
            building = it.run("dump", "build", DATE, tampering=disk.tampering)
        else:
            os.kill(building.pid, signal.SIGCONT)
        line = said(building)
        assert "No space left on device" in line
        assert str(disk.folder) in line
        disk.restore()
        assert_built(dumps, it)


def cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def with_a_wrong_byte(content: bytes) -> bytes:
    """Change a letter, of which only the checksum at the end tells."""
    stored = bytearray(gzip.compress(gzip.decompress(content), 0))
    stored[stored.rindex(b"title")] ^= 1
    return bytes(stored)


def with_few_lines(content: bytes) -> bytes:
    lines = gzip.decompress(content).splitlines(keepends=True)
    return gzip.compress(b"".join(lines[: len(lines) // 2]))


@pytest.mark.parametrize(
    ("damage", "why", "remedy"),
    [
        (cut, "damaged after line", "fetch it again"),
        (with_a_wrong_byte, "damaged after line", "fetch it again"),
        (lambda _: b"<!DOCTYPE html><html><body>Item not available</body></html>", "an HTML page", "download it again"),
        (lambda _: gzip.compress(b""), "is empty", "another date"),
        (lambda _: b"", "is empty", "download it again"),
        (with_few_lines, "something is missing", "fetch it again"),
    ],
    ids=["cut", "a wrong byte", "HTML", "an empty gzip file", "an empty file", "few lines"],
)
def test_a_bad_file_is_a_line_that_says_what_to_do(
    damage: Callable[[bytes], bytes], why: str, remedy: str, dumps: Dumps, tmp_path: Path
) -> None:
    with after_the_first(dumps, tmp_path) as it:
        file = tmp_path / "files" / f"ol_dump_editions_{DATE}.txt.gz"
        file.write_bytes(damage(file.read_bytes()))
        line = said(it.run("dump", "build", DATE))
        assert file.name in line
        assert why in line
        assert remedy in line
        assert complete_lakes(open_storage(it.variables["OPENLIB_STORAGE"])) == [BEFORE]


def test_a_loss_of_lines_can_be_accepted(dumps: Dumps, tmp_path: Path) -> None:
    with after_the_first(dumps, tmp_path) as it:
        file = tmp_path / "files" / f"ol_dump_editions_{DATE}.txt.gz"
        file.write_bytes(with_few_lines(file.read_bytes()))
        assert f"accept the loss with: openlib dump build {DATE} --force" in said(it.run("dump", "build", DATE))
        assert it.run("dump", "build", DATE, "--force").status() == 0
        assert complete_lakes(open_storage(it.variables["OPENLIB_STORAGE"])) == [BEFORE, DATE]


def test_a_build_goes_on_once_a_bad_file_was_replaced(dumps: Dumps, tmp_path: Path) -> None:
    with after_the_first(dumps, tmp_path) as it:
        file = tmp_path / "files" / f"ol_dump_editions_{DATE}.txt.gz"
        file.write_bytes(cut(file.read_bytes()))
        assert file.name in said(it.run("dump", "build", DATE))
        shutil.copy(dumps.folder / DATE / file.name, file)
        assert_built(dumps, it)


ALL_FAULTS = FaultPlan.parse("archive=0.4")
PERMANENT = {"http_403": "HTTP 403", "http_404": "HTTP 404", "http_422": "HTTP 422"}


@pytest.mark.parametrize(
    "faults",
    [
        FaultPlan(ALL_FAULTS.probabilities, stall_seconds=0.3),
        *(
            pytest.param(
                # Once something is there, ranges are asked for.
                FaultPlan(
                    planned=(Planned("cut_body", match="/items/"), Planned(fault, match="/items/", times=2)),
                    stall_seconds=0.3,
                ),
                marks=pytest.mark.dumps,
            )
            for fault in ARCHIVE_FAULTS
            if fault not in PERMANENT
        ),
    ],
    ids=lambda faults: faults.planned[1].fault if faults.planned else "all",
)
def test_whatever_goes_wrong_at_the_archive_the_build_is_exact(faults: FaultPlan, dumps: Dumps, tmp_path: Path) -> None:
    with (
        Sandbox(SandboxConfig({}, dumps=dumps.folder / DATE, faults=faults)) as sandbox,
        commands(
            tmp_path, sandbox.url, OPENLIB_DUMPS_URL=sandbox.url, OPENLIB_RETRY_WAIT="0.02", OPENLIB_TIMEOUT="2"
        ) as it,
    ):
        shutil.copytree(dumps.first_lake, tmp_path / "data")
        done = it.run("dump", "build")
        assert done.status() == 0, done.output
        assert any(request.fault for request in sandbox.requests)
        assert_built(dumps, it)
