"""The repaired tables keep what DynamoDB promises of transactions."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from brainscan.local.resources import Resources
from brainscan.local.template import Template

COUNTER = {"pk": {"S": "counter"}, "sk": {"S": "META"}}


@pytest.fixture
def table(aws: None) -> Resources:
    return Resources(Template(Path(__file__).parents[3] / "template.yaml"), boto3.client)


def put(table: str, pk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "META"}}, **more}}


def count(table: str) -> dict[str, Any]:
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return {"Update": {"TableName": table, "Key": COUNTER, **update}}


def streamed(stream_arn: str) -> list[str]:
    """What happened to the table, as its stream tells."""
    streams = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
    [shard] = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
    position = {"StreamArn": stream_arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**position)["ShardIterator"]
    return [record["eventName"] for record in streams.get_records(ShardIterator=iterator)["Records"]]


def test_a_cancelled_transaction_leaves_no_trace_in_table_and_stream(table: Resources):
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    client.transact_write_items(TransactItems=[put(name, "first"), count(name)])
    known = put(name, "first", ConditionExpression="attribute_not_exists(pk)")
    before = client.scan(TableName=name)["Items"]
    told = streamed(table.attribute("Scans", "StreamArn"))
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=[put(name, "second"), count(name), known])
    assert client.scan(TableName=name)["Items"] == before
    assert streamed(table.attribute("Scans", "StreamArn")) == told
    assert told


def test_cancelled_transactions_undo_nothing_of_others(table: Resources):
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    client.put_item(TableName=name, Item={"pk": {"S": "known"}, "sk": {"S": "META"}})

    def write(number: int) -> bool:
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        subject = put(name, "known" if number % 2 else f"new {number}", **condition)
        try:
            client.transact_write_items(TransactItems=[count(name), subject])
        except client.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        written = sum(pool.map(write, range(40)))
    item = client.get_item(TableName=name, Key=COUNTER)["Item"]
    assert written == 20
    assert int(item["n"]["N"]) == 20
