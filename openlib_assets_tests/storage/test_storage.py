"""The contract of a storage, on the local disk and on S3 over HTTP."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from moto.s3.responses import S3Response

from openlib_assets.storage import Storage, StorageError, open_storage, s3
from openlib_assets_tests.conftest import Place

PATHS = ["a/one.txt", "a/b/two.txt", "a/b/subject=place%3Aparis/three.txt", "ab/four.txt", "é/ü.txt"]


@pytest.fixture
def storage(storage_root: str) -> Storage:
    return open_storage(storage_root)


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
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_raises_leaves_the_old_file_as_it_was(storage: Storage, place: Place) -> None:
    storage.write("a/file", b"old")
    before = place.states()
    with pytest.raises(ZeroDivisionError):
        write_and_fail(storage, "a/file")
    assert storage.read("a/file") == b"old"
    assert place.states() == before


def test_equal_bytes_leave_the_file_untouched(storage: Storage, place: Place) -> None:
    for data in (b"same", b"same", b"other"):
        before = place.states()
        with storage.writing("a/file") as file:
            file.write_bytes(data)
        assert storage.read("a/file") == data
        assert (place.states() == before) == (before != {} and data == b"same")


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


def test_a_missing_file_is_an_error_of_one_line_that_names_it(storage: Storage, storage_root: str) -> None:
    with pytest.raises(StorageError) as read:
        storage.read("a/missing")
    with pytest.raises(StorageError) as copied, storage.local_copy("a/missing"):
        pass
    for caught in (read, copied):
        assert f"{storage_root}/a/missing: " in str(caught.value)
        assert_one_line(caught.value)


def test_nothing_is_read_outside_the_root(storage: Storage, place: Place) -> None:
    storage.write("file", b"x")
    below = open_storage(f"{place.root}/below")
    assert list(below.paths("")) == []
    assert below.folders("") == []
    assert not below.exists("file")


def test_a_lock_keeps_everybody_else_out_until_it_is_let_go(storage: Storage, place: Place) -> None:
    other = place.open()
    with storage.lock("_locks/love", taken="love is taken"), storage.lock("_locks/hate", taken="hate is taken"):
        with (
            pytest.raises(StorageError, match=r"^love is taken") as caught,
            other.lock("_locks/love", taken="love is taken"),
        ):
            pass
        assert_one_line(caught.value)
    with other.lock("_locks/love", taken="love is taken"):
        pass
    assert list(place.states()) == []


def test_a_lock_is_let_go_when_its_block_raises(storage: Storage, place: Place) -> None:
    with pytest.raises(ZeroDivisionError), storage.lock("lock", taken="x"):
        raise ZeroDivisionError
    with place.open().lock("lock", taken="x"):
        pass


def test_of_many_that_want_a_lock_at_once_one_has_it_at_a_time(place: Place) -> None:
    holders: list[int] = []
    most = 0
    start = threading.Barrier(4)

    def want(number: int, storage: Storage) -> None:
        nonlocal most
        start.wait()
        for _ in range(5):
            with suppress(StorageError), storage.lock("lock", taken="x"):
                holders.append(number)
                most = max(most, len(holders))
                time.sleep(0.002)
                holders.remove(number)

    threads = [threading.Thread(target=want, args=(number, place.open())) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


HOLDER = """
import sys, time
from openlib_assets.storage import open_storage, s3
s3._LEASE_SECONDS = float(sys.argv[2])
with open_storage(sys.argv[1]).lock("lock", taken="x"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def killed_holder(root: str, *, lease_seconds: float = 60) -> Iterator[None]:
    """Let another process take the lock, check that it has it, and kill it the hard way."""
    command = [sys.executable, "-c", HOLDER, root, str(lease_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(StorageError), open_storage(root).lock("lock", taken="x"):
                pass
        finally:
            holder.kill()
    yield


def test_on_disk_a_lock_goes_at_once_with_the_death_of_its_holder(tmp_path: Path) -> None:
    with killed_holder(str(tmp_path)), open_storage(str(tmp_path)).lock("lock", taken="x"):
        assert (tmp_path / "lock").exists()


@pytest.fixture
def s3_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A root on S3, the environment prepared for it."""
    place: Place = request.getfixturevalue("new_place")("s3")
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    return place.root


def test_on_s3_the_lock_of_a_dead_holder_runs_out(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(s3_root)
    # Long enough that a holder on a busy machine renews it in time.
    monkeypatch.setattr(s3, "_LEASE_SECONDS", 4.0)
    with killed_holder(s3_root, lease_seconds=4.0):
        time.sleep(4.2)
        with storage.lock("lock", taken="x"):
            assert storage.exists("lock")


def test_on_s3_a_lease_taken_over_by_another_just_before_is_left_to_them(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, quick, slow = (open_storage(s3_root) for _ in range(3))
    with monkeypatch.context() as patch:
        patch.setattr(s3, "_LEASE_SECONDS", -1.0)
        patch.setattr(s3.S3Storage, "_renew", lambda *_: None)
        abandoned = dead.lock("lock", taken="x")
        abandoned.__enter__()
    held = quick.lock("lock", taken="x")
    while_next_read(monkeypatch, after=held.__enter__)
    with pytest.raises(StorageError), slow.lock("lock", taken="x"):
        pass
    assert quick.exists("lock")
    held.__exit__(None, None, None)


def test_on_s3_a_lock_let_go_and_taken_by_another_just_before_is_left_to_them(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, quick, slow = (open_storage(s3_root) for _ in range(3))
    before, held = first.lock("lock", taken="x"), quick.lock("lock", taken="x")
    before.__enter__()
    while_next_read(monkeypatch, before=lambda: before.__exit__(None, None, None), after=held.__enter__)
    with pytest.raises(StorageError), slow.lock("lock", taken="x"):
        pass
    assert quick.exists("lock")
    held.__exit__(None, None, None)


def test_on_s3_who_lost_a_lease_leaves_the_next_one_alone(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(s3, "_LEASE_SECONDS", -1.0)
        patch.setattr(s3.S3Storage, "_renew", lambda *_: None)
        lost = open_storage(s3_root).lock("lock", taken="x")
        lost.__enter__()
    other = open_storage(s3_root)
    with other.lock("lock", taken="x"):
        lost.__exit__(None, None, None)
        assert other.exists("lock")
    assert not other.exists("lock")


def while_next_read(
    monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], object] = int, after: Callable[[], object]
) -> None:
    """Let something happen right before and after the server looks up the object that it is asked for next."""
    get, due = S3Response._key_response_get, [True]

    def late(*args: Any, **kwargs: Any) -> Any:
        if not due:
            return get(*args, **kwargs)
        due.clear()
        before()
        try:
            return get(*args, **kwargs)
        finally:
            after()

    monkeypatch.setattr(S3Response, "_key_response_get", late)


def test_on_s3_a_lock_that_is_held_does_not_run_out(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = open_storage(s3_root)
    monkeypatch.setattr(s3, "_LEASE_SECONDS", 0.8)
    with storage.lock("lock", taken="x"):
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            with pytest.raises(StorageError), storage.lock("lock", taken="x"):
                pass
            time.sleep(0.1)
    with storage.lock("lock", taken="x"):
        pass


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "file").write_bytes(b"x")
        root.chmod(0o555)
        storage = open_storage(str(root))
        with ordinary_user():
            attempts: list[Callable[[], object]] = [
                lambda: storage.write("new", b"x"),
                lambda: storage.write("a/new", b"x"),
                lambda: storage.delete("file"),
                lambda: storage.lock("lock", taken="x").__enter__(),
            ]
            for attempt in attempts:
                with pytest.raises(StorageError, match="Permission denied") as caught:
                    attempt()
                assert folder in str(caught.value)
                assert_one_line(caught.value)
            assert storage.read("file") == b"x"
        root.chmod(0o755)


def test_a_folder_that_cannot_be_looked_into_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_bytes(b"x")
    (tmp_path / "a").chmod(0)
    storage = open_storage(str(tmp_path))
    attempts: list[Callable[[], object]] = [
        lambda: storage.exists("a/file"),
        lambda: storage.read("a/file"),
        lambda: storage.folders("a"),
        lambda: list(storage.paths("a")),
    ]
    with ordinary_user():
        for attempt in attempts:
            with pytest.raises(StorageError, match="Permission denied") as caught:
                attempt()
            assert_one_line(caught.value)
    (tmp_path / "a").chmod(0o755)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Give up the rights of root, to whom no file is read-only."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_file_where_a_folder_should_be_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    storage = open_storage(str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"Not a directory|File exists") as caught:
        storage.write("a", b"x")
    assert_one_line(caught.value)


def everything(root: str) -> list[StorageError]:
    """Try all that touches the storage; each must fail."""
    storage = open_storage(root)
    attempts: list[Callable[[], object]] = [
        lambda: storage.write("a", b"x"),
        lambda: storage.read("a"),
        lambda: list(storage.paths("a")),
        lambda: storage.folders("a"),
        lambda: storage.delete("a"),
        lambda: storage.local_copy("a").__enter__(),
        lambda: storage.lock("a", taken="x").__enter__(),
    ]
    errors = []
    for attempt in attempts:
        with pytest.raises(StorageError) as caught:
            attempt()
        errors.append(caught.value)
    with pytest.raises(StorageError) as caught, storage.writing("a") as file:
        file.write_bytes(b"x")
    return [*errors, caught.value]


def test_a_bucket_that_does_not_exist_is_an_error_of_one_line(s3_root: str) -> None:
    for error in everything("s3://no-such-bucket-here/prefix"):
        assert "s3://no-such-bucket-here/prefix/a: " in str(error)
        assert_one_line(error)


def test_credentials_that_s3_refuses_are_an_error_of_one_line_without_the_secret(
    s3_root: str, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    requests.post(f"{s3_url}/moto-api/reset-auth", data=b"0", timeout=10)
    try:
        errors = everything(s3_root)
    finally:
        requests.post(f"{s3_url}/moto-api/reset-auth", data=b"inf", timeout=10)
    for error in errors:
        assert s3_root in str(error)
        assert os.environ["AWS_SECRET_ACCESS_KEY"] not in str(error)
        assert_one_line(error)


def test_no_credentials_at_all_are_an_error_that_says_what_to_set(
    s3_root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for error in everything(s3_root):
        assert "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE" in str(error)
        assert_one_line(error)


def test_an_s3_that_does_not_answer_is_an_error_of_one_line(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(s3, "_CLIENT", Config(retries={"total_max_attempts": 1}))
    for error in everything(s3_root):
        assert "http://127.0.0.1:9" in str(error)
        assert_one_line(error)


def test_on_s3_every_object_is_encrypted_with_the_key_that_is_asked_for(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
    monkeypatch.setenv("OPENLIB_S3_KMS_KEY", key)
    storage = open_storage(s3_root)
    storage.write("small", b"x")
    with storage.writing("large") as file:
        file.write_bytes(bytes(20 << 20))
    bucket, _, prefix = s3_root.removeprefix("s3://").partition("/")
    with storage.lock("lock", taken="x"):
        for path in ("small", "large", "lock"):
            about = boto3.client("s3").head_object(Bucket=bucket, Key=f"{prefix}/{path}")
            assert (about["ServerSideEncryption"], about["SSEKMSKeyId"]) == ("aws:kms", key)


def test_on_s3_every_call_names_the_owner_that_the_bucket_must_have(
    s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLIB_S3_BUCKET_OWNER", "123456789012")
    seen: list[tuple[str, str | None]] = []
    begin = S3Response.setup_class

    def noting(self: S3Response, request: Any, *args: Any, **kwargs: Any) -> None:
        seen.append((request.method, request.headers.get("x-amz-expected-bucket-owner")))
        begin(self, request, *args, **kwargs)

    monkeypatch.setattr(S3Response, "setup_class", noting)
    storage = open_storage(s3_root)
    with storage.lock("lock", taken="x"), storage.writing("large") as file:
        file.write_bytes(bytes(20 << 20))
    with storage.local_copy("large"):
        assert list(storage.paths("")) == ["large"]
    storage.clear("")
    assert {method for method, _ in seen} >= {"GET", "HEAD", "PUT", "POST", "DELETE"}
    assert {owner for _, owner in seen} == {"123456789012"}


def assert_one_line(error: Exception) -> None:
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 400
