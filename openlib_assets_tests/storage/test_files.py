"""The contract of a storage's files, on the local disk and on S3 over HTTP."""

import hashlib
import os
import tempfile
import threading
from pathlib import Path

import boto3
import pytest

from openlib_assets.storage import LocalStorage, MissingFileError, Storage, open_storage, read_if_there
from openlib_assets_tests.conftest import Place

PATHS = ["a/one.txt", "a/b/two.txt", "a/b/subject=place%3Aparis/three.txt", "ab/four.txt", "é/ü.txt"]


def test_what_was_written_is_read_again(storage: Storage) -> None:
    for path in PATHS:
        storage.write(path, path.encode())
    for path in PATHS:
        assert storage.exists(path)
        assert storage.read(path) == path.encode()
        with storage.local_copy(path) as file:
            assert file.read_bytes() == path.encode()


def test_a_second_write_replaces_the_first(storage: Storage) -> None:
    storage.write("a", b"first and longer")
    storage.write("a", b"second")
    assert storage.read("a") == b"second"


def test_a_stamp_tells_that_a_file_changed(storage: Storage) -> None:
    assert storage.stamp("folder/file") == ""
    storage.write("folder/file", b"one")
    first = storage.stamp("folder/file")
    assert first == storage.stamp("folder/file") != ""
    storage.write("folder/file", b"two")
    assert storage.stamp("folder/file") != first


def test_a_size_is_that_of_the_content(storage: Storage) -> None:
    storage.write("folder/file", b"seven b")
    assert storage.size("folder/file") == 7
    for path in ("folder", "folder/none", "folder/file/none"):
        with pytest.raises(MissingFileError, match="there is no such file"):
            storage.size(path)


def test_the_beginning_of_a_file_can_be_read_alone(storage: Storage) -> None:
    storage.write("a/long", b"0123456789")
    storage.write("a/empty", b"")
    beginnings = [storage.read_beginning(path, most) for path, most in (("a/long", 4), ("a/long", 20), ("a/empty", 4))]
    assert beginnings == [b"0123", b"0123456789", b""]


def test_the_end_of_a_file_can_be_read_alone(storage: Storage) -> None:
    storage.write("a/long", b"0123456789")
    storage.write("a/empty", b"")
    ends = [storage.read_end(path, most) for path, most in (("a/long", 4), ("a/long", 20), ("a/empty", 4))]
    assert ends == [b"6789", b"0123456789", b""]


@pytest.mark.parametrize("path", ["none", "folder", "folder/none", "folder/file/none"])
def test_of_what_is_not_there_nothing_is_read(storage: Storage, path: str) -> None:
    storage.write("folder/file", b"x")
    assert read_if_there(storage, "folder/file") == b"x"
    assert read_if_there(storage, path) is None
    for read in (storage.read, lambda path: storage.read_beginning(path, 4), lambda path: storage.read_end(path, 4)):
        with pytest.raises(MissingFileError, match=rf"/{path}: there is no such file$"):
            read(path)


def test_a_digest_is_that_of_the_content(storage: Storage) -> None:
    assert storage.digest("folder/file") == ""
    storage.write("folder/file", b"one")
    with storage.writing("folder/other") as file:
        file.write_bytes(b"two")
    assert storage.digest("folder/file") == hashlib.sha256(b"one").hexdigest()
    assert storage.digest("folder/other") == hashlib.sha256(b"two").hexdigest()
    assert storage.digest("folder") == storage.digest("folder/file/none") == ""


@pytest.mark.parametrize("told", ["", "no base64", hashlib.sha256(b"something else").hexdigest()])
def test_on_s3_what_somebody_else_says_of_an_objects_digest_is_not_believed(s3_root: str, told: str) -> None:
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/file", Body=b"one", Metadata={"sha256": told})
    assert open_storage(s3_root).digest("file") == hashlib.sha256(b"one").hexdigest()


def test_a_file_that_is_not_there_cannot_be_lent(storage: Storage) -> None:
    with pytest.raises(MissingFileError, match="there is no such file"), storage.local_copy("a/none"):
        raise AssertionError


def test_paths_are_those_below_a_folder_in_order(storage: Storage) -> None:
    for path in reversed(PATHS):
        storage.write(path, b"x")
    assert list(storage.paths("a")) == ["a/b/subject=place%3Aparis/three.txt", "a/b/two.txt", "a/one.txt"]
    assert list(storage.paths("a/b")) == ["a/b/subject=place%3Aparis/three.txt", "a/b/two.txt"]
    assert set(storage.paths("")) == set(PATHS)
    assert list(storage.paths("no/such/folder")) == []


def test_folders_are_those_directly_below_a_folder_in_order(storage: Storage) -> None:
    for path in PATHS:
        storage.write(path, b"x")
    storage.write("a/aa/file", b"x")
    assert storage.folders("a") == ["aa", "b"]
    assert storage.folders("") == ["a", "ab", "é"]
    assert storage.folders("a/b") == ["subject=place%3Aparis"]
    assert storage.folders("no/such/folder") == []


