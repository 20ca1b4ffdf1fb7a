"""`openlib storage copy`: a root goes from disk to S3 and back, and is the same there."""

import dataclasses
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from openlib_assets.lake import layout
from openlib_assets.lake.copying import CopyError, copy_file, copy_subject
from openlib_assets.lake.warehouse import versions
from openlib_assets.lake.warehouse.refreshing import refresh
from openlib_assets.sandbox import Sandbox, SandboxConfig
from openlib_assets.storage import LocalStorage, LockTakenError, Storage, open_storage
from openlib_assets_tests.cli.test_cli import Cli, cli
from openlib_assets_tests.conftest import BRONZE, Pipeline, Place, PlaceMaker
from openlib_assets_tests.tools.instances import temporary_instance
from openlib_assets_tests.tools.refusals import ordinary_user

__all__ = ["cli"]

SUBJECTS = ("love", "place:france")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """A root on disk with two subjects, a watch list, a comparison, staged pages and a lock that nobody holds."""
    root = tmp_path_factory.mktemp("made") / "root"
    with Sandbox(SandboxConfig({"love": 40, "place:france": 5})) as sandbox, temporary_instance() as instance:
        pipeline = Pipeline(Place(str(root), {}), instance, sandbox.url)
        assert pipeline.run(*SUBJECTS).success
    storage = open_storage(str(root))
    storage.write("subjects.yaml", b"subjects:\n  - love\n")
    storage.write(layout.COMPARISON, b"<html>love, and place:france</html>")
    storage.write("_staging/raw_works/love/1-0.arrow", b"x")
    storage.write("_locks/old", b"")
    return storage


def digests(storage: Storage) -> dict[str, str]:
    """Return the SHA-256 of each file that is to be copied."""
    left = ("_staging/", "_locks/", layout.CATALOG)
    return {
        path: hashlib.sha256(storage.read(path)).hexdigest() for path in storage.paths("") if not path.startswith(left)
    }


def test_a_root_goes_to_s3_and_back_byte_by_byte(
    made: Storage, cli: Cli, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place("s3")
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    said = cli("storage", "copy", "--from", made.uri(), "--to", place.root)
    assert (said.status, said.err) == (0, "")
    assert "2 of 2 subjects" in said.out
    assert digests(place.open()) == digests(made)
    back = str(cli.folder / "back")
    assert cli("storage", "copy", "--from", place.root, "--to", back).status == 0
    assert digests(open_storage(back)) == digests(made)
    for root in (place.root, back):
        assert not [path for path in open_storage(root).paths("") if path.startswith("_")]
        monkeypatch.setenv("OPENLIB_STORAGE", root)
        asked = cli("sql", "SELECT subject, works FROM subject_summary ORDER BY subject")
        assert [line.split() for line in asked.out.splitlines() if "love" in line] == [["love", "40"]]


def test_a_repeat_compares_all_and_writes_what_differs(made: Storage, cli: Cli, new_place: PlaceMaker) -> None:
    there = new_place("local")
    target = there.open()
    first = copy_subject(made, target, "love")
    assert (first.written, first.files) == (first.files, len(list(target.paths(""))))
    before = there.states()
    assert copy_subject(made, target, "love") == dataclasses.replace(first, written=0)
    assert there.states() == before
    damaged = layout.csv_file("love", "books")
    target.write(damaged, b"damaged")
    said = cli("storage", "copy", "--from", made.uri(), "--to", there.root, "--subject", "Love")
    assert f"{first.files} files" in said.out
    assert f"1 written, {first.files - 1} were already there" in said.out
    assert target.read(damaged) == made.read(damaged)
    assert not target.exists("subjects.yaml")
    assert not target.exists(layout.COMPARISON)


def test_an_object_on_s3_that_calls_itself_equal_and_is_not_is_written_again(
    made: Storage, new_place: PlaceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place("s3")
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    target, path = place.open(), layout.csv_file("love", "books")
    copy_file(made, target, path)
    bucket, _, prefix = place.root.removeprefix("s3://").partition("/")
    about = boto3.client("s3").head_object(Bucket=bucket, Key=f"{prefix}/{path}")["Metadata"]
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{path}", Body=b"damaged", Metadata=about)
    assert copy_file(made, target, path) == (len(made.read(path)), True)
    assert target.read(path) == made.read(path)


class Damaging(LocalStorage):
    """A disk that loses the last byte of whatever is written."""

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        with super().writing(path) as file:
            yield file
            file.write_bytes(file.read_bytes()[:-1])


def test_what_arrives_damaged_is_not_left_there(made: Storage, tmp_path: Path) -> None:
    path = layout.csv_file("love", "books")
    with pytest.raises(CopyError, match=f"{path}: arrived with different bytes twice and was removed"):
        copy_file(made, Damaging(tmp_path), path)
    assert not LocalStorage(tmp_path).exists(path)


@pytest.mark.parametrize("table", BRONZE)
def test_a_newer_snapshot_there_is_not_mixed_with_older_tables(
    table: str, made: Storage, cli: Cli, new_place: PlaceMaker
) -> None:
    place = new_place("local")
    newer = layout.snapshot_file("love", "29990101T000000Z", table)
    (current,) = made.paths(layout.snapshots_folder("love", table))
    place.open().write(newer, made.read(current))
    said = cli("storage", "copy", "--from", made.uri(), "--to", place.root)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert line.startswith("FAILED love: ")
    assert "has a newer snapshot, 29990101T000000Z" in line
    assert [path for path in place.open().paths("") if "=love" in path] == [newer]
    assert "place:france: " in said.out


def test_what_is_made_of_newer_snapshots_there_stays(made: Storage, cli: Cli, new_place: PlaceMaker) -> None:
    source = LocalStorage(cli.folder / "source")
    shutil.copytree(made.uri(), source.uri())
    refresh(source, lambda: dict.fromkeys(SUBJECTS, "made"))
    target = new_place("local").open()
    assert cli("storage", "copy", "--from", source.uri(), "--to", target.uri()).status == 0
    assert versions.current(target) == versions.current(source)
    (current,) = target.paths(layout.snapshots_folder("love"))
    target.write(layout.snapshot_file("love", "29990101T000000Z"), target.read(current))
    target.write(layout.COMPARISON, b"<html>newer</html>")
    refresh(target, lambda: dict.fromkeys(SUBJECTS, "made anew"))
    said = cli("storage", "copy", "--from", source.uri(), "--to", target.uri())
    assert said.status == 1
    here, there = versions.current(source), versions.current(target)
    assert here
    assert there
    assert there.name > here.name
    assert target.read(layout.COMPARISON) == b"<html>newer</html>"
    assert "comparison: not copied" in said.out


@pytest.mark.parametrize("held", ["source", "target"])
def test_a_subject_that_is_being_made_is_not_copied_half(made: Storage, tmp_path: Path, held: str) -> None:
    target = open_storage(str(tmp_path))
    busy = {"source": made, "target": target}[held]
    with (
        busy.lock(layout.lock_file("love"), error_message="x"),
        pytest.raises(LockTakenError, match=r"love is being fetched or made by another run; copy it once"),
    ):
        copy_subject(made, target, "love")
    assert list(target.paths("bronze")) == []


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--to", "b"), 2, "Missing option '--from'"),
        (("--from", "a", "--to", "a/"), 2, "the same place"),
        (("--from", "ftp://x/y", "--to", "b"), 2, "give a folder or s3://bucket/prefix"),
        (("--from", "nowhere", "--to", "b"), 1, "there are no subjects to copy"),
        (("--from", "nowhere", "--to", "b", "--subject", "..."), 2, "..."),
        (("--from", "nowhere", "--to", "b", "--subject", "love"), 1, "there are no files of love"),
    ],
)
def test_what_cannot_be_copied_is_said_in_one_line_and_leaves_nothing(
    cli: Cli, arguments: tuple[str, ...], status: int, says: str
) -> None:
    cli.monkeypatch.chdir(cli.folder)
    said = cli("storage", "copy", *arguments)
    assert said.status == status
    assert says in said.err
    assert "Traceback" not in said.err
    assert not [file for file in (cli.folder / "b").rglob("*") if file.is_file()]


