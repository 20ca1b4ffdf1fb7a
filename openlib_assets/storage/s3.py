"""A storage on S3: a bucket and a prefix, through boto3.

A put is atomic on S3, so a file is there whole or not at all by itself; so is an upload in parts.
"""

import base64
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from openlib_assets.storage.base import LockCheck, missing
from openlib_assets.storage.s3_copies import Copies
from openlib_assets.storage.s3_errors import is_missing, s3_errors
from openlib_assets.storage.s3_lease import LeasePlace, Leases
from openlib_assets.storage.s3_options import S3Options
from openlib_assets.storage.s3_reading import get_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_SHA256 = "sha256"
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
        self._leases = Leases()

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

    def size(self, path: str) -> int:
        head = self._head(path)
        if head is None:
            raise missing(self.uri(path))
        return head["ContentLength"]

    def stamp(self, path: str) -> str:
        head = self._head(path)
        return f"{head['ContentLength']} {head['ETag']}" if head else ""

    def digest(self, path: str) -> str:
        head = self._head(path)
        if head is None:
            return ""
        # What we wrote tells its digest; anything else has to be read.
        if told := _digest_told(head):
            return told.hex()
        with self.local_copy(path) as file:
            return _digest(file).hex()

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
            # Without a copy, there is nothing that a tag would be compared with.
            head = self._head(path) if self._copies.have(path) else None
            kept = self._copies.read(path, head["ETag"]) if head else None
            if kept is not None:
                return kept
            try:
                data, etag = get_object(self._client, self._bucket, self._key(path))
            except ClientError as error:
                if is_missing(error):
                    raise missing(self.uri(path)) from error
                raise
            self._copies.keep(path, etag, data)
            return data

    def read_beginning(self, path: str, most: int) -> bytes:
        return self._read_part(path, f"bytes=0-{most - 1}")

    def read_end(self, path: str, most: int) -> bytes:
        return self._read_part(path, f"bytes=-{most}")

    def _read_part(self, path: str, part: str) -> bytes:
        with s3_errors(self.uri(path)):
            # A part of what has no bytes is refused.
            if self.size(path) == 0:
                return b""
            return get_object(self._client, self._bucket, self._key(path), part)[0]

    def write(self, path: str, data: bytes) -> None:
        with s3_errors(self.uri(path)):
            answer = self._client.put_object(Bucket=self._bucket, Key=self._key(path), Body=data)
            self._copies.keep(path, answer["ETag"], data)

    @contextmanager
    def local_copy(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            file = Path(folder) / "copy"
            with s3_errors(self.uri(path)):
                head = self._head(path)
                if head is None:
                    raise missing(self.uri(path))
                if not self._copies.lend(path, head["ETag"], file):
                    self._download(path, head, file)
            yield file

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="openlib-") as folder:
            file = Path(folder) / "written"
            with s3_errors(self.uri(path)):
                file.touch()
                yield file
                digest = _digest(file)
                head = self._head(path)
                if head and _digest_told(head) == digest:
                    return
                self._upload(path, file, digest)

    def _download(self, path: str, head: "HeadObjectOutputTypeDef", file: Path) -> None:
        """Download an object to a file, and keep it unless it was replaced meanwhile."""
        if head["ContentLength"] < _PART_BYTES:
            data, etag = get_object(self._client, self._bucket, self._key(path))
            file.write_bytes(data)
            self._copies.keep(path, etag, file)
            return
        self._client.download_file(self._bucket, self._key(path), str(file), Config=_TRANSFER)
        now = self._head(path)
        if now and now["ETag"] == head["ETag"]:
            self._copies.keep(path, head["ETag"], file)

    def _upload(self, path: str, file: Path, digest: bytes) -> None:
        """Upload a file, and keep it unless somebody else's took its place at once."""
        metadata = {_SHA256: base64.b64encode(digest).decode()}
        if file.stat().st_size < _PART_BYTES:
            answer = self._client.put_object(
                Bucket=self._bucket, Key=self._key(path), Body=file.read_bytes(), Metadata=metadata
            )
            self._copies.keep(path, answer["ETag"], file)
            return
        self._client.upload_file(
            str(file), self._bucket, self._key(path), ExtraArgs={"Metadata": metadata}, Config=_TRANSFER
        )
        written = self._head(path)
        if written and _digest_told(written) == digest:
            self._copies.keep(path, written["ETag"], file)

    def delete(self, path: str) -> None:
        with s3_errors(self.uri(path)):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def clear(self, folder: str) -> None:
        for path in list(self.paths(folder)):
            self.delete(path)

    def lock(self, path: str, *, error_message: str) -> AbstractContextManager[LockCheck]:
        place = LeasePlace(self._client, self._bucket, self._key(path), self.uri(path))
        return self._leases.hold(place, error_message)

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


def _digest(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _digest_told(head: "HeadObjectOutputTypeDef") -> bytes | None:
    """Return the SHA-256 that an object's metadata tells as we write it; None where it tells none, or another thing."""
    try:
        told = base64.b64decode(head["Metadata"].get(_SHA256, ""), validate=True)
    except ValueError:
        return None
    return told if len(told) == hashlib.sha256().digest_size else None
