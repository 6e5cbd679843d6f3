"""The queues of uploads and scans: one message a scan, and one for each part of an upload that is split.

A queue's visibility timeout is long: a message waits for it while Lambda has no room for its function. Once its work
has begun, it is hidden for seconds only, and those are renewed while the work goes on: what broke off comes back soon.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import uniform
from threading import Event
from typing import TYPE_CHECKING, Final

from brainscan.domain import BrainscanError, Part, Scan
from brainscan.observability import error_fields, logger
from brainscan.store.retry import Threads, attempts, retried

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import (
        ChangeMessageVisibilityBatchRequestEntryTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

BATCH = 10
"""SQS takes no more messages at once."""

VISIBILITY_S: Final = 30
HEARTBEAT_S: Final = 10
"""A message that is worked on is hidden for so long from each heartbeat on; two of them may fail."""

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 600.0
"""Before its second attempt, a message waits for about the first of these; each later pause is twice as long."""


class QueueError(BrainscanError):
    """SQS did not take a message; the upload's event is retried."""


class Queue:
    """A queue by its address: how long messages that were received from it stay hidden."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def is_at(self, arn: str) -> bool:
        """Whether this is the queue of that ARN: both end in its name."""
        return bool(self._url) and self._url.rpartition("/")[2] == arn.rpartition(":")[2]

    def change_visibility(self, receipt_handles: Sequence[str], seconds: float) -> None:
        """Let up to ten received messages come back after so long from now; those that came back before, stay so.

        Raises:
            botocore.exceptions.ClientError: they come back when they would have.
        """
        retried(lambda: self._change_visibility(receipt_handles, seconds))

    @contextmanager
    def extended_visibility(self, receipt_handles: Sequence[str]) -> Iterator[None]:
        """Keep up to ten received messages hidden while the work inside goes on, `VISIBILITY_S` after it broke off."""
        ended = Event()
        with Threads(1) as pool:
            pool.submit(self._beat, receipt_handles, ended)
            try:
                yield
            finally:
                ended.set()

    def _beat(self, receipt_handles: Sequence[str], ended: Event) -> None:
        while not ended.is_set():
            try:
                self._change_visibility(receipt_handles, VISIBILITY_S)
            except Exception as error:
                logger.warning("messages are not held", extra=error_fields(error))
            ended.wait(HEARTBEAT_S)

    def _change_visibility(self, receipt_handles: Sequence[str], seconds: float) -> None:
        entries: list[ChangeMessageVisibilityBatchRequestEntryTypeDef] = [
            {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": round(seconds)}
            for place, handle in enumerate(receipt_handles)
        ]
        self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


class ScanQueue(Queue):
    """Where scans wait for analyze: new ones, or those that failed once."""

    def send(self, scans: Sequence[Scan]) -> None:
        """Queue every scan.

        Raises:
            QueueError: SQS refused some of them.
        """
        _send(self._client, self._url, [message(scan) for scan in scans])


class PartQueue(Queue):
    """Where uploads wait for intake, and where it leaves parts of large ones for itself: the UploadQueue."""

    def send(self, parts: Sequence[Part]) -> None:
        """Queue every part.

        Raises:
            QueueError: SQS refused some of them.
        """
        _send(self._client, self._url, [part.model_dump_json() for part in parts])


class DeadLetterQueue(Queue):
    """Where messages lie whose work was given up, until somebody sends them back."""

    def send(self, body: str) -> None:
        """Take a message in.

        Raises:
            QueueError: SQS refused it.
        """
        _send(self._client, self._url, [body])


def pause_s(receive_count: int) -> float:
    """How long a message waits for its next attempt, seconds: the longer, the more often it was received."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**receive_count)
    return uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret


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
    for _ in attempts():
        answer = retried(partial(client.send_message_batch, QueueUrl=url, Entries=entries))
        refused = {each["Id"]: each for each in answer.get("Failed", [])}
        entries = [entry for entry in entries if entry["Id"] in refused]
        if not entries or any(each["SenderFault"] for each in refused.values()):
            break
    if refused:
        code = next(iter(refused.values()))["Code"]
        raise QueueError(f"SQS refused {len(refused)} of {len(bodies)} messages: {code}")
