"""What may be asked of S3 beyond AWS's standard variables goes with every call."""

from typing import Any

import boto3
import pytest
from moto.s3.responses import S3Response

from openlib_assets.storage import open_storage


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
    with storage.lock("lock", error_message="x"):
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
    with storage.lock("lock", error_message="x"), storage.writing("large") as file:
        file.write_bytes(bytes(20 << 20))
    with storage.local_copy("large"):
        assert list(storage.paths("")) == ["large"]
    storage.clear("")
    assert {method for method, _ in seen} >= {"GET", "HEAD", "PUT", "POST", "DELETE"}
    assert {owner for _, owner in seen} == {"123456789012"}
