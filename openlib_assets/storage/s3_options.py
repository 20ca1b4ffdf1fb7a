"""What may be asked of S3 beyond AWS's standard variables: the key to encrypt with, and whose bucket it has to be."""

import os
from typing import Any

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from openlib_assets.storage.variables import Variables

# A key's id, its ARN, an alias or an alias's ARN, as the KMS API takes them.
_NAME = "[0-9A-Za-z/_-]"
_KEY_FORM = (
    f"^([0-9A-Za-z-]{{8,64}}|alias/{_NAME}{{1,250}}|arn:aws[a-z-]*:kms:[0-9a-z-]+:[0-9]{{12}}:(key|alias)/{_NAME}+)$"
)


def given_endpoint() -> str | None:
    """Return the address of S3 that AWS's variables name; None where it is AWS's own."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


class S3Options(Variables):
    """`kms_key`: the KMS key that every object is encrypted with; `bucket_owner`: the account that must own the bucket.

    Without a key the bucket's own default holds.
    """

    model_config = SettingsConfigDict(env_prefix="OPENLIB_S3_")

    kms_key: str | None = Field(default=None, pattern=_KEY_FORM, description="a KMS key's id, its ARN, or alias/name")
    bucket_owner: str | None = Field(
        default=None, pattern=r"^[0-9]{12}$", description="an AWS account's number, 12 digits"
    )

    def add_to(self, parameters: dict[str, Any], *, creates: bool) -> None:
        """Add the options to the parameters of a call of S3's API; `creates` says whether it makes an object."""
        if self.bucket_owner:
            parameters["ExpectedBucketOwner"] = self.bucket_owner
        if self.kms_key and creates:
            parameters |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key}
