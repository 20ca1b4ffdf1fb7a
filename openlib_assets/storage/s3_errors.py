"""What S3 and boto3 report, as one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from openlib_assets.storage.base import StorageError
from openlib_assets.storage.errors import first_line

_CREDENTIALS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
# What to do when S3 refuses, by its error code; a refused HEAD has only a status.
_REMEDIES = {
    "InvalidAccessKeyId": f"S3 does not know this access key: check {_CREDENTIALS}, and AWS_ENDPOINT_URL",
    "SignatureDoesNotMatch": f"the secret does not belong to the access key: check {_CREDENTIALS}",
    "AccessDenied": "this user lacks a right that docs/operations.md lists under Rights on S3",
    "403": "refused: check the credentials, and the rights in docs/operations.md, including s3:ListBucket",
    "NoSuchBucket": "create the bucket, or check OPENLIB_STORAGE and AWS_ENDPOINT_URL",
}


def reason(error: BaseException) -> str:
    """Return the reason in one line, and what to do where that is known."""
    text = first_line(error)
    if "Unable to locate credentials" in text:
        return f"no AWS credentials: set {_CREDENTIALS}"
    remedy = _REMEDIES.get(error.response["Error"]["Code"]) if isinstance(error, ClientError) else None
    return f"{text}; {remedy}" if remedy else text


def is_missing(error: ClientError) -> bool:
    """Tell whether an object is not there, as the status tells also where the answer was cut; a bucket has to be."""
    answered = error.response
    return answered["ResponseMetadata"]["HTTPStatusCode"] == 404 and answered["Error"]["Code"] != "NoSuchBucket"


@contextmanager
def s3_errors(where: str) -> Iterator[None]:
    """Raise StorageError, which names `where`, for what S3 or boto3 raise."""
    try:
        yield
    except ClientError as error:
        raise StorageError(f"{where}: {reason(error)}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageError(f"{where}: {reason(error)}") from error
    except Exception as error:
        # boto3's transfers raise errors of their own kind around the reason.
        if type(error).__module__.startswith("boto3."):
            raise StorageError(f"{where}: {reason(error.__context__ or error)}") from error
        raise
