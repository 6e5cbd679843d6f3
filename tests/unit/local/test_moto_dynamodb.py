"""The repaired tables keep what DynamoDB promises of transactions, queries and streams."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from brainscan.store.errors import TRANSACTION_CANCELLED, error_code
from brainscan_local.resources import Resources
from brainscan_local.template import Template

COUNTER = {"pk": {"S": "counter"}, "sk": {"S": "META"}}


@pytest.fixture
def table(aws: None) -> Resources:
    return Resources(Template(Path(__file__).parents[3] / "template.yaml"), cast(Any, boto3.client))


def put(table: str, pk: str, **more: Any) -> Any:
    return {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "META"}}, **more}}


def count(table: str) -> Any:
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return {"Update": {"TableName": table, "Key": COUNTER, **update}}


def streamed(stream_arn: str) -> list[str]:
    """What happened to the table, as its stream tells."""
    streams = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
    [shard] = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
    position: dict[str, Any] = {
        "StreamArn": stream_arn,
        "ShardId": shard["ShardId"],
        "ShardIteratorType": "TRIM_HORIZON",
    }
    iterator = streams.get_shard_iterator(**position)["ShardIterator"]
    return [record["eventName"] for record in streams.get_records(ShardIterator=iterator)["Records"]]


def test_a_cancelled_transaction_leaves_no_trace_in_table_and_stream(table: Resources) -> None:
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    client.transact_write_items(TransactItems=[put(name, "first"), count(name)])
    known = put(name, "first", ConditionExpression="attribute_not_exists(pk)")
    before = client.scan(TableName=name)["Items"]
    told = streamed(table.attribute("Scans", "StreamArn"))
    with pytest.raises(ClientError, match=TRANSACTION_CANCELLED):
        client.transact_write_items(TransactItems=[put(name, "second"), count(name), known])
    assert client.scan(TableName=name)["Items"] == before
    assert streamed(table.attribute("Scans", "StreamArn")) == told
    assert told


def test_cancelled_transactions_undo_nothing_of_others(table: Resources) -> None:
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    client.put_item(TableName=name, Item={"pk": {"S": "known"}, "sk": {"S": "META"}})

    def write(number: int) -> bool:
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        subject = put(name, "known" if number % 2 else f"new {number}", **condition)
        try:
            client.transact_write_items(TransactItems=[count(name), subject])
        except ClientError as error:
            assert error_code(error) == TRANSACTION_CANCELLED
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        written = sum(pool.map(write, range(40)))
    item = client.get_item(TableName=name, Key=COUNTER)["Item"]
    assert written == 20
    assert int(item["n"]["N"]) == 20


def indexed(number: int, model: str) -> dict[str, Any]:
    """A scan that a model answered, whose place among those is its number."""
    keys = {"pk": f"scan {number}", "sk": "META", "model_pk": model, "model_sk": f"{number:03d}"}
    return {name: {"S": value} for name, value in keys.items()} | {"data": {"B": bytes([number])}, "n": {"N": "1.50"}}


def test_a_query_finds_its_own_partition_in_order_and_in_pages(table: Resources) -> None:
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    for number in (3, 1, 2, 0, 4):
        client.put_item(TableName=name, Item=indexed(number, "even" if number % 2 == 0 else "odd"))
    client.put_item(TableName=name, Item={"pk": {"S": "scan 1"}, "sk": {"S": "ABOUT"}})
    of_scan: dict[str, Any] = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "scan 1"}},
    }
    assert [item["sk"]["S"] for item in client.query(TableName=name, **of_scan)["Items"]] == ["ABOUT", "META"]
    of_model: dict[str, Any] = {
        "IndexName": "model",
        "KeyConditionExpression": "model_pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "even"}},
        "Limit": 2,
    }
    pages = list(client.get_paginator("query").paginate(TableName=name, **of_model))
    assert [item for page in pages for item in page["Items"]] == [indexed(number, "even") for number in (0, 2, 4)]
    nothing = of_model | {"ExpressionAttributeValues": {":pk": {"S": "neither"}}}
    assert client.query(TableName=name, **nothing)["Items"] == []


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ("model_sk < :a", "3", lambda sk: sk < "3"),
        ("model_sk <= :a", "3", lambda sk: sk <= "3"),
        ("model_sk = :a", "3", lambda sk: sk == "3"),
        ("model_sk >= :a", "3", lambda sk: sk >= "3"),
        ("model_sk > :a", "3", lambda sk: sk > "3"),
        ("model_sk BETWEEN :a AND :b", "25", lambda sk: "2" <= sk <= "5"),
        ("begins_with(model_sk, :a)", "3", lambda sk: sk.startswith("3")),
    ],
)
def test_a_query_of_a_range_gives_all_of_it_by_whatever_pages(
    table: Resources, condition: str, values: str, holds: Callable[[str], bool], *, forward: bool
) -> None:
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    places = [("2", "b"), ("3", "a"), ("3", "c"), ("3", "b"), ("35", "a"), ("5", "a"), ("6", "a"), ("1", "z")]
    for sk, pk in places:
        item = {"pk": pk + sk, "sk": "META", "model_pk": "one", "model_sk": sk}
        client.put_item(TableName=name, Item={key: {"S": value} for key, value in item.items()})
    client.put_item(TableName=name, Item={"pk": {"S": "no place"}, "sk": {"S": "META"}, "model_pk": {"S": "one"}})
    question: dict[str, Any] = {
        "IndexName": "model",
        "KeyConditionExpression": f"model_pk = :pk AND {condition}",
        "ExpressionAttributeValues": {":pk": {"S": "one"}}
        | {f":{n}": {"S": v} for n, v in zip("ab", values, strict=False)},
        "ScanIndexForward": forward,
        "ProjectionExpression": "pk, model_sk, nothing",
    }
    expected = [
        {"pk": {"S": pk + sk}, "model_sk": {"S": sk}} for sk, pk in sorted(places, reverse=not forward) if holds(sk)
    ]
    question["ExpressionAttributeValues"][":pk"] = {"S": "one"}
    for limit in (1, 2, 3, 50):
        pages = list(client.get_paginator("query").paginate(**question | {"TableName": name, "Limit": limit}))
        assert [item for page in pages for item in page["Items"]] == expected
        assert len(pages) == max(1, -(-len(expected) // limit))


def test_a_stream_tells_items_as_they_were_written(table: Resources) -> None:
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    client.put_item(TableName=name, Item=indexed(1, "odd"))
    streams = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
    stream = table.attribute("Scans", "StreamArn")
    [shard] = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    first = streams.get_records(ShardIterator=start["ShardIterator"])
    [record] = first["Records"]
    assert record["dynamodb"]["NewImage"] == indexed(1, "odd")
    assert record["dynamodb"]["ApproximateCreationDateTime"].tzinfo is not None
    assert streams.get_records(ShardIterator=first["NextShardIterator"])["Records"] == []


def test_an_index_follows_every_write_of_an_item(table: Resources) -> None:
    client, name = boto3.client("dynamodb"), table.attribute("Scans", "Ref")
    key = {"pk": {"S": "scan"}, "sk": {"S": "META"}}

    def listed(model: str) -> int:
        condition: Any = {"KeyConditionExpression": "model_pk = :m", "ExpressionAttributeValues": {":m": {"S": model}}}
        return int(client.query(TableName=name, IndexName="model", **condition)["Count"])

    def moved(model: str) -> Any:
        return {"UpdateExpression": "SET model_pk = :m", "ExpressionAttributeValues": {":m": {"S": model}}}

    assert listed("one") == 0
    client.put_item(TableName=name, Item=key | {"model_pk": {"S": "one"}, "model_sk": {"S": "1"}})
    assert listed("one") == 1
    client.update_item(TableName=name, Key=key, **moved("two"))
    assert (listed("one"), listed("two")) == (0, 1)
    update: Any = {"Update": {"TableName": name, "Key": key, **moved("three")}}
    client.transact_write_items(TransactItems=[update])
    assert (listed("two"), listed("three")) == (0, 1)
    cancelled = [
        {"Update": {"TableName": name, "Key": key, **moved("four")}},
        put(name, "other", ConditionExpression="attribute_exists(pk)"),
    ]
    with pytest.raises(ClientError, match=TRANSACTION_CANCELLED):
        client.transact_write_items(TransactItems=cancelled)
    assert (listed("three"), listed("four")) == (1, 0)
    client.delete_item(TableName=name, Key=key)
    assert listed("three") == 0
