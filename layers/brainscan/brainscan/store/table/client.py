"""The table as its parts reach it: single items, batches and queries, consistently read, retried by the one policy."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from brainscan.domain import BrainscanError
from brainscan.store.errors import CONDITION_FAILED, error_code
from brainscan.store.retry import Threads, attempts, retried
from brainscan.store.table.items import Item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH_GET = 100
"""DynamoDB gives no more items at once."""

PARALLEL = 16
"""Items that are written at once; each waits for its own answer alone."""

DAY_S = 86_400


class UnreadError(BrainscanError):
    """A table did not give all items of a batch in the time for one call; to be retried."""


@dataclass(frozen=True)
class Write:
    """An item to put, if a condition over `values` holds."""

    item: Item
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)


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
        found = retried(lambda: self.client.get_item(TableName=self.name, Key=to_item(key), ConsistentRead=True))
        return dict(found["Item"]) if "Item" in found else None

    def get_batch(self, wanted: Sequence[Mapping[str, str]]) -> Iterator[Item]:
        """Those of the items that exist, in any order.

        Raises:
            UnreadError: DynamoDB left some unread, as often as it was asked.
        """
        for start in range(0, len(wanted), BATCH_GET):
            left: list[Any] = [to_item(key) for key in wanted[start : start + BATCH_GET]]
            for _ in attempts():
                request: Any = {self.name: {"Keys": left, "ConsistentRead": True}}
                answer = retried(partial(self.client.batch_get_item, RequestItems=request))
                yield from answer["Responses"].get(self.name, [])
                unprocessed = answer.get("UnprocessedKeys", {})
                left = list(unprocessed[self.name]["Keys"]) if self.name in unprocessed else []
                if not left:
                    break
            else:
                raise UnreadError(f"DynamoDB left {len(left)} of {BATCH_GET} items unread; they are asked for again")

    def query(self, condition: str, values: Mapping[str, str]) -> Iterator[Item]:
        """Every item of a partition that a key condition holds for, by sort key."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "ConsistentRead": True,
        }
        while True:
            answer = retried(lambda: self.client.query(**request))
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def scan(self, condition: str | None = None, values: Mapping[str, str] | None = None) -> Iterator[Item]:
        """Every item of the table, or those that a condition holds for; it reads the table whole."""
        request: dict[str, Any] = {"TableName": self.name, "ConsistentRead": True}
        if condition is not None:
            request |= {"FilterExpression": condition, "ExpressionAttributeValues": to_item(values or {})}
        while True:
            answer = retried(lambda: self.client.scan(**request))
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def put(
        self,
        item: Item,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> bool:
        """Write an item whole; False, and nothing is written, if a condition over `values` does not hold.

        `names` are those of attributes that DynamoDB reserves, by what the condition calls them.

        After an answer that was lost on its way, a write that was made may be told as one that did not hold.
        """
        request: dict[str, Any] = {"TableName": self.name, "Item": item}
        if condition is not None:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = to_item(values)
        if names:
            request["ExpressionAttributeNames"] = dict(names)
        return _held(lambda: self.client.put_item(**request))

    def put_all(self, writes: Sequence[Write]) -> list[bool]:
        """Make every write at the same time, each by itself; for each whether its condition held."""
        with Threads(PARALLEL) as pool:
            return list(pool.map(lambda write: self.put(write.item, write.condition, write.values), writes))

    def put_together(self, write: Write, companion: Item) -> bool:
        """Make a write and put another item, or neither; whether the condition held."""
        put: dict[str, Any] = {"TableName": self.name, "Item": write.item, "ConditionExpression": write.condition}
        put["ExpressionAttributeValues"] = to_item(write.values)
        actions: Any = [{"Put": put}, {"Put": {"TableName": self.name, "Item": companion}}]
        return _held(lambda: self.client.transact_write_items(TransactItems=actions))

    def put_all_or_none(self, writes: Sequence[Write]) -> bool:
        """Make all writes or none; whether all conditions held, those without one always do."""
        actions: list[Any] = []
        for write in writes:
            put: dict[str, Any] = {"TableName": self.name, "Item": write.item}
            if write.condition:
                put["ConditionExpression"] = write.condition
            if write.values:
                put["ExpressionAttributeValues"] = to_item(write.values)
            actions.append({"Put": put})
        return _held(lambda: self.client.transact_write_items(TransactItems=actions))

    def put_first(self, item: Item, others: Sequence[Mapping[str, str]]) -> bool:
        """Write an item if neither it nor any of some others is there; whether that was so."""
        absent: dict[str, Any] = {"TableName": self.name, "ConditionExpression": "attribute_not_exists(pk)"}
        actions: Any = [{"Put": absent | {"Item": item}}]
        actions += [{"ConditionCheck": absent | {"Key": to_item(key)}} for key in others]
        return _held(lambda: self.client.transact_write_items(TransactItems=actions))

    def update(self, key: Mapping[str, str], **request: Any) -> bool:
        """Change attributes of an item; False, and nothing is changed, if the request's condition does not hold."""
        return _held(lambda: self.client.update_item(TableName=self.name, Key=to_item(key), **request))

    def delete(
        self, key: Mapping[str, str], condition: str | None = None, values: Mapping[str, Any] | None = None
    ) -> bool:
        """Delete an item; False, and it stays, if a condition over `values` does not hold."""
        request: dict[str, Any] = {}
        if condition is not None:
            request = {"ConditionExpression": condition, "ExpressionAttributeValues": to_item(values or {})}
        return _held(lambda: self.client.delete_item(TableName=self.name, Key=to_item(key), **request))


def _held(write: Callable[[], object]) -> bool:
    """Whether the condition of a write held; the write is made, and retried while its errors are such as pass."""
    try:
        retried(write)
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        if error_code(error) == CONDITION_FAILED or any(r.get("Code") == "ConditionalCheckFailed" for r in reasons):
            return False
        raise
    return True
