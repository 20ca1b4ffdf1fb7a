"""What a disk or S3 refuses is an error of one line that says where and why."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from botocore.config import Config

from openlib_assets.storage import Storage, StorageError, open_storage, s3
from openlib_assets_tests.tools.refusals import assert_one_line, everything, ordinary_user


def test_a_missing_file_is_an_error_of_one_line_that_names_it(storage: Storage, storage_root: str) -> None:
    with pytest.raises(StorageError) as read:
        storage.read("a/missing")
    with pytest.raises(StorageError) as copied, storage.local_copy("a/missing"):
        pass
    for caught in (read, copied):
        assert f"{storage_root}/a/missing: " in str(caught.value)
        assert_one_line(caught.value)


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
                lambda: storage.lock("lock", error_message="x").__enter__(),
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


def test_a_file_where_a_folder_should_be_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    storage = open_storage(str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"(Not a directory|File exists); a file is in the way: move it") as caught:
        storage.write("a", b"x")
    assert_one_line(caught.value)


def test_a_bucket_that_does_not_exist_is_an_error_of_one_line(s3_root: str) -> None:
    for error in everything("s3://no-such-bucket-here/prefix", bucket_is_there=False):
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
