"""A storage on S3: a bucket and a prefix, through dagster-aws's S3Resource.

A put is atomic on S3, so a file is there whole or not at all by itself.
"""

import base64
import contextlib
import hashlib
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from dagster_aws.s3 import S3Resource

from openlib_assets.storage.base import StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SHA256 = "sha256"
_LEASE_SECONDS = 60.0
_MAX_ATTEMPTS = 8


class S3Storage:
    """Objects below `s3://bucket/prefix`."""

    kind = "s3"

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @staticmethod
    def at(root: str) -> "S3Storage":
        """Open the storage at `s3://bucket/prefix` with the standard AWS variables and credential chain."""
        parts = urlsplit(root)
        with _errors(root):
            client = S3Resource(max_attempts=_MAX_ATTEMPTS).get_client()
        return S3Storage(client, parts.netloc, parts.path)

    def uri(self, path: str = "") -> str:
        return f"s3://{self._bucket}/{self._prefix}{path}".rstrip("/")

    def exists(self, path: str) -> bool:
        return self._head(path) is not None

    def paths(self, prefix: str) -> Iterator[str]:
        with _errors(self.uri(prefix)):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._key(prefix)}/"
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    yield entry["Key"].removeprefix(self._prefix)

    def folders(self, prefix: str) -> list[str]:
        below = f"{self._key(prefix)}/"
        with _errors(self.uri(prefix)):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=below, Delimiter="/"
            )
            return sorted(
                entry["Prefix"].removeprefix(below).rstrip("/")
                for page in pages
                for entry in page.get("CommonPrefixes", [])
            )

    def read(self, path: str) -> bytes:
        with _errors(self.uri(path)):
            return self._client.get_object(Bucket=self._bucket, Key=self._key(path))["Body"].read()

    def write(self, path: str, data: bytes) -> None:
        with _errors(self.uri(path)):
            self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=data)

    @contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            file = Path(folder) / "copy"
            with _errors(self.uri(path)):
                self._client.download_file(self._bucket, self._key(path), str(file))
            yield file

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            file = Path(folder) / "written"
            with _errors(self.uri(path)):
                file.touch()
                yield file
                digest = _sha256(file)
                if (self._head(path) or {}).get(_SHA256) == digest:
                    return
                self._client.upload_file(
                    str(file), self._bucket, self._key(path), ExtraArgs={"Metadata": {_SHA256: digest}}
                )

    def delete(self, path: str) -> None:
        with _errors(self.uri(path)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    @contextmanager
    def lock(self, path: str, *, what: str) -> Iterator[None]:
        """Hold a lease: an object written only where there is none, renewed while held, void once it has run out."""
        me = uuid.uuid4().hex
        self._acquire(path, me, what)
        done = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(path, me, done), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            with contextlib.suppress(StorageError):  # what is left runs out by itself
                self.delete(path)

    def _acquire(self, path: str, me: str, what: str) -> None:
        for _ in range(2):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=_lease(me), IfNoneMatch="*")
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (409, 412):
                    raise StorageError(f"{self.uri(path)}: {_reason(error)}") from error
            except BotoCoreError as error:
                raise StorageError(f"{self.uri(path)}: {_reason(error)}") from error
            else:
                return
            if not self._run_out(path):
                break
            self.delete(path)
        raise StorageError(
            f"{what} is being fetched by another run; wait for it to end, or {_LEASE_SECONDS:.0f} s if it was killed, "
            "then try again"
        )

    def _run_out(self, path: str) -> bool:
        try:
            _, _, until = self.read(path).decode().partition(" ")
        except StorageError:
            return True
        return float(until) < time.time()

    def _renew(self, path: str, me: str, done: threading.Event) -> None:
        while not done.wait(_LEASE_SECONDS / 4):
            with contextlib.suppress(StorageError):  # the next renewal comes well before the lease runs out
                self.write(path, _lease(me))

    def _head(self, path: str) -> dict[str, str] | None:
        """Give the metadata of an object, None if there is no such object."""
        try:
            return self._client.head_object(Bucket=self._bucket, Key=self._key(path))["Metadata"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise StorageError(f"{self.uri(path)}: {_reason(error)}") from error
        except BotoCoreError as error:
            raise StorageError(f"{self.uri(path)}: {_reason(error)}") from error

    def _key(self, path: str) -> str:
        return f"{self._prefix}{path}"


def _lease(me: str) -> bytes:
    return f"{me} {time.time() + _LEASE_SECONDS}".encode()


def _sha256(file: Path) -> str:
    with file.open("rb") as written:
        return base64.b64encode(hashlib.file_digest(written, "sha256").digest()).decode()


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    if "Unable to locate credentials" in text:
        return "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    return text


@contextmanager
def _errors(where: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise StorageError(f"{where}: {_reason(error)}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageError(f"{where}: {_reason(error)}") from error
    except Exception as error:
        # boto3's transfers raise errors of their own kind around the reason.
        if type(error).__module__.startswith("boto3."):
            raise StorageError(f"{where}: {_reason(error)}") from error
        raise
