"""What may be asked of S3 beyond AWS's standard variables: the key to encrypt with, and whose bucket it has to be."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openlib_assets.storage.base import StorageError

_KMS_KEY = "OPENLIB_S3_KMS_KEY"
_BUCKET_OWNER = "OPENLIB_S3_BUCKET_OWNER"

# A key's id, its ARN, an alias or an alias's ARN, as the KMS API takes them.
_KEY_FORM = re.compile(r"[0-9A-Za-z-]{8,64}|alias/[\w/-]{1,250}|arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key|alias)/[\w/-]+")


@dataclass(frozen=True)
class S3Options:
    """`kms_key`: the KMS key that every object is encrypted with; `bucket_owner`: the account that must own the bucket.

    Without a key the bucket's own default holds.
    """

    kms_key: str | None = None
    bucket_owner: str | None = None

    @staticmethod
    def from_env(env: Mapping[str, str] | None = None) -> "S3Options":
        """Read the options from `env` (by default the process's own); raises StorageError for an unusable value."""
        values = os.environ if env is None else env
        key = values.get(_KMS_KEY, "").strip() or None
        owner = values.get(_BUCKET_OWNER, "").strip() or None
        if key and not _KEY_FORM.fullmatch(key):
            raise StorageError(f"{_KMS_KEY}={key!r}: give a KMS key's id, its ARN, or alias/name")
        if owner and not re.fullmatch(r"[0-9]{12}", owner):
            raise StorageError(f"{_BUCKET_OWNER}={owner!r}: give an AWS account's number, 12 digits")
        return S3Options(key, owner)

    def add_to(self, parameters: dict[str, Any], *, creates: bool) -> None:
        """Add the options to the parameters of a call of S3's API; `creates` says whether it makes an object."""
        if self.bucket_owner:
            parameters["ExpectedBucketOwner"] = self.bucket_owner
        if self.kms_key and creates:
            parameters |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}
