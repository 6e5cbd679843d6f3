"""One DynamoDB table: conditional writes, transactions that take time and refuse each other, lagging indexes, a stream.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

# ruff: noqa: N803 - parameters have the names that AWS gave them

import heapq
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from botocore.exceptions import ClientError

from tests.chaos.calls import THROTTLES, Client, refusal
from tests.chaos.expressions import Item, condition, partition_of
from tests.chaos.faults import Plan
from tests.chaos.indexes import Index, Key, index_of
from tests.chaos.simulation import Simulation
from tests.chaos.updates import update

Change = tuple[Key, Item | None, Item | None]
"""Primary key, the item before, and after."""

PAGE_ITEMS = 700
"""Items of about 1.5 KB in a page of 1 MB."""

MOST_ACTIONS = 100
INDEX_LAG_S = (0.005, 0.5)
"""How far an index is behind its table."""


class Table(Client):
    """`boto3.client("dynamodb")` over one table; its keys and indexes are the template's.

    Args:
        properties: Of the template's table.
        write_s: How long a write takes; a transaction holds its items for so long.
    """

    service = "dynamodb"

    def __init__(
        self,
        simulation: Simulation,
        plan: Plan,
        properties: Mapping[str, Any],
        write_s: tuple[float, float] = (0.008, 0.025),
    ) -> None:
        super().__init__(simulation, plan)
        self.items = index_of(properties["KeySchema"])
        self.indexes = {
            each["IndexName"]: index_of(each["KeySchema"], each["Projection"])
            for each in properties["GlobalSecondaryIndexes"]
        }
        self.listeners: list[Callable[[list[Change]], None]] = []
        self.conflicts = 0
        self.transactions = 0
        self._expiry = properties.get("TimeToLiveSpecification", {}).get("AttributeName")
        self._write_s = write_s
        self._locked: set[Key] = set()
        self._lagging: list[tuple[float, int, Key, Item | None]] = []
        self._due: dict[Key, float] = {}
        self._order = 0

    # -- writes

    def put_item(self, *, Item: Item, **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html"""
        return self.call("PutItem", _name(_key(Item)), lambda: self._single("PutItem", {"Put": {"Item": Item, **told}}))

    def update_item(self, *, Key: Item, **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"""
        action = {"Update": {"Key": Key, **told}}
        return self.call("UpdateItem", _name(_key(Key)), lambda: self._single("UpdateItem", action))

    def delete_item(self, *, Key: Item, **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html"""
        action = {"Delete": {"Key": Key, **told}}
        return self.call("DeleteItem", _name(_key(Key)), lambda: self._single("DeleteItem", action))

    def transact_write_items(self, *, TransactItems: Sequence[dict[str, Any]], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
        about = " ".join(_name(_key_of(action)) for action in TransactItems)
        # boto3 gives every transaction a token: a repeat of the same call is answered, not done again.
        return self.call(
            "TransactWriteItems",
            about,
            lambda: self._transact(TransactItems),
            throttle=lambda chance: _throttled(TransactItems, chance),
            repeatable=True,
        )

    def batch_write_item(self, *, RequestItems: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"""
        [(table, requests)] = RequestItems.items()

        def write(some: Sequence[dict[str, Any]]) -> dict[str, Any]:
            actions = [{"Put": r["PutRequest"]} if "PutRequest" in r else {"Delete": r["DeleteRequest"]} for r in some]
            busy = {place for place, action in enumerate(actions) if _key_of(action) in self._locked}
            self._apply([action for place, action in enumerate(actions) if place not in busy])
            left = [*(some[place] for place in sorted(busy)), *requests[len(some) :]]
            return {"UnprocessedItems": {table: left} if left else {}}

        half = requests[: max(1, len(requests) // 2)]
        return self.call("BatchWriteItem", str(len(requests)), lambda: write(requests), lambda: write(half))

    def _single(self, operation: str, action: dict[str, Any]) -> dict[str, Any]:
        key = _key_of(action)
        [told] = action.values()
        if key in self._locked:
            raise refusal(operation, "TransactionConflictException")
        before = self.items.get(key)
        if not _holds(action, before):
            item = {"Item": before} if told.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and before else {}
            raise refusal(operation, "ConditionalCheckFailedException", **item)
        [(_, _, after)] = self._apply([action])
        wanted = {"ALL_NEW": after, "UPDATED_NEW": after, "ALL_OLD": before, "UPDATED_OLD": before}
        attributes = wanted.get(told.get("ReturnValues", "NONE"))
        return {"Attributes": attributes} if attributes else {}

    def _transact(self, actions: Sequence[dict[str, Any]]) -> dict[str, Any]:
        keys = [_key_of(action) for action in actions]
        if len(set(keys)) < len(keys) or len(keys) > MOST_ACTIONS:
            raise refusal("TransactWriteItems", "ValidationException")
        self.transactions += 1
        codes = [self._refused(action, key) for action, key in zip(actions, keys, strict=True)]
        if any(code != "None" for code in codes):
            self.conflicts += "TransactionConflict" in codes
            reasons = [{"Code": code} for code in codes]
            raise refusal("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)
        self._locked.update(keys)
        # The service goes on whether or not the caller lives to hear of it.
        if self.simulation.current is None:
            self._end(actions, keys)
        else:
            took = self.simulation.random.uniform(*self._write_s)
            self.simulation.after(took, lambda: self._end(actions, keys))
            self.simulation.sleep(took)
        return {}

    def _refused(self, action: dict[str, Any], key: Key) -> str:
        if key in self._locked:
            return "TransactionConflict"
        return "None" if _holds(action, self.items.get(key)) else "ConditionalCheckFailed"

    def _end(self, actions: Sequence[dict[str, Any]], keys: Sequence[Key]) -> None:
        self._locked.difference_update(keys)
        self._apply([action for action in actions if "ConditionCheck" not in action])

    def _apply(self, actions: Sequence[dict[str, Any]]) -> list[Change]:
        changes = [self._changed(action) for action in actions]
        for key, _, after in changes:
            self.items.put(key, after)
            self._order += 1
            due = self.simulation.now + self.simulation.random.uniform(*INDEX_LAG_S)
            due = self._due[key] = max(due, self._due.get(key, due))
            heapq.heappush(self._lagging, (due, self._order, key, after))
        said = [change for change in changes if change[1] != change[2]]
        for listener in self.listeners if said else ():
            listener(said)
        return changes

    def _changed(self, action: dict[str, Any]) -> Change:
        [(kind, told)] = action.items()
        key = _key_of(action)
        before = self.items.get(key)
        if kind == "Delete":
            return key, before, None
        if kind == "Put":
            return key, before, told["Item"]
        after = dict(before or told["Key"])
        change = update(told["UpdateExpression"])
        change(after, before, told.get("ExpressionAttributeNames", {}), told.get("ExpressionAttributeValues", {}))
        return key, before, after

    def expire(self) -> int:
        """Delete what has outlived its time, as DynamoDB does some day; how many items that were."""
        now = self.simulation.now
        over = [_key(item) for item in self.items.all() if float(item.get(self._expiry, {}).get("N", "inf")) < now]
        self._apply([{"Delete": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in over])
        return len(over)

    # -- reads

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html"""

        def read() -> dict[str, Any]:
            found = self.items.get(_key(Key))
            return {"Item": found} if found is not None else {}

        return self.call("GetItem", _name(_key(Key)), read)

    def batch_get_item(self, *, RequestItems: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""
        [(table, told)] = RequestItems.items()
        wanted = told["Keys"]

        def read(some: Sequence[Item]) -> dict[str, Any]:
            found = [item for key in some if (item := self.items.get(_key(key))) is not None]
            left = wanted[len(some) :]
            return {"Responses": {table: found}, "UnprocessedKeys": {table: {**told, "Keys": left}} if left else {}}

        if not 0 < len(wanted) <= MOST_ACTIONS or len(set(map(_key, wanted))) < len(wanted):
            raise refusal("BatchGetItem", "ValidationException")
        half = wanted[: max(1, len(wanted) // 2)]
        return self.call("BatchGetItem", str(len(wanted)), lambda: read(wanted), lambda: read(half))

    def query(self, **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html"""
        return self.call("Query", str(told.get("IndexName", "")), lambda: self._query(told))

    def scan(self, **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html"""
        start = told.get("ExclusiveStartKey")
        found = [item for item in self.items.all() if start is None or _key(item) > _key(start)]
        page = found[:PAGE_ITEMS]
        last = {"LastEvaluatedKey": {"pk": page[-1]["pk"], "sk": page[-1]["sk"]}} if len(page) < len(found) else {}
        return self.call("Scan", "", lambda: {"Items": page, **last})

    def _query(self, told: Mapping[str, Any]) -> dict[str, Any]:
        index = self._caught_up(told["IndexName"]) if "IndexName" in told else self.items
        names, values = told.get("ExpressionAttributeNames", {}), told.get("ExpressionAttributeValues", {})
        wanted = condition(told["KeyConditionExpression"])
        kept = condition(told["FilterExpression"]) if "FilterExpression" in told else None
        partition = partition_of(told["KeyConditionExpression"], names, values, index.hash_key)
        start = told.get("ExclusiveStartKey")
        place = (start[index.range_key]["S"], _key(start)) if start else None
        most = min(told.get("Limit", PAGE_ITEMS), PAGE_ITEMS)
        seen: list[Item] = []
        for item in index.walk(partition, place, forward=told.get("ScanIndexForward", True)):
            if wanted(item, names, values):
                seen.append(item)
                if len(seen) == most:
                    break
        found = [item for item in seen if kept is None or kept(item, names, values)]
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(seen)}
        if told.get("Select") != "COUNT":
            answer["Items"] = found
        if len(seen) == most:
            keys = {"pk", "sk", index.hash_key, index.range_key}
            answer["LastEvaluatedKey"] = {name: seen[-1][name] for name in keys}
        return answer

    def _caught_up(self, name: str) -> Index:
        """An index, with all that has reached it by now; an observer waits for the rest."""
        now = self.simulation.now if self.simulation.current else float("inf")
        while self._lagging and self._lagging[0][0] <= now:
            _, _, key, after = heapq.heappop(self._lagging)
            for index in self.indexes.values():
                index.put(key, after)
        return self.indexes[name]


def _throttled(actions: Sequence[Any], chance: Random) -> ClientError:
    """A throttled transaction: refused as a whole, or cancelled for one of its items."""
    if chance.random() < 0.5:
        return refusal("TransactWriteItems", chance.choice(THROTTLES["dynamodb"]))
    code = chance.choice(("ThrottlingError", "ProvisionedThroughputExceeded"))
    reasons = [{"Code": "None"} for _ in actions]
    reasons[chance.randrange(len(actions))] = {"Code": code}
    return refusal("TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _key_of(action: Mapping[str, Any]) -> Key:
    [told] = action.values()
    return _key(told["Item"] if "Item" in told else told["Key"])


def _name(key: Key) -> str:
    """A key as the trace shows it: short."""
    pk, sk = key
    return f"{pk.split('#')[0]}#{pk.partition('#')[2][:8]}/{sk[:14]}"


def _holds(action: Mapping[str, Any], item: Item | None) -> bool:
    [told] = action.values()
    text = told.get("ConditionExpression")
    if text is None:
        return True
    names, values = told.get("ExpressionAttributeNames", {}), told.get("ExpressionAttributeValues", {})
    return condition(text)(item, names, values)
