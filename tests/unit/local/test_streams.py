"""A table's stream feeds a function as Lambda does it: filtered, in order, retried, halved, and given up in the end."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from brainscan_local.functions import Function
from brainscan_local.server import MotoServer
from brainscan_local.streams import PatternError, StreamWorker, matches
from brainscan_local.template import StreamSpec

Client = Callable[[str], Any]

SETTLED = {"dynamodb": {"NewImage": {"remaining": {"N": ["0"]}}}}


class Followed:
    """A table whose stream a worker feeds to a function that fails for the keys in `poison`."""

    def __init__(self, client: Client, spec: StreamSpec, poison: set[str], *, raises: bool = False) -> None:
        self.poison, self.raises = poison, raises
        self.batches: list[list[str]] = []
        self.table = f"followed-{uuid.uuid4()}"
        dynamodb, self.sqs = client("dynamodb"), client("sqs")
        made = dynamodb.create_table(
            TableName=self.table,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )["TableDescription"]
        self.dynamodb = dynamodb
        self.dead = self.sqs.create_queue(QueueName=self.table)["QueueUrl"]
        function = Function("follower", self.take, 60, 128)
        arn = made["LatestStreamArn"]
        streams = client("dynamodbstreams")
        self.worker = StreamWorker(streams, self.sqs, function, spec, arn, self.dead, retry_delay_s=0.0)

    def take(self, event: Any, _context: Any) -> Any:
        keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
        self.batches.append(keys)
        json.dumps(event)  # a function gets JSON
        failed = [r for r in event["Records"] if r["dynamodb"]["Keys"]["pk"]["S"] in self.poison]
        if failed and self.raises:
            raise ValueError("poison")
        return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]}

    def put(self, *keys: str, remaining: int = 0) -> None:
        for key in keys:
            item = {"pk": {"S": key}, "remaining": {"N": str(remaining)}}
            self.dynamodb.put_item(TableName=self.table, Item=item)

    def follow(self) -> None:
        """Run the worker until it has read to the end."""
        self.worker.start()
        deadline = time.monotonic() + 60
        while self.worker.empty_reads < 2 and self.worker.error is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.worker.stop()
        self.worker.join()
        assert self.worker.error is None

    def given_up(self) -> list[dict[str, Any]]:
        messages = self.sqs.receive_message(QueueUrl=self.dead, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(each["Body"])["DDBStreamBatchInfo"] for each in messages]


@pytest.fixture(scope="module")
def client() -> Iterator[Callable[..., Any]]:
    server = MotoServer()
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1")
    yield lambda service: session.client(service, endpoint_url=server.url)
    server.stop()


@pytest.fixture
def followed(client: Callable[..., Any]) -> Callable[..., Any]:
    def follow(poison: Any = (), *, raises: bool = False, **changes: Any) -> Followed:
        spec: dict[str, Any] = {
            "function_id": "F",
            "table_id": "T",
            "patterns": (SETTLED,),
            "batch_size": 10,
            "window_s": 0,
            "retries": 2,
            "bisect": True,
            "partial_responses": True,
            "names_shard": False,
            "dead_letter_id": "D",
        }
        return Followed(client, StreamSpec(**spec | changes), set(poison), raises=raises)

    return follow


def test_matching_records_come_in_order_and_no_others(followed: Callable[..., Any]) -> None:
    table = followed()
    table.put("a")
    table.put("b", remaining=3)
    table.put("c", "d")
    table.follow()
    assert [key for batch in table.batches for key in batch] == ["a", "c", "d"]


def test_batches_are_no_larger_than_the_mapping_says(followed: Callable[..., Any]) -> None:
    table = followed(batch_size=2)
    table.put(*"abcde")
    table.follow()
    assert table.batches == [["a", "b"], ["c", "d"], ["e"]]


def test_what_succeeded_before_the_first_failure_does_not_come_again(followed: Callable[..., Any]) -> None:
    table = followed("c", bisect=False)
    table.put(*"abcd")
    table.follow()
    assert table.batches == [["a", "b", "c", "d"], ["c", "d"], ["c", "d"]]
    assert [each["batchSize"] for each in table.given_up()] == [2]


def test_a_batch_is_halved_until_the_poison_is_alone_and_the_stream_goes_on(followed: Callable[..., Any]) -> None:
    table = followed("c", raises=True)
    table.put(*"abcd")
    table.follow()
    assert table.batches == [list("abcd"), list("ab"), list("cd"), ["c"], ["c"], ["c"], ["d"]]
    [given_up] = table.given_up()
    assert given_up["batchSize"] == 1
    assert given_up["startSequenceNumber"] == given_up["endSequenceNumber"]


def test_a_function_that_recovers_gets_its_record_again(followed: Callable[..., Any]) -> None:
    table = followed("a")
    table.put("a")
    take = table.take
    table.worker._function = SimpleNamespace(
        name="follower", invoke=lambda event: (take(event, None), table.poison.clear())[0]
    )
    table.follow()
    assert table.batches == [["a"], ["a"]]
    assert table.given_up() == []


@pytest.mark.parametrize(
    ("value", "pattern", "fits"),
    [
        ({"a": "x"}, {"a": ["x", "y"]}, True),
        ({"a": "z"}, {"a": ["x", "y"]}, False),
        ({"a": {"b": "xyz"}}, {"a": {"b": [{"prefix": "xy"}]}}, True),
        ({"a": {"b": "xyz"}}, {"a": {"b": [{"prefix": "z"}]}}, False),
        ({"a": {}}, {"a": {"b": ["x"]}}, False),
        ({}, {"a": {"b": [{"exists": False}]}}, True),
        ({"a": {"b": "x"}}, {"a": {"b": [{"exists": True}]}}, True),
        ({"a": None}, {}, True),
    ],
)
def test_filters_mean_what_lambda_says_they_mean(value: dict[str, Any], pattern: dict[str, Any], fits: bool) -> None:
    assert matches(value, pattern) is fits


def test_a_comparison_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(PatternError, match="numeric"):
        matches({"a": 1}, {"a": [{"numeric": [">", 0]}]})
