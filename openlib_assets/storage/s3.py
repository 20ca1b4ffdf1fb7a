"""A storage on S3: a bucket and a prefix, through boto3.

A put is atomic on S3, so a file is there whole or not at all by itself; so is an upload in parts.
"""

import base64
import contextlib
import hashlib
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from openlib_assets.storage.base import LockTakenError, StorageError
from openlib_assets.storage.s3_copies import Copies
from openlib_assets.storage.s3_errors import reason, s3_errors
from openlib_assets.storage.s3_options import S3Options

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_SHA256 = "sha256"
_LEASE_SECONDS = 60.0
_ATTEMPTS = 8

# Standard retries: 429, 5xx, time-outs and broken connections, with exponential waits and jitter.
_CLIENT = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    tcp_keepalive=True,
)
_PART_BYTES = 16 << 20
_TRANSFER = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=4)
_CREATING = ("PutObject", "CreateMultipartUpload")

# How an answer ends early. boto3 then asks again for downloads to a file, and for nothing else.
_BROKEN_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


@dataclass(frozen=True)
class _Lease:
    """A lock on S3: who holds it, until when (seconds since 1970), and the tag by which it is replaced."""

    holder: str
    until: float
    etag: str


def attempts() -> int:
    """Return how often a request to S3 is tried at most."""
    return _ATTEMPTS


def _client() -> "S3Client":
    client: S3Client = boto3.Session().client("s3", config=_CLIENT)
    return client


