"""An object read from S3 as a whole, or asked for again."""

from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from tenacity import retry, retry_if_exception_type, stop_after_attempt

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# How an answer ends early. boto3 then asks again for downloads to a file, and for nothing else.
_BROKEN_OFF = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
_ATTEMPTS = 8


@retry(retry=retry_if_exception_type(_BROKEN_OFF), stop=stop_after_attempt(_ATTEMPTS), reraise=True)
def get_object(client: "S3Client", bucket: str, key: str, part: str = "") -> tuple[bytes, str]:
    """Return an object's bytes, or those of a part of it (HTTP's `Range`), and its tag; raises what boto3 raises."""
    get = partial(client.get_object, Bucket=bucket, Key=key)
    answer = get(Range=part) if part else get()
    return answer["Body"].read(), answer["ETag"]
