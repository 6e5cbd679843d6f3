"""The queues that intake sends to: one message a scan, and one for each part of an upload that is split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from brainscan.domain import BrainscanError, Part, Scan
from brainscan.store.retry import retried

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""SQS takes no more messages at once."""


class QueueError(BrainscanError):
    """SQS did not take a message; the upload's event is retried."""


class ScanQueue:
    """Where scans wait for analyze: new ones, or those that failed once."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, scans: Sequence[Scan]) -> None:
        """Queue every scan.

        Raises:
            QueueError: SQS refused some of them.
        """
        _send(self._client, self._url, [message(scan) for scan in scans])

    def is_at(self, arn: str) -> bool:
        """Whether this is the queue of that ARN: both end in its name."""
        return bool(self._url) and self._url.rpartition("/")[2] == arn.rpartition(":")[2]

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a message that was received come back after some seconds."""
        request: Any = {"ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds}
        retried(lambda: self._client.change_message_visibility(QueueUrl=self._url, **request))


class PartQueue:
    """Where intake leaves parts of large uploads for itself: the UploadQueue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, parts: Sequence[Part]) -> None:
        """Queue every part.

        Raises:
            QueueError: SQS refused some of them.
        """
        _send(self._client, self._url, [part.model_dump_json() for part in parts])


def message(scan: Scan) -> str:
    """A scan as a message body."""
    return Scan(**scan.model_dump(include=set(Scan.model_fields))).model_dump_json(exclude_none=True)


def _send(client: "SQSClient", url: str, bodies: Sequence[str]) -> None:
    for start in range(0, len(bodies), BATCH):
        _send_batch(client, url, bodies[start : start + BATCH])


def _send_batch(client: "SQSClient", url: str, bodies: Sequence[str]) -> None:
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
        {"Id": str(position), "MessageBody": body} for position, body in enumerate(bodies)
    ]
    answer = retried(lambda: client.send_message_batch(QueueUrl=url, Entries=entries))
    if refused := answer.get("Failed"):
        raise QueueError(f"SQS refused {len(refused)} of {len(entries)} messages: {refused[0]['Code']}")
