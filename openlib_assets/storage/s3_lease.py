"""Locks on S3: leases, which depend on no clock but one's own.

A lease is an object that its holder writes anew every few seconds. Whoever wants it reads no time from it, but
watches it: one that stayed as it is for `LEASE_SECONDS` belongs to a dead holder, and is replaced if it still is the
same. Every write has a condition (`If-None-Match`, `If-Match`), so of several that write at once one succeeds, and a
holder whose lease was replaced learns of it by its next write.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from openlib_assets.storage.base import LockCheck, LockLostError, LockTakenError, StorageError
from openlib_assets.storage.s3_errors import s3_errors
from openlib_assets.storage.s3_reading import get_object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LEASE_SECONDS = 60.0
_RENEWALS = 12
# A lease that its holder has just written needs no other look.
_SURE_SECONDS = 1.0
_ATTEMPTS = 3


@dataclass(frozen=True)
class _Lease:
    """What lies at the place of a lease: its holder, and the tag by which it is replaced."""

    holder: str
    etag: str


@dataclass(frozen=True)
class LeasePlace:
    """Where a lease lies, and `address`, what it is called."""

    client: "S3Client"
    bucket: str
    key: str
    address: str

    def put(self, text: str, *, instead_of: str | None) -> str | None:
        """Write a lease and return its tag if there is none, or just the one of a tag that it is to replace."""
        # AWS takes a tag with its quotes and without, Ceph only without.
        with s3_errors(self.address):
            try:
                if instead_of:
                    answer = self.client.put_object(
                        Bucket=self.bucket, Key=self.key, Body=text.encode(), IfMatch=instead_of.strip('"')
                    )
                else:
                    answer = self.client.put_object(
                        Bucket=self.bucket, Key=self.key, Body=text.encode(), IfNoneMatch="*"
                    )
            except ClientError as error:
                # Somebody else's lease is there or came in between; 404: the one to replace is gone.
                code = error.response["Error"]["Code"]
                if code in ("PreconditionFailed", "ConditionalRequestConflict") or (instead_of and code == "NoSuchKey"):
                    return None
                raise
            return answer["ETag"]

    def get(self) -> _Lease | None:
        """Return the lease that is there, if any."""
        with s3_errors(self.address):
            try:
                text, etag = get_object(self.client, self.bucket, self.key)
            except self.client.exceptions.NoSuchKey:
                return None
            return _Lease(text.decode(errors="replace").partition(" ")[0], etag)

    def delete(self) -> None:
        """Remove the lease."""
        with s3_errors(self.address):
            self.client.delete_object(Bucket=self.bucket, Key=self.key)


@dataclass(frozen=True)
class _Seen:
    """A lease as it was seen: its tag, since when it had that, and when it was last looked at."""

    etag: str
    since: float
    looked: float


class Leases:
    """What a process has seen of the leases that others hold."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    @contextmanager
    def hold(self, place: LeasePlace, error_message: str) -> Iterator[LockCheck]:
        """Hold the lease at a place for the block; raises LockTakenError if somebody else does."""
        lease = self._taken(place, error_message)
        try:
            yield lease.check
        finally:
            lease.end()

    def _taken(self, place: LeasePlace, error_message: str) -> "_HeldLease":
        me = uuid.uuid4().hex
        found: _Lease | None = None
        for _ in range(_ATTEMPTS):
            written = time.monotonic()
            etag = place.put(f"{me} 0", instead_of=found.etag if found else None)
            if etag is None:
                found = place.get()
                # The put was sent twice, and what was lost was only its first answer.
                etag = found.etag if found and found.holder == me else None
            if etag is not None:
                self._seen.pop(place.key, None)
                return _HeldLease(place, me, etag, written)
            if found and not self._is_dead(place.key, found.etag, error_message):
                break
        raise LockTakenError(error_message)

    def _is_dead(self, key: str, etag: str, error_message: str) -> bool:
        """Tell whether a lease outlived its holder; raises LockTakenError where that will be known only later."""
        now, seen = time.monotonic(), self._seen.get(key)
        if seen and seen.etag == etag:
            self._seen[key] = _Seen(etag, seen.since, now)
            if now - seen.since >= LEASE_SECONDS:
                return True
        else:
            self._seen[key] = _Seen(etag, now, now)
            if seen and now - seen.looked < LEASE_SECONDS:
                return False
        raise LockTakenError(
            f"{error_message} (if that was killed, its lock can be taken after {LEASE_SECONDS:.0f} s)", may_be_dead=True
        )


class _HeldLease:
    """A lease that is written anew until it ends, or is lost."""

    def __init__(self, place: LeasePlace, holder: str, etag: str, written: float) -> None:
        self._place = place
        self._holder = holder
        self._etag = etag
        self._written = written
        self._renewals = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise LockLostError if the lease was replaced, and StorageError if that cannot be known."""
        with self._lock:
            if time.monotonic() - self._written > _SURE_SECONDS:
                self._renew()

    def end(self) -> None:
        """Remove the lease if it is held still; one that could not be removed is dead after a while."""
        self._ended.set()
        self._thread.join()
        with suppress(StorageError):
            self.check()
            self._place.delete()

    def _keep(self) -> None:
        while not self._ended.wait(LEASE_SECONDS / _RENEWALS):
            # What went wrong here is told by `check`, which asks anew before anything is published. A lease that grew
            # older is renewed long before anybody may take it over, and one that was lost cannot be renewed any more.
            with self._lock, suppress(StorageError):
                self._renew()

    def _renew(self) -> None:
        for _ in range(_ATTEMPTS):
            written = time.monotonic()
            self._renewals += 1
            etag = self._place.put(f"{self._holder} {self._renewals}", instead_of=self._etag)
            if etag is not None:
                self._etag, self._written = etag, written
                return
            found = self._place.get()
            if found is None or found.holder != self._holder:
                break
            self._etag = found.etag  # that put was sent twice
        raise LockLostError(
            f"{self._place.address}: another run took this lock, since it was not renewed for {LEASE_SECONDS:.0f} s; "
            "nothing was written after that; try again once the other run has ended"
        )
