"""The event source mapping: queue -> batches -> a function's handler -> deletions and retries, as Lambda does it.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import logging
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from brainscan_local.functions import Function
from brainscan_local.poller import Poller
from brainscan_local.template import REGION, MappingSpec

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

logger = logging.getLogger(__name__)

RECEIVE_LIMIT = 10
"""SQS gives no more messages at once."""


class Worker(Poller):
    """Feeds one queue to one function, one batch at a time, until stopped.

    Failed messages wait `retry_delay_s`, not the queue's visibility timeout: that is made for functions that may
    still be running elsewhere, and here none is. All else is SQS's: receive counts grow, and the queue's redrive
    policy moves a message to the dead-letter queue when it would be received once too often.

    Args:
        client: SQS.
        queue_url, queue_arn: The mapping's queue.
    """

    def __init__(
        self,
        client: "SQSClient",
        function: Function,
        mapping: MappingSpec,
        queue_url: str,
        queue_arn: str,
        retry_delay_s: float,
    ) -> None:
        super().__init__(function.name, mapping)
        self._client = client
        self._function = function
        self._mapping = mapping
        self._url = queue_url
        self._arn = queue_arn
        self._retry_delay_s = retry_delay_s
        self._retries: deque[tuple[float, list[str]]] = deque()

    def _read(self, most: int) -> list["MessageTypeDef"]:
        self._release_due()
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(RECEIVE_LIMIT, most),
            WaitTimeSeconds=0,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def _process_batch(self, records: list["MessageTypeDef"]) -> None:
        """Invoke the function once; delete what succeeded, and have the rest come again."""
        failed = self._invoke({"Records": [record(message, self._arn) for message in records]})
        handles = {message["MessageId"]: message["ReceiptHandle"] for message in records}
        done = [handle for message_id, handle in handles.items() if message_id not in failed]
        again = [handle for message_id, handle in handles.items() if message_id in failed]
        for entries in _entries(done):
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        if again:
            self._retries.append((time.monotonic() + self._retry_delay_s, again))

    def _invoke(self, event: dict[str, Any]) -> set[str]:
        """Ids of the messages that failed."""
        sent = {each["messageId"] for each in event["Records"]}
        try:
            response = self._function.invoke(event)
        except Exception as error:
            from brainscan.observability import error_fields  # not before the environment that it reads is set

            logger.warning("%s failed on %d messages: %s", self._function.name, len(sent), error_fields(error))
            return sent
        return failures(response, sent) if self._mapping.partial_responses else set()

    def _release_due(self) -> None:
        while self._retries and self._retries[0][0] <= time.monotonic():
            _, handles = self._retries.popleft()
            for entries in _entries(handles):
                visible_now: list[Any] = [{**entry, "VisibilityTimeout": 0} for entry in entries]
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=visible_now)


def failures(response: Any, sent: Collection[str]) -> set[str]:
    """Which messages a function reports as failed.

    No response, or none of failures, is success. A response that is malformed or names a message that was not in
    the batch fails the whole batch.
    """
    if response is None:
        return set()
    if not isinstance(response, Mapping):
        return set(sent)
    reported = response.get("batchItemFailures")
    if reported is None:
        return set()
    if not isinstance(reported, list) or not all(isinstance(each, Mapping) for each in reported):
        return set(sent)
    known = list(sent)  # not a set: what a function reports may be anything, hashable or not
    failed = [each.get("itemIdentifier") for each in reported]
    return set(failed) if all(each in known for each in failed) else set(sent)


def record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    """A message as a function gets it: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {
            name: {
                "stringValue": value.get("StringValue"),
                "binaryValue": value.get("BinaryValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value["DataType"],
            }
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def _entries(handles: Sequence[str]) -> list[list[Any]]:
    """Receipt handles as the batch calls want them, ten at a time."""
    entries = [{"Id": str(place), "ReceiptHandle": handle} for place, handle in enumerate(handles)]
    return [entries[start : start + RECEIVE_LIMIT] for start in range(0, len(entries), RECEIVE_LIMIT)]
