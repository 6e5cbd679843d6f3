"""The event source mapping of a table's stream: records -> filter -> batches -> a function, as Lambda does it.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from brainscan.domain import BrainscanError
from brainscan_local.events import failures
from brainscan_local.functions import Function
from brainscan_local.poller import Poller
from brainscan_local.template import StreamSpec

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams.client import DynamoDBStreamsClient
    from mypy_boto3_sqs.client import SQSClient

logger = logging.getLogger(__name__)

READ_LIMIT = 1000
"""Records that one read of a shard gives at most."""

Record = dict[str, Any]


class PatternError(BrainscanError):
    """A filter uses a comparison that the laptop stack does not know."""


class StreamWorker(Poller):
    """Follows one stream from its beginning, one batch at a time, until stopped.

    A batch that fails is tried again, what succeeded before its first failure left out; where the mapping says so,
    it is halved. After its retries its place in the stream goes to the on-failure queue, and the stream goes on.

    Args:
        streams, sqs: Clients.
        dead_letter_url: Of the on-failure queue, if there is one.
    """

    def __init__(
        self,
        streams: "DynamoDBStreamsClient",
        sqs: "SQSClient",
        function: Function,
        mapping: StreamSpec,
        stream_arn: str,
        dead_letter_url: str | None,
        retry_delay_s: float,
    ) -> None:
        super().__init__(f"{function.name}-stream", mapping)
        self._streams = streams
        self._sqs = sqs
        self._function = function
        self._mapping = mapping
        self._arn = stream_arn
        self._dead_letter_url = dead_letter_url
        self._retry_delay_s = retry_delay_s
        self._shard = ""
        self._iterator = ""

    def _open(self) -> None:
        [shard] = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        self._shard = shard["ShardId"]
        self._iterator = self._streams.get_shard_iterator(
            StreamArn=self._arn, ShardId=self._shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def _read(self, most: int) -> list[Record]:  # noqa: ARG002
        """Matching records; they may be more than a batch takes, and then go on as several."""
        answer = self._streams.get_records(ShardIterator=self._iterator, Limit=READ_LIMIT)
        self._iterator = answer["NextShardIterator"]
        records: list[Any] = answer["Records"]
        return [each for each in records if any(matches(each, pattern) for pattern in self._mapping.patterns)]

    def _process_batch(self, records: list[Record]) -> None:
        """Feed records to the function, each batch until it succeeds or its retries are used up."""
        size = self._mapping.batch_size
        waiting = [(records[start : start + size], 0) for start in range(0, len(records), size)]
        while waiting:
            batch, tries = waiting.pop(0)
            left = self._invoke(batch)
            if not left:
                continue
            if self._mapping.bisect and len(left) > 1:
                middle = len(left) // 2
                waiting[:0] = [(left[:middle], tries), (left[middle:], tries)]
            elif tries < self._mapping.retries:
                waiting.insert(0, (left, tries + 1))
            else:
                self._give_up(left)
            self._stopping.wait(self._retry_delay_s)

    def _invoke(self, batch: list[Record]) -> list[Record]:
        """What is left of a batch: all from its first failure on."""
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        try:
            event: Record = {"Records": [self._event(record) for record in batch]}
            if self._mapping.names_shard:
                event["shardId"] = self._shard
            response = self._function.invoke(event)
        except Exception as error:
            from brainscan.observability import error_fields  # not before the environment that it reads is set

            logger.warning("%s failed on %d records: %s", self._function.name, len(batch), error_fields(error))
            return batch
        failed = failures(response, set(numbers)) if self._mapping.partial_responses else set()
        first = next((place for place, number in enumerate(numbers) if number in failed), len(batch))
        return batch[first:]

    def _event(self, record: Record) -> Record:
        return {**record, "dynamodb": _plain(record["dynamodb"]), "eventSourceARN": self._arn}

    def _give_up(self, batch: Sequence[Record]) -> None:
        """Say where in the stream the batch was, as Lambda does; the records themselves stay there."""
        if self._dead_letter_url is None:
            return
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        told = {
            "requestContext": {"condition": "RetryAttemptsExhausted", "functionArn": self._function.name},
            "version": "1.0",
            "DDBStreamBatchInfo": {
                "shardId": self._shard,
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "batchSize": len(batch),
                "streamArn": self._arn,
            },
        }
        self._sqs.send_message(QueueUrl=self._dead_letter_url, MessageBody=json.dumps(told))


def matches(value: Any, pattern: Any) -> bool:
    """Whether a record fits a filter: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

    Raises:
        PatternError: a comparison other than equality, `prefix` and `exists`.
    """
    if isinstance(pattern, Mapping):
        present = value if isinstance(value, Mapping) else {}
        return all(matches(present.get(name), inner) for name, inner in pattern.items())
    return any(_fits(value, wanted) for wanted in pattern)


def _fits(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(value == wanted)
    [(comparison, operand)] = wanted.items()
    if comparison == "prefix":
        return isinstance(value, str) and value.startswith(operand)
    if comparison == "exists":
        return bool((value is not None) == operand)
    raise PatternError(f"the laptop stack's filters do not know {comparison}; add it where this is raised")


def _plain(change: Mapping[str, Any]) -> dict[str, Any]:
    """A change as it is in JSON: times in seconds."""
    return {name: each.timestamp() if hasattr(each, "timestamp") else each for name, each in change.items()}