def test_a_listing_goes_past_the_first_page_of_s3(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")
    names = [f"{number:02}" for number in range(23)]
    for name in names:
        storage.write(f"many/{name}/file", b"")
    assert list(storage.paths("many")) == [f"many/{name}/file" for name in names]
    assert storage.folders("many") == names


def test_a_deleted_file_is_gone_and_leaves_no_empty_folder(storage: Storage) -> None:
    storage.write("a/b/c/file", b"x")
    storage.write("a/other", b"x")
    storage.delete("a/b/c/file")
    assert not storage.exists("a/b/c/file")
    assert storage.folders("a") == []
    assert list(storage.paths("a")) == ["a/other"]


def test_to_delete_what_is_not_there_is_no_error(storage: Storage) -> None:
    storage.delete("never/was")


def test_a_cleared_folder_is_gone_with_all_below_it_and_nothing_else(storage: Storage, place: Place) -> None:
    for path in PATHS:
        storage.write(path, b"x")
    storage.clear("a")
    storage.clear("never/was")
    assert set(place.states()) == {"ab/four.txt", "é/ü.txt"}
    assert storage.folders("") == ["ab", "é"]


def test_a_folder_is_not_a_file(storage: Storage) -> None:
    storage.write("a/b", b"x")
    assert not storage.exists("a")
    assert not storage.exists("a/c")


def test_an_address_is_shown_in_full(storage: Storage, storage_root: str) -> None:
    assert storage.uri("silver/books") == f"{storage_root}/silver/books"
    assert storage.uri() == storage_root


def test_a_storage_tells_what_it_lies_on(storage: Storage, storage_root: str) -> None:
    assert storage.kind == ("s3" if storage_root.startswith("s3://") else "local")


def test_what_is_being_written_appears_when_the_block_ends(storage: Storage, place: Place) -> None:
    with storage.writing("a/file") as file:
        file.write_bytes(b"half")
        assert not storage.exists("a/file")
        assert list(storage.paths("")) == []
    assert storage.read("a/file") == b"half"
    assert list(place.states()) == ["a/file"]


def write_and_fail(storage: Storage, path: str) -> None:
    with storage.writing(path) as file:
        file.write_bytes(b"half")
        raise ZeroDivisionError


def test_a_block_that_raises_leaves_nothing_behind(
    storage: Storage, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError):
        write_and_fail(storage, "a/file")
    assert not storage.exists("a/file")
    assert place.states() == {}
    assert storage.folders("") == []
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_raises_leaves_the_old_file_as_it_was(storage: Storage, place: Place) -> None:
    storage.write("a/file", b"old")
    before = place.states()
    with pytest.raises(ZeroDivisionError):
        write_and_fail(storage, "a/file")
    assert storage.read("a/file") == b"old"
    assert place.states() == before


def test_on_disk_a_link_stays_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/list").write_bytes(b"old")
    (tmp_path / "kept/list").chmod(0o640)
    (tmp_path / "root").mkdir()
    (tmp_path / "root/list").symlink_to("../kept/list")
    (tmp_path / "root/new").symlink_to(tmp_path / "kept/new")
    storage = LocalStorage(tmp_path / "root")
    for name in ("list", "new"):
        storage.write(name, b"new")
        assert (tmp_path / "root" / name).is_symlink()
        assert (tmp_path / "kept" / name).read_bytes() == b"new"
    assert (tmp_path / "kept/list").stat().st_mode & 0o777 == 0o640
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["kept", "list", "list", "new", "new", "root"]


def test_equal_bytes_leave_the_file_untouched(storage: Storage, place: Place) -> None:
    for data in (b"same", b"same", b"other"):
        before = place.states()
        with storage.writing("a/file") as file:
            file.write_bytes(data)
        assert storage.read("a/file") == data
        assert (place.states() == before) == (before != {} and data == b"same")


def test_a_folder_may_have_the_name_of_something_half_written(storage: Storage, place: Place) -> None:
    storage.write("reports/.writing-x/index.html", b"of a subject")
    if place.root.startswith("/"):
        os.utime(f"{place.root}/reports/.writing-x", (0, 0))
    storage.write("reports/index.html", b"of all")
    assert storage.read("reports/.writing-x/index.html") == b"of a subject"


def test_readers_see_the_old_bytes_or_the_new_ones_while_both_change_places(storage: Storage) -> None:
    texts = {letter * 300_000 for letter in (b"a", b"b")}
    storage.write("file", min(texts))
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(storage.read("file"))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        for text in sorted(texts):
            with storage.writing("file") as file:
                file.write_bytes(text)
    done.set()
    reader.join()
    assert seen
    assert seen <= texts


def test_nothing_is_read_outside_the_root(storage: Storage, place: Place) -> None:
    storage.write("file", b"x")
    below = open_storage(f"{place.root}/below")
    assert list(below.paths("")) == []
    assert below.folders("") == []
    assert not below.exists("file")
