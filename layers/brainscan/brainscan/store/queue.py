"""The ScanQueue: one message a scan."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brainscan.domain import BrainscanError, Scan

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH = 10
"""SQS takes no more messages at once."""


class QueueError(BrainscanError):
    """SQS did not take a message; the upload's event is retried."""


class ScanQueue:
    """Where intake leaves scans for analyze."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, scans: Sequence[Scan]) -> None:
        """Queue every scan.

        Raises:
            QueueError: SQS refused some of them.
        """
        for start in range(0, len(scans), BATCH):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(place), "MessageBody": message(scan)}
                for place, scan in enumerate(scans[start : start + BATCH])
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            if refused := answer.get("Failed"):
                raise QueueError(f"SQS refused {len(refused)} of {len(entries)} messages: {refused[0]['Code']}")


def message(scan: Scan) -> str:
    """A scan as a message body."""
    return Scan(**scan.model_dump(include=set(Scan.model_fields))).model_dump_json(exclude_none=True)
