"""Which dumps there are, on the archive and in a folder, and which one is meant."""

import gzip
import shutil
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from openlib_assets.openlibrary.dumps import (
    DUMP_FILES,
    DumpFolder,
    file_name,
    parse_day,
    parse_file_names,
)
from openlib_assets.openlibrary.dumps.names import DumpNameError
from openlib_assets.openlibrary.errors import DamagedDumpError, MissingDumpError
from openlib_assets.storage import StorageError, open_storage
from openlib_assets_tests.openlibrary.dumps.served import always, archive_of, sandbox_of
from openlib_assets_tests.tools.dump_files import AUGUST, SEPTEMBER, dump_bytes, write_dumps

SIZES = {name: len(dump_bytes(name, SEPTEMBER)) for name in DUMP_FILES}


class TestNames:
    """What people give."""

    @pytest.mark.parametrize("text", ["2026-08-31", " 2026-08-31\n"])
    def test_a_date_is_read(self, text: str) -> None:
        assert parse_day(text) == AUGUST

    @pytest.mark.parametrize(
        "text", ["", "latest", "2026-8-31", "2026-02-30", "20260831", "2026-W01-1", "٢٠٢٦-٠٨-٣١", "2026-08-31x", "x\ny"]
    )
    def test_what_is_no_date_is_refused_in_a_line(self, text: str) -> None:
        with pytest.raises(DumpNameError, match=r" is not the date of a dump: give one as 2026-08-31$") as refused:
            parse_day(text)
        assert str(refused.value).isprintable()

    def test_names_of_files_are_read(self) -> None:
        assert parse_file_names(["ratings", "works", "ratings"]) == ["works", "ratings"]
        with pytest.raises(DumpNameError, match=r"^'lists' is not a file of a dump: give works, editions, authors"):
            parse_file_names(["works", "lists"])


class TestArchive:
    """What archive.org has."""

    def test_the_newest_come_first_with_their_sizes(self, tmp_path: Path) -> None:
        folder = write_dumps(tmp_path, [date(2025, 2, 11), AUGUST, SEPTEMBER])
        (folder / "ol_cdump_2026-10-31.txt.gz").write_bytes(b"all revisions")
        with sandbox_of(folder) as sandbox:
            archive = archive_of(sandbox)
            assert archive.days() == [SEPTEMBER, AUGUST, date(2025, 2, 11)]
            newest, second = archive.available(2)
        assert (newest.day, second.day) == (SEPTEMBER, AUGUST)
        assert {name: file.size for name, file in newest.files.items()} == SIZES

    def test_the_newest_is_meant_unless_a_date_is_given(self, dumps: Path) -> None:
        with sandbox_of(dumps) as sandbox:
            assert archive_of(sandbox).resolve().day == SEPTEMBER
            assert archive_of(sandbox).resolve(AUGUST).day == AUGUST
            paths = [request.path for request in sandbox.requests]
        assert [path for path in paths if "latest" in path] == []

    @pytest.mark.parametrize("fault", ["missing", "unlisted"])
    def test_an_upload_that_has_not_ended_is_told_with_what_to_do(self, tmp_path: Path, fault: str) -> None:
        folder = write_dumps(tmp_path)
        plan = always("unlisted_dump", "ratings") if fault == "unlisted" else None
        if fault == "missing":
            (folder / file_name("ratings", SEPTEMBER)).unlink()
        with sandbox_of(folder, plan) as sandbox:
            archive = archive_of(sandbox)
            assert set(archive.available(1)[0].files) == set(DUMP_FILES) - {"ratings"}
            assert archive.resolve(None, ["works"]).day == SEPTEMBER
            with pytest.raises(MissingDumpError) as missing:
                archive.resolve()
            assert str(missing.value) == (
                f"{sandbox.url}/download/ol_dump_2026-09-30: there is no ol_dump_ratings_2026-09-30.txt.gz; its upload "
                "may not have ended: try again in a day, or take another date, such as 2026-08-31"
            )

    def test_a_date_without_a_dump_is_told_with_those_that_have_one(self, dumps: Path) -> None:
        with sandbox_of(dumps) as sandbox, pytest.raises(MissingDumpError) as missing:
            archive_of(sandbox).resolve(date(2026, 1, 31))
        assert str(missing.value) == (
            f"{sandbox.url}: there is no dump of 2026-01-31; the newest are 2026-09-30, 2026-08-31"
        )

    def test_an_archive_without_dumps_is_told(self, tmp_path: Path) -> None:
        with sandbox_of(tmp_path) as sandbox, pytest.raises(MissingDumpError, match=r"of any date; it lists none$"):
            archive_of(sandbox).resolve()

    def test_the_files_of_the_month_before_are_not_taken_for_those_of_this_one(self, dumps: Path) -> None:
        with sandbox_of(dumps, always("other_month")) as sandbox:
            with pytest.raises(
                DamagedDumpError, match=r"works_2026-09-30\.txt\.gz: has the same bytes as the one of 20"
            ):
                archive_of(sandbox).resolve()
            assert archive_of(sandbox).resolve(None, ["ratings"]).day == SEPTEMBER


