"""The table as its parts reach it: single items, batches and queries, consistently read."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from brainscan.store.errors import CONDITION_FAILED, error_code
from brainscan.store.table.items import Item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH_GET = 100
"""DynamoDB gives no more items at once."""

DAY_S = 86_400


@dataclass(frozen=True)
class TableClient:
    """A client, the table that it is for, and how many days items live after they were last written (0: for ever)."""

    client: "DynamoDBClient"
    name: str
    retention_days: int = 0

    @property
    def expires_at(self) -> int | None:
        """When an item that is written now expires, seconds since 1970."""
        return int(time.time()) + self.retention_days * DAY_S if self.retention_days else None

    def get(self, key: Mapping[str, str]) -> Item | None:
        """One item."""
        found = self.client.get_item(TableName=self.name, Key=to_item(key), ConsistentRead=True)
        return dict(found["Item"]) if "Item" in found else None

    def get_batch(self, wanted: Sequence[Mapping[str, str]]) -> Iterator[Item]:
        """Those of the items that exist, in any order."""
        for start in range(0, len(wanted), BATCH_GET):
            left: list[Any] = [to_item(key) for key in wanted[start : start + BATCH_GET]]
            while left:
                request = {self.name: {"Keys": left, "ConsistentRead": True}}
                answer = self.client.batch_get_item(RequestItems=request)  # type: ignore[arg-type]
                yield from answer["Responses"].get(self.name, [])
                unprocessed = answer.get("UnprocessedKeys", {})
                left = list(unprocessed[self.name]["Keys"]) if self.name in unprocessed else []

    def query(self, condition: str, values: Mapping[str, str]) -> Iterator[Item]:
        """Every item of a partition that a key condition holds for, by sort key."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def put(self, item: Item, condition: str | None = None, values: Mapping[str, Any] | None = None) -> bool:
        """Write an item whole; False, and nothing is written, if a condition over `values` does not hold."""
        request: dict[str, Any] = {"TableName": self.name, "Item": item}
        if condition is not None:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = to_item(values)
        return held(lambda: self.client.put_item(**request))


def held(write: Any) -> bool:
    """Whether the condition of a write held; the write is made."""
    try:
        write()
    except ClientError as error:
        if error_code(error) != CONDITION_FAILED:
            raise
        return False
    return True