def test_a_file_that_cannot_be_read_is_an_error_of_one_line() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, path = open_storage(folder), layout.csv_file("love", "books")
        source.write(path, b"x")
        Path(folder).chmod(0o755)
        Path(source.uri(path)).chmod(0)
        with ordinary_user(), pytest.raises(CopyError, match=r"books\.csv: Permission denied$"):
            copy_file(source, open_storage(f"{folder}/there"), path)


def test_a_watch_list_there_that_holds_more_is_not_lost(made: Storage, cli: Cli, new_place: PlaceMaker) -> None:
    place = new_place("local")
    place.open().write("subjects.yaml", b"- hate\n- love\n")
    said = cli("storage", "copy", "--from", made.uri(), "--to", place.root)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert line.startswith(f"FAILED {place.root}/subjects.yaml: contains hate, which the list to copy does not")
    assert place.open().read("subjects.yaml") == b"- hate\n- love\n"
    assert "2 of 2 subjects" in said.out


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (b"- love\n- 'https://openlibrary.org/works/OL1W'\n", "subjects.yaml, entry 2: .*; correct it first"),
        (b"subjects:\n", "subjects.yaml: contains no list of subjects"),
    ],
)
def test_a_watch_list_there_that_cannot_be_understood_is_not_lost(
    made: Storage, cli: Cli, new_place: PlaceMaker, there: bytes, reason: str
) -> None:
    place = new_place("local")
    place.open().write("subjects.yaml", there)
    said = cli("storage", "copy", "--from", made.uri(), "--to", place.root)
    assert said.status == 1
    (line,) = said.err.splitlines()
    assert re.match(f"FAILED {place.root}/{reason}", line)
    assert place.open().read("subjects.yaml") == there
    assert "2 of 2 subjects" in said.out
    assert place.open().exists("catalog.duckdb")


@pytest.mark.parametrize("root", ["s3:/bucket/a", "s3://bucket/a#1", "s3://bucket//a", "ftp://host/a", " ", "s3:"])
def test_what_names_no_place_is_refused(made: Storage, cli: Cli, root: str) -> None:
    cli.monkeypatch.chdir(cli.folder)
    said = cli("storage", "copy", "--from", made.uri(), "--to", root)
    assert said.status == 2
    assert "names no place" in said.err
    assert not Path("s3:").exists()


def test_a_comparison_of_more_subjects_is_not_lost(made: Storage, cli: Cli, new_place: PlaceMaker) -> None:
    place = new_place("local")
    place.open().write(layout.COMPARISON, b"<html>hate, and others</html>")
    (current,) = made.paths(layout.snapshots_folder("love"))
    place.open().write(layout.snapshot_file("hate", "20200101T000000Z"), made.read(current))
    said = cli("storage", "copy", "--from", made.uri(), "--to", place.root)
    assert said.status == 0
    assert f"comparison: not copied, since {place.root} has subjects that were not" in said.out
    assert place.open().read(layout.COMPARISON) == b"<html>hate, and others</html>"