class S3Storage:
    """Objects below `s3://bucket/prefix`."""

    kind = "s3"

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._copies = Copies()

    @staticmethod
    def at(root: str, make_client: "Callable[[], S3Client] | None" = None) -> "S3Storage":
        """Open the storage at `s3://bucket/prefix`, with our S3Options put on every call.

        `make_client` makes the client, by default with AWS's standard variables and chain.
        """
        parts = urlsplit(root)
        options = S3Options()
        with s3_errors(root):
            client = make_client() if make_client else _client()

        def add_options(params: dict[str, Any], model: Any, **_: object) -> None:
            options.add_to(params, creates=model.name in _CREATING)

        # Here, not call by call: so that no call is forgotten, those of boto3's own transfers included.
        client.meta.events.register("provide-client-params.s3.*", add_options)
        return S3Storage(client, parts.netloc, parts.path)

    def uri(self, path: str = "") -> str:
        return f"s3://{self._bucket}/{self._prefix}{path}".rstrip("/")

    def exists(self, path: str) -> bool:
        return self._head(path) is not None

    def stamp(self, path: str) -> str:
        head = self._head(path)
        return f"{head['ContentLength']} {head['ETag']}" if head else ""

    def paths(self, prefix: str) -> Iterator[str]:
        with s3_errors(self.uri(prefix)):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._below(prefix)
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    yield entry["Key"].removeprefix(self._prefix)

    def folders(self, prefix: str) -> list[str]:
        below = self._below(prefix)
        with s3_errors(self.uri(prefix)):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=below, Delimiter="/"
            )
            return sorted(
                entry["Prefix"].removeprefix(below).rstrip("/")
                for page in pages
                for entry in page.get("CommonPrefixes", [])
            )

    def read(self, path: str) -> bytes:
        with s3_errors(self.uri(path)):
            head = self._head(path)
            kept = self._copies.read(path, head["ETag"]) if head else None
            if kept is not None:
                return kept
            data, etag = self._get(path)
            self._copies.keep(path, etag, data)
            return data

    def write(self, path: str, data: bytes) -> None:
        with s3_errors(self.uri(path)):
            answer = self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=data)
            self._copies.keep(path, answer["ETag"], data)

    @contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            file = Path(folder) / "copy"
            with s3_errors(self.uri(path)):
                key = self._key(path)
                etag = self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]
                if not self._copies.lend(path, etag, file):
                    self._client.download_file(self._bucket, key, str(file), Config=_TRANSFER)
                    self._keep(path, etag, file)
            yield file

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            file = Path(folder) / "written"
            with s3_errors(self.uri(path)):
                file.touch()
                yield file
                digest = _sha256(file)
                head = self._head(path)
                if head and head["Metadata"].get(_SHA256) == digest:
                    return
                self._client.upload_file(
                    str(file),
                    self._bucket,
                    self._key(path),
                    ExtraArgs={"Metadata": {_SHA256: digest}},
                    Config=_TRANSFER,
                )
                written = self._head(path)
                if written and written["Metadata"].get(_SHA256) == digest:
                    self._copies.keep(path, written["ETag"], file)

    def _keep(self, path: str, etag: str, file: Path) -> None:
        """Keep a copy that was just downloaded, unless the object was replaced meanwhile."""
        head = self._head(path)
        if head and head["ETag"] == etag:
            self._copies.keep(path, etag, file)

    def delete(self, path: str) -> None:
        with s3_errors(self.uri(path)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def clear(self, folder: str) -> None:
        for path in list(self.paths(folder)):
            self.delete(path)

    @contextmanager
    def lock(self, path: str, *, error_message: str) -> Iterator[None]:
        """Hold a lease: an object written only where there is none, renewed while held, void once it has run out."""
        lease = self._acquire(path, uuid.uuid4().hex, error_message)
        done = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(path, lease, done), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join()
            with contextlib.suppress(StorageError):  # what is left runs out by itself
                found = self._lease(path)
                if found and found.holder == lease.holder:
                    self.delete(path)

    def _acquire(self, path: str, me: str, error_message: str) -> _Lease:
        """Write a lease where there is none, or in place of one that has run out and that nobody else replaced."""
        found: _Lease | None = None
        for _ in range(3):
            mine = self._put_lease(path, me, found)
            if mine:
                return mine
            found = self._lease(path)
            if found and found.holder == me:  # the put was sent twice, and what was lost was only its first answer
                return found
            if found and found.until > time.time():
                break
        raise LockTakenError(f"{error_message} (the lock of a killed run expires after {_LEASE_SECONDS:.0f} s)")

    def _put_lease(self, path: str, me: str, instead_of: _Lease | None) -> _Lease | None:
        """Write a lease, and give it, if there is none or just the one that it is to replace."""
        until = time.time() + _LEASE_SECONDS
        body = f"{me} {until}".encode()
        try:
            if instead_of:
                # AWS takes the tag with its quotes and without, Ceph only without.
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=self._key(path), Body=body, IfMatch=instead_of.etag.strip('"')
                )
            else:
                answer = self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=body, IfNoneMatch="*")
        except (BotoCoreError, ClientError) as error:
            # Somebody else's lease is there or came in between; 404: the one to replace is gone.
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code in ("PreconditionFailed", "ConditionalRequestConflict") or (instead_of and code == "NoSuchKey"):
                return None
            raise StorageError(f"{self.uri(path)}: {reason(error)}") from error
        return _Lease(me, until, answer["ETag"])

    def _lease(self, path: str) -> _Lease | None:
        """Return the lease that is there, if any."""
        with s3_errors(self.uri(path)):
            try:
                body, etag = self._get(path)
            except self._client.exceptions.NoSuchKey:
                return None
        holder, _, until = body.decode(errors="replace").partition(" ")
        try:
            return _Lease(holder, float(until), etag)
        except ValueError:  # not written by us; nobody holds it
            return _Lease("", 0.0, etag)

    def _renew(self, path: str, lease: _Lease, done: threading.Event) -> None:
        while not done.wait(_LEASE_SECONDS / 4):
            with contextlib.suppress(StorageError):  # the next renewal comes well before the lease runs out
                renewed = self._put_lease(path, lease.holder, lease) or self._lease(path)
                if renewed is None or renewed.holder != lease.holder:
                    return  # it ran out, and is no longer ours to renew
                lease = renewed

    @retry(retry=retry_if_exception_type(_BROKEN_OFF), stop=stop_after_attempt(_ATTEMPTS), reraise=True)
    def _get(self, path: str) -> tuple[bytes, str]:
        """Return an object's bytes and its tag."""
        answer = self._client.get_object(Bucket=self._bucket, Key=self._key(path))
        return answer["Body"].read(), answer["ETag"]

    def _head(self, path: str) -> "HeadObjectOutputTypeDef | None":
        """Return what S3 says of an object, None if there is no such object."""
        with s3_errors(self.uri(path)):
            try:
                return self._client.head_object(Bucket=self._bucket, Key=self._key(path))
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
        return None

    def _key(self, path: str) -> str:
        return f"{self._prefix}{path}"

    def _below(self, folder: str) -> str:
        """Return what the keys of all files below a folder begin with; the root itself is the folder ''."""
        return f"{self._key(folder)}/" if folder else self._prefix


def _sha256(file: Path) -> str:
    with file.open("rb") as written:
        return base64.b64encode(hashlib.file_digest(written, "sha256").digest()).decode()
