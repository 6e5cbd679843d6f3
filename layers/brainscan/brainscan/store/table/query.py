"""Pages over the indexes: sharded partitions merged in order, with opaque cursors."""

import heapq
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

from botocore.exceptions import ClientError

from brainscan.store.errors import INVALID_REQUEST, error_code
from brainscan.store.table.client import TableClient
from brainscan.store.table.cursors import FOREIGN, CursorError, packed, unpacked
from brainscan.store.table.items import Item, to_item
from brainscan.store.table.keys import Index

T = TypeVar("T")

PARALLEL = 16
"""Shards that are asked at once; a page waits for the slowest of them, not for their sum."""

LARGEST_PAGE = 10_000
"""Answers that are held at once by who takes all of them: each page asks all shards, 80 of them for a day."""

FIRST_PAGE = 100
"""Of all answers, those that somebody waits for."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some answers in order; `cursor` asks for what follows, None at the end."""

    items: tuple[T, ...]
    cursor: str | None


Ask = Callable[[int, str | None], Page[T]]
"""Asks for a page of at most so many items, after a cursor."""


@dataclass(frozen=True)
class Query:
    """One access pattern: an index, its partition keys, and a range of its sort key.

    Several partitions are the shards of one logical partition. `after` is a sort key that items lie behind, in the
    direction of the query. `only` names the attributes that are wanted of each item, besides its sort key in the index.
    """

    index: Index
    partitions: Sequence[str]
    after: str = ""
    descending: bool = False
    only: Sequence[str] = ()


def run(table: TableClient, query: Query, limit: int, cursor: str | None) -> Page[Item]:
    """Answer the next `limit` items in the order of the sort key over all shards.

    Each shard is first asked for little more than its share of the page. Those that have more are asked again at the
    same time as long as all together are too few for the page; then one by one, as the merge uses them up. So a page
    costs O(page) read units, however many shards there are.

    Raises:
        CursorError: the cursor is not one of this query's.
    """
    positions = _decode(cursor, query)
    left = [pk for pk in query.partitions if positions[pk] != ""]
    opened = [_Shard(table, query, pk, _share(limit, len(left)), positions[pk]) for pk in left]
    try:
        _fetch_all(opened)
        _fetch_missing(opened, limit)
    except ClientError as error:
        if cursor is not None and error_code(error) == INVALID_REQUEST:
            raise CursorError(FOREIGN) from None
        raise
    merged = heapq.merge(*map(_Shard.tagged, opened), key=lambda tagged: tagged[0], reverse=query.descending)
    items = []
    for _, shard, item in islice(merged, limit):
        shard.use(item)
        items.append(item)
    ends = {shard.pk: shard.position() for shard in opened}
    return Page(tuple(items), _encode([ends.get(pk, "") for pk in query.partitions]))


def merged(table: TableClient, query: Query, expected: int) -> Iterator[tuple[str, Item]]:
    """Items with their sort keys, in their order over all partitions, fetched as they are used.

    Args:
        table: The table.
        query: What to ask.
        expected: About how many items will be used.
    """
    opened = [_Shard(table, query, pk, _share(expected, len(query.partitions)), None) for pk in query.partitions]
    _fetch_all(opened)
    _fetch_missing(opened, expected)
    streams = map(_Shard.tagged, opened)
    for sort_key, _, item in heapq.merge(*streams, key=lambda tagged: tagged[0], reverse=query.descending):
        yield sort_key, item


