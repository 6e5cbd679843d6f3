"""The indexes of moto's tables: items by the values of their attributes, in order, kept as items are written."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType

Key = tuple[Any, ...]
"""Where an item is in an index: its sort key there, and its keys in the table."""


@dataclass
class _Partition:
    """Items that have one value of an attribute, by their keys; in the order of others once it is asked for."""

    items: dict[tuple[Any, Any], Any] = field(default_factory=dict)
    orders: dict[tuple[str, ...], tuple[list[Key], list[Any]]] = field(default_factory=dict)

    def put(self, item: Any) -> None:
        self.items[item.hash_key, item.range_key] = item
        self.orders.clear()

    def take_out(self, key: tuple[Any, Any]) -> None:
        self.items.pop(key, None)
        self.orders.clear()

    def in_order(self, names: tuple[str, ...]) -> tuple[list[Key], list[Any]]:
        """Items that have all these attributes, by their values; each is read once, not once a comparison."""
        if names not in self.orders:
            items = [item for item in self.items.values() if all(name in item.attrs for name in names)]
            keyed = [(_key(item.attrs, names), item) for item in items]
            keyed.sort(key=lambda each: each[0])
            self.orders[names] = [key for key, _ in keyed], [item for _, item in keyed]
        return self.orders[names]


def partition(table: Any, name: str, wanted: DynamoType) -> _Partition:
    """Items whose attribute has that very value; what answers is kept from the first question on."""
    by_value = vars(table).setdefault("by_value", {})
    if name not in by_value:
        by_value[name] = {}
        for items in table.items.values():
            for item in items.values():
                _file(by_value[name], name, item)
    return by_value[name].get(wanted.value) or _Partition()


def answers(
    table: Any,
    hash_condition: tuple[str, DynamoType],
    index_name: str,
    range_condition: tuple[str | None, Sequence[DynamoType]],
    limit: int | None,
    start: dict[str, Any] | None,
    *,
    forward: bool,
) -> list[Any]:
    """What a query of an index answers, of an index with one hash and one range key: the first of it if it has a limit.

    And one item more, by which moto knows that there is more.
    """
    [range_name] = [key["AttributeName"] for key in table.get_index(index_name).schema if key["KeyType"] == "RANGE"]
    names = (range_name, table.hash_key_attr, table.range_key_attr)
    keys, items = partition(table, *hash_condition).in_order(names)
    low, high = _range(keys, *range_condition)
    if start:
        place = _key({name: DynamoType(start[name]) for name in names}, names)
        if forward:
            low = max(low, bisect.bisect_right(keys, place))
        else:
            high = min(high, bisect.bisect_left(keys, place))
    places = range(low, high) if forward else range(high - 1, low - 1, -1)
    return [items[place] for place in islice(places, None if limit is None else limit + 1)]


def indexed(write: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the indexes as an item is put, updated or deleted."""

    @wraps(write)
    def kept(self: Any, table_name: str, named: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        table = self.get_table(table_name)
        key = [DynamoType(named[name]) if name else None for name in (table.hash_key_attr, table.range_key_attr)]
        take_out(table, *key)
        try:
            return write(self, table_name, named, *args, **kwargs)
        finally:
            put_in(table, *key)

    return kept


def take_out(table: Any, pk: DynamoType | None, sk: DynamoType | None) -> None:
    """Leave an item out of all indexes."""
    if (item := table.get_item(pk, sk)) is not None:
        for name, by_value in vars(table).get("by_value", {}).items():
            if name in item.attrs and (found := by_value.get(item.attrs[name].value)):
                found.take_out((pk, sk))


def put_in(table: Any, pk: DynamoType | None, sk: DynamoType | None) -> None:
    """Bring an item into the indexes that it has attributes of."""
    if (item := table.get_item(pk, sk)) is not None:
        for name, by_value in vars(table).get("by_value", {}).items():
            _file(by_value, name, item)


def _file(by_value: dict[Any, _Partition], name: str, item: Any) -> None:
    if name in item.attrs:
        by_value.setdefault(item.attrs[name].value, _Partition()).put(item)


def _key(attributes: Any, names: Sequence[str]) -> Key:
    return tuple(attributes[name].cast_value for name in names)


def _range(keys: list[Key], comparison: str | None, values: Sequence[DynamoType]) -> tuple[int, int]:
    """From which place to which (excluded) the sort keys hold for a condition."""
    if comparison is None:
        return 0, len(keys)
    first, last = values[0].cast_value, values[-1].cast_value
    if comparison == "BEGINS_WITH":
        begins: Any = {"key": lambda key: key[0][: len(first)]}
        return bisect.bisect_left(keys, first, **begins), bisect.bisect_right(keys, first, **begins)
    by: Any = {"key": lambda key: key[0]}
    low = bisect.bisect_right(keys, first, **by) if comparison == ">" else bisect.bisect_left(keys, first, **by)
    high = bisect.bisect_left(keys, last, **by) if comparison == "<" else bisect.bisect_right(keys, last, **by)
    return low if comparison not in {"<", "<="} else 0, high if comparison not in {">", ">="} else len(keys)
