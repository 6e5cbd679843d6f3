"""Items of a table in the order of their keys, as the table or one of its indexes has them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.expressions import Item

Key = tuple[str, str]


class Index:
    """Items sorted by sort key within partitions; of the table itself, or of a secondary index."""

    def __init__(self, hash_key: str, range_key: str, kept: frozenset[str] | None = None) -> None:
        self.hash_key = hash_key
        self.range_key = range_key
        self._kept = kept
        self._orders: dict[str, list[tuple[str, Key]]] = {}
        self._items: dict[Key, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, key: Key, item: Item | None) -> None:
        """Let an item stand here as it is now; None, or one without this index's keys, is taken out."""
        before = self._items.get(key)
        was = self._place(before)
        now = self._place(item)
        if was is not None and was != now:
            order = self._orders[was[0]]
            order.pop(bisect_left(order, (was[1], key)))
            del self._items[key]
        if now is not None and item is not None:
            if was != now:
                insort(self._orders.setdefault(now[0], []), (now[1], key))
            self._items[key] = item if self._kept is None else {n: item[n] for n in self._kept if n in item}

    def get(self, key: Key) -> Item | None:
        """The item, by its primary key."""
        return self._items.get(key)

    def all(self) -> Iterator[Item]:
        """Every item, in the order of keys."""
        for partition in sorted(self._orders):
            yield from (self._items[key] for _, key in self._orders[partition])

    def walk(self, partition: str, start: tuple[str, Key] | None, *, forward: bool) -> Iterator[Item]:
        """Items of a partition after a place."""
        order = self._orders.get(partition, [])
        if forward:
            places = range(bisect_right(order, start) if start else 0, len(order))
        else:
            places = range((bisect_left(order, start) if start else len(order)) - 1, -1, -1)
        for place in places:
            yield self._items[order[place][1]]

    def _place(self, item: Item | None) -> Key | None:
        if item is None or self.hash_key not in item or self.range_key not in item:
            return None
        return item[self.hash_key]["S"], item[self.range_key]["S"]


def index_of(schema: Sequence[Mapping[str, str]], projection: Mapping[str, Any] | None = None) -> Index:
    names = {each["KeyType"]: each["AttributeName"] for each in schema}
    if projection is None or projection["ProjectionType"] == "ALL":
        return Index(names["HASH"], names["RANGE"])
    kept = {"pk", "sk", names["HASH"], names["RANGE"], *projection.get("NonKeyAttributes", [])}
    return Index(names["HASH"], names["RANGE"], frozenset(kept))