class TestFolder:
    """What somebody put on a disk or on S3."""

    def test_files_are_found_in_any_folder_below_with_their_sizes(self, storage_root: str) -> None:
        storage = open_storage(storage_root)
        for name in DUMP_FILES:
            storage.write(f"ol_dump_2026-09-30/{file_name(name, SEPTEMBER)}", dump_bytes(name, SEPTEMBER))
        storage.write(file_name("works", AUGUST), dump_bytes("works", AUGUST))
        storage.write("ol_dump_works_2026-99-99.txt.gz", b"of no day")
        storage.write("ol_dump_works_2026-09-30.txt.gz.part", b"no file")
        folder = DumpFolder(storage_root)
        newest, older = folder.available()
        assert (newest.day, older.day) == (SEPTEMBER, AUGUST)
        assert {name: file.size for name, file in newest.files.items()} == SIZES
        assert set(older.files) == {"works"}
        assert folder.resolve() == newest
        with folder.local_copy(newest.files["ratings"]) as path:
            assert path.read_bytes() == dump_bytes("ratings", SEPTEMBER)

    def test_of_files_of_one_name_the_one_at_the_top_is_taken(self, storage_root: str) -> None:
        storage = open_storage(storage_root)
        name = file_name("works", AUGUST)
        for path in (f"old/{name}", name, f"{'z/' * 2}{name}"):
            storage.write(path, dump_bytes("works", AUGUST))
        (dump,) = DumpFolder(storage_root).available()
        assert dump.files["works"].path == name

    def test_a_file_that_is_missing_is_told(self, storage_root: str) -> None:
        open_storage(storage_root).write(file_name("works", AUGUST), dump_bytes("works", AUGUST))
        folder = DumpFolder(storage_root)
        uri = open_storage(storage_root).uri()
        assert folder.resolve(AUGUST, ["works"]).day == AUGUST
        for day, names, reason in (
            (None, DUMP_FILES, "there is no ol_dump_editions_2026-08-31.txt.gz; put it there, or name another date"),
            (SEPTEMBER, ["works"], "there is no dump of 2026-09-30; the newest are 2026-08-31"),
        ):
            with pytest.raises(MissingDumpError) as missing:
                folder.resolve(day, names)
            assert str(missing.value) == f"{uri}: {reason}"

    def test_an_empty_folder_has_none(self, tmp_path: Path) -> None:
        assert DumpFolder(str(tmp_path / "none")).available() == []
        with pytest.raises(MissingDumpError, match=r"of any date; put files such as .* or correct OPENLIB_DUMPS$"):
            DumpFolder(str(tmp_path / "none")).resolve()

    def test_a_file_that_begins_wrong_is_not_lent(self, storage_root: str) -> None:
        storage, path = open_storage(storage_root), file_name("works", SEPTEMBER)
        storage.write(path, dump_bytes("editions", SEPTEMBER))
        folder = DumpFolder(storage_root)
        file = folder.resolve(SEPTEMBER, ["works"]).files["works"]
        with pytest.raises(DamagedDumpError) as refused, folder.local_copy(file):
            raise AssertionError
        assert str(refused.value) == (
            f"{storage.uri(path)}: has lines of editions, not of works; take the dump of another date"
        )

    def test_how_a_file_begins_is_seen_without_the_rest_of_it(
        self, storage_root: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        storage, path = open_storage(storage_root), file_name("works", SEPTEMBER)
        storage.write(path, dump_bytes("works", SEPTEMBER))
        folder = DumpFolder(storage_root)
        file = folder.resolve(SEPTEMBER, ["works"]).files["works"]
        with monkeypatch.context() as patch:
            for whole in ("read", "local_copy"):
                patch.delattr(type(storage), whole)
            folder.check_beginning(file)
        storage.write(path, dump_bytes("editions", SEPTEMBER))
        with pytest.raises(DamagedDumpError, match="has lines of editions"):
            folder.check_beginning(file)

    @pytest.mark.parametrize("name", ["works", "editions", "authors"])
    def test_records_of_the_month_before_are_not_taken_for_those_of_this_one(
        self, storage_root: str, name: str
    ) -> None:
        storage = open_storage(storage_root)
        for day in (AUGUST, SEPTEMBER):
            storage.write(file_name(name, day), dump_bytes(name, day))
        assert DumpFolder(storage_root).resolve(None, [name]).day == SEPTEMBER
        # It was packed once more meanwhile.
        storage.write(file_name(name, SEPTEMBER), gzip.compress(gzip.decompress(dump_bytes(name, AUGUST)), mtime=1))
        with pytest.raises(DamagedDumpError) as refused:
            DumpFolder(storage_root).resolve(None, [name])
        assert str(refused.value) == (
            f"{storage.uri(file_name(name, SEPTEMBER))}: has the same content as the one of 2026-08-31, so it is not "
            "of 2026-09-30; put the right one there, or name another date"
        )
        assert DumpFolder(storage_root).resolve(AUGUST, [name]).day == AUGUST

    def test_of_ratings_and_the_like_a_month_may_bring_nothing_new(self, storage_root: str) -> None:
        others = ("redirects", "ratings", "reading-log")
        for name, day in product(others, (AUGUST, SEPTEMBER)):
            open_storage(storage_root).write(file_name(name, day), dump_bytes(name, AUGUST))
        assert DumpFolder(storage_root).resolve(None, others).day == SEPTEMBER

    def test_on_disk_a_file_is_lent_where_it_is(self, dumps: Path) -> None:
        folder = DumpFolder(str(dumps))
        with folder.local_copy(folder.resolve().files["works"]) as path:
            assert path == dumps / file_name("works", SEPTEMBER)

    def test_a_file_that_went_meanwhile_is_told(self, dumps: Path, tmp_path: Path) -> None:
        shutil.copytree(dumps, tmp_path / "dumps")
        folder = DumpFolder(str(tmp_path / "dumps"))
        file = folder.resolve().files["works"]
        (tmp_path / "dumps" / file.path).unlink()
        with pytest.raises(StorageError, match="there is no such file"), folder.local_copy(file):
            raise AssertionError