def _share(limit: int, partitions: int) -> int:
    return limit if partitions == 1 else max(2, -(-limit * 3 // (2 * partitions)))


def shards(logical: str, count: int) -> list[str]:
    """Partition keys of all shards of a logical partition."""
    return [f"{logical}#{shard:02d}" for shard in range(count)]


def _fetch_all(shards: Sequence["_Shard"]) -> None:
    with ThreadPoolExecutor(min(PARALLEL, max(1, len(shards)))) as pool:
        list(pool.map(_Shard.fetch, shards))


def _fetch_missing(shards: Sequence["_Shard"], wanted: int) -> None:
    """Ask shards that have more, all at the same time, until together they hold what is wanted."""
    while (missing := wanted - sum(len(shard.items) for shard in shards)) > 0:
        more = [shard for shard in shards if shard.more]
        if not more:
            return
        for shard in more:
            shard.size = _share(missing, len(more))
        _fetch_all(more)


def all_pages(ask: Ask[T], size: int = FIRST_PAGE) -> Iterator[T]:
    """Every answer of a query, fetched page by page as they are used.

    The first is small, since somebody waits for it; each that follows is larger, up to `LARGEST_PAGE`.
    """
    cursor: str | None = None
    while True:
        page = ask(size, cursor)
        yield from page.items
        if (cursor := page.cursor) is None:
            return
        size = min(10 * size, LARGEST_PAGE)


@dataclass
class _Shard:
    """One partition of a query: what is fetched of it, and how far the page has used it."""

    table: TableClient
    query: Query
    pk: str
    size: int
    start: str | None
    items: list[Item] = field(default_factory=list)
    last: Item | None = None
    used: int = 0
    more: bool = True

    def fetch(self) -> None:
        """Fetch `size` items more, and the next time twice as many."""
        answer = self.table.client.query(
            **_request(self.table.name, self.query, self.pk), Limit=self.size, **self._from()
        )
        self.size *= 2
        self.items += answer["Items"]
        self.last = answer.get("LastEvaluatedKey")
        self.more = self.last is not None

    def tagged(self) -> Iterator[tuple[str, "_Shard", Item]]:
        """Items with their sort keys, fetched as they are used."""
        place = 0
        while True:
            while place == len(self.items):
                if not self.more:
                    return
                self.fetch()
            item = self.items[place]
            yield item[f"{self.query.index}_sk"]["S"], self, item
            place += 1

    def use(self, item: Item) -> None:
        """Count an item as part of the page."""
        self.used += 1
        self.start = "|".join(item[name]["S"] for name in ("pk", "sk", f"{self.query.index}_sk"))

    def position(self) -> str | None:
        """Where the next page goes on: after a key, from the beginning (None), or nowhere ('')."""
        return "" if self.used == len(self.items) and not self.more else self.start

    def _from(self) -> dict[str, Any]:
        if self.last is not None:
            return {"ExclusiveStartKey": self.last}
        if self.start is None:
            return {}
        pk, sk, index_sk = self.start.split("|", 2)
        names = {"pk": pk, "sk": sk, f"{self.query.index}_pk": self.pk, f"{self.query.index}_sk": index_sk}
        return {"ExclusiveStartKey": to_item(names)}


def _request(table: str, query: Query, pk: str) -> dict[str, Any]:
    names = {"#pk": f"{query.index}_pk"}
    condition, values = "#pk = :pk", {":pk": pk}
    if query.after:
        condition = f"{condition} AND #sk {'<' if query.descending else '>'} :after"
        values, names = values | {":after": query.after}, names | {"#sk": f"{query.index}_sk"}
    projection = {}
    if query.only:
        named = {f"#a{place}": name for place, name in enumerate([*query.only, f"{query.index}_sk"])}
        projection, names = {"ProjectionExpression": ", ".join(named)}, names | named
    return {
        **projection,
        "TableName": table,
        "IndexName": query.index.value,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_item(values),
        "ScanIndexForward": not query.descending,
    }


def _encode(positions: Sequence[str | None]) -> str | None:
    """None once no shard goes on."""
    return None if all(position == "" for position in positions) else packed(list(positions))


def _decode(cursor: str | None, query: Query) -> dict[str, str | None]:
    if cursor is None:
        return dict.fromkeys(query.partitions)
    positions = unpacked(cursor)
    sound = len(positions) == len(query.partitions) and all(
        position is None or position == "" or (isinstance(position, str) and _KEYS.fullmatch(position))
        for position in positions
    )
    if not sound:
        raise CursorError(FOREIGN)
    return dict(zip(query.partitions, positions, strict=True))


_KEYS = re.compile(r"[!-{]{1,512}\|[!-{]{1,512}\|[!-{]{1,512}")
