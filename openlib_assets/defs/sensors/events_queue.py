"""Changes on S3: the bucket's event notifications, drained from an SQS queue.

SQS gives a message at least once, in any order, and again after its visibility time-out unless it is deleted. One that
nobody can make sense of is left to that, and goes to the dead-letter queue as the queue's redrive policy says.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from openlib_assets.storage.errors import OpenlibError, first_line

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef

# What SQS gives and takes at once.
_BATCH = 10
# SQS looks at some of its servers only, unless it may wait a little.
_WAIT_SECONDS = 1
_CLIENT = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})


class QueueError(OpenlibError):
    """The queue cannot be read; the text names it and says why."""


class NotAnEventError(OpenlibError):
    """A message is no event notification of S3."""


@dataclass(frozen=True)
class Message:
    """A message: its id, its text, and the receipt by which it is deleted or put off."""

    id: str
    body: str
    receipt: str


class EventsQueue:
    """An SQS queue, by its URL, with AWS's standard variables and credential chain."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._errors():
            self._client: SQSClient = boto3.Session().client("sqs", config=_CLIENT)

    def waiting(self) -> int:
        """Return about how many messages nobody has taken yet."""
        with self._errors():
            told = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(told["Attributes"]["ApproximateNumberOfMessages"])

    def receive(self, most: int) -> list[Message]:
        """Take up to so many messages; others do not get them until their visibility time-out is over."""
        taken: dict[str, Message] = {}
        with self._errors():
            while len(taken) < most:
                answer = self._client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(_BATCH, most - len(taken)),
                    WaitTimeSeconds=_WAIT_SECONDS,
                )
                new = answer.get("Messages", [])
                taken |= {one["MessageId"]: Message(one["MessageId"], one["Body"], one["ReceiptHandle"]) for one in new}
                if not new:
                    break
        return list(taken.values())

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages that were dealt with; one that came again meanwhile stays."""
        with self._errors():
            for start in range(0, len(receipts), _BATCH):
                batch = receipts[start : start + _BATCH]
                entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                    {"Id": str(place), "ReceiptHandle": receipt} for place, receipt in enumerate(batch)
                ]
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def put_off(self, messages: Iterable[Message], seconds: int) -> None:
        """Let messages come again after so many seconds, and not before."""
        with self._errors():
            for message in messages:
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
                )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            reason = first_line(error)
            raise QueueError(f"{self._url}: {reason}; check OPENLIB_EVENTS_QUEUE and the rights on it") from error


def addresses_in(message: Message) -> list[str]:
    """Return the `s3://` addresses of the objects that a notification tells of; raises NotAnEventError.

    S3 sends a test event when notifications are set up, which tells of none. Keys come as in the query of a URL
    (docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
    """
    try:
        content = json.loads(message.body)
        if content.get("Event") == "s3:TestEvent":
            return []
        return [
            f"s3://{record['s3']['bucket']['name']}/{unquote_plus(record['s3']['object']['key'])}"
            for record in content["Records"]
        ]
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise NotAnEventError(f"message {message.id} is no event of S3: {message.body[:80]!r}") from error
