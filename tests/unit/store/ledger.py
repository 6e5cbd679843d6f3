"""DynamoDB's arithmetic of reads, over more items than an emulator answers for in reasonable time."""

import bisect
import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from brainscan.domain import Outcome, ScanRecord
from brainscan.store.table import keys
from brainscan.store.table.cells import Cell
from brainscan.store.table.items import to_item
from brainscan.store.table.keys import KEYS_ONLY

READ_UNIT_BYTES = 4096


def size_of(value: dict[str, Any]) -> int:
    """Bytes of an attribute value.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    [(kind, inner)] = value.items()
    if kind == "S":
        return len(inner.encode())
    if kind == "N":
        return math.ceil(len(inner.strip("-").replace(".", "").strip("0")) / 2) + 1
    if kind == "L":
        return 3 + sum(1 + size_of(each) for each in inner)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size_of(each) for name, each in inner.items())
    return 1


def item_size(item: dict[str, Any]) -> int:
    """Bytes of an item: names and values."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def day_counters(records: Iterable[ScanRecord]) -> list[dict[str, Any]]:
    """What the counters of days hold of scans, as far as filters ask them."""
    by_day: dict[str, Counter[str]] = defaultdict(Counter)
    for each in records:
        if each.outcome is not Outcome.QUEUED and not each.superseded:
            by_day[each.day].update([each.outcome.value, Cell.of(each).counter])
    return [to_item(keys.counter(keys.day(day)["pk"], "shard") | counts) for day, counts in by_day.items()]


class Ledger:
    """A client that answers Query from sorted lists and adds up what DynamoDB would charge; it knows no Scan."""

    def __init__(self, items: Iterable[dict[str, Any]], indexes: Iterable[str]) -> None:
        self.units = 0.0
        self.queries = 0
        self._adding = threading.Lock()  # shards are asked at the same time
        self._items: dict[str, dict[str, Any]] = {}
        self._lists: dict[tuple[str, str], list[tuple[str, str, dict[str, Any]]]] = defaultdict(list)
        for item in items:
            if not any(f"{index}_pk" in item for index in indexes):
                self._lists["", item["pk"]["S"]].append((item["sk"]["S"], "", item))
            else:
                self._items[item["pk"]["S"]] = item
            for index in indexes:
                if pk := item.get(f"{index}_pk"):
                    names = ("pk", "sk", f"{index}_pk", f"{index}_sk")
                    projected = {name: item[name] for name in names} if index in KEYS_ONLY else item
                    self._lists[index, pk["S"]].append((item[f"{index}_sk"]["S"], item["pk"]["S"], projected))
        for entries in self._lists.values():
            entries.sort(key=lambda entry: entry[:2])

    def query(self, **request: Any) -> dict[str, Any]:
        """Answer as DynamoDB does: up to Limit items after ExclusiveStartKey; of the table, a range of sort keys."""
        values = request["ExpressionAttributeValues"]
        if values.keys() & {":instance", ":kind", ":count"}:
            return self._beginning(request)
        if "IndexName" not in request:
            return self._range(values[":pk"]["S"], values[":first"]["S"], values[":last"]["S"])
        index = request["IndexName"]
        entries = self._lists.get((index, values[":pk"]["S"]), [])
        low, high, forward = 0, len(entries), request["ScanIndexForward"]
        if (after := values.get(":after")) and forward:
            low = bisect.bisect_right(entries, after["S"], key=lambda entry: entry[0])
        elif after:
            high = bisect.bisect_left(entries, after["S"], key=lambda entry: entry[0])
        if start := request.get("ExclusiveStartKey"):
            place = bisect.bisect_left(entries, (start[f"{index}_sk"]["S"], start["pk"]["S"]))
            low, high = (max(low, place + 1), high) if forward else (low, min(high, place))
        limit = request["Limit"]
        found = entries[low : min(high, low + limit)] if forward else entries[max(low, high - limit) : high][::-1]
        size = sum(item_size(item) for _, _, item in found)
        with self._adding:
            self.queries += 1
            self.units += max(1, math.ceil(size / READ_UNIT_BYTES)) / 2
        answer: dict[str, Any] = {"Items": [item for _, _, item in found]}
        if len(found) == limit:
            last = found[-1][2]
            answer["LastEvaluatedKey"] = {name: last[name] for name in ("pk", "sk", f"{index}_pk", f"{index}_sk")}
        return answer

    def _range(self, pk: str, first: str, last: str) -> dict[str, Any]:
        """Items of the table, strongly consistent."""
        found = [item for sk, _, item in self._lists.get(("", pk), []) if first <= sk <= last]
        self.queries += 1
        self.units += max(1, math.ceil(sum(map(item_size, found)) / READ_UNIT_BYTES))
        return {"Items": found}

    def _beginning(self, request: dict[str, Any]) -> dict[str, Any]:
        """Items of the table whose sort keys begin alike, after ExclusiveStartKey; strongly consistent."""
        values = request["ExpressionAttributeValues"]
        after = request.get("ExclusiveStartKey", {"sk": {"S": ""}})["sk"]["S"]
        entries = self._lists.get(("", values[":pk"]["S"]), [])
        [begins] = [value["S"] for name, value in values.items() if name != ":pk"]
        found = [item for sk, _, item in entries if sk.startswith(begins) and sk > after][: request.get("Limit")]
        self.queries += 1
        self.units += max(1, math.ceil(sum(map(item_size, found)) / READ_UNIT_BYTES))
        return {"Items": found} | ({"LastEvaluatedKey": found[-1]} if len(found) == request.get("Limit") else {})

    def get_item(self, **request: Any) -> dict[str, Any]:
        """An export by its key, strongly consistent."""
        item = self._items.get(request["Key"]["pk"]["S"])
        self.units += math.ceil(item_size(item or {}) / READ_UNIT_BYTES) or 1
        return {"Item": item} if item else {}

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        """Scans by key, strongly consistent: each costs what it would alone."""
        [(table, asked)] = RequestItems.items()
        found = [self._items[key["pk"]["S"]] for key in asked["Keys"]]
        self.units += sum(max(1, math.ceil(item_size(item) / READ_UNIT_BYTES)) for item in found)
        return {"Responses": {table: found}}
