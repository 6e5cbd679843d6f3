"""Pages over the indexes: sharded partitions merged in order, with opaque cursors."""

import base64
import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from brainscan.domain import BrainscanError
from brainscan.store.items import Item, to_item
from brainscan.store.keys import Index

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

T = TypeVar("T")


class CursorError(BrainscanError):
    """A cursor that this query did not hand out."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some answers in order; `cursor` asks for what follows, None at the end."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True)
class Query:
    """One access pattern: an index, its partition keys, and a range of its sort key.

    Several partitions are the shards of one logical partition. `since` is inclusive.
    """

    index: Index
    partitions: Sequence[str]
    since: str | None = None
    descending: bool = False


def run(client: "DynamoDBClient", table: str, query: Query, limit: int, cursor: str | None) -> Page[Item]:
    """Answer the next `limit` items in the order of the sort key over all shards.

    Every shard is asked for `limit` items at most, so a page costs O(page x shards) read units and no scan.

    Raises:
        CursorError: the cursor is not one of this query's.
    """
    starts = _decode(cursor, query)
    pages = {
        pk: _shard(client, table, query, pk, limit, starts.get(pk)) for pk in query.partitions if starts.get(pk) != ""
    }
    merged = heapq.merge(*map(_tagged, pages.values()), key=lambda tagged: tagged[0], reverse=query.descending)
    taken = [item for (_, item), _ in zip(merged, range(limit), strict=False)]
    return Page(tuple(taken), _next_cursor(query, pages, taken, starts))


def _tagged(page: "_ShardPage") -> Iterable[tuple[str, Item]]:
    return ((item[page.sk_name]["S"], item) for item in page.items)


@dataclass(frozen=True)
class _ShardPage:
    items: list[Item]
    more: bool
    sk_name: str


def _shard(client: "DynamoDBClient", table: str, query: Query, pk: str, limit: int, start: str | None) -> _ShardPage:
    names = {"#pk": f"{query.index}_pk", "#sk": f"{query.index}_sk"}
    condition, values = "#pk = :pk", {":pk": pk}
    if query.since is not None:
        condition, values = f"{condition} AND #sk >= :since", {**values, ":since": query.since}
    request: dict[str, Any] = {
        "TableName": table,
        "IndexName": query.index.value,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names if query.since is not None else {"#pk": names["#pk"]},
        "ExpressionAttributeValues": to_item(values),
        "ScanIndexForward": not query.descending,
    }
    if start:
        request["ExclusiveStartKey"] = to_item(json.loads(start))
    items: list[Item] = []
    while len(items) < limit:
        answer = client.query(**request, Limit=limit - len(items))
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return _ShardPage(items, more=False, sk_name=names["#sk"])
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return _ShardPage(items, more=True, sk_name=names["#sk"])


def _next_cursor(
    query: Query, pages: dict[str, _ShardPage], taken: Sequence[Item], starts: dict[str, str]
) -> str | None:
    """Where each shard goes on: after its last item on the page, where it began, or nowhere ('')."""
    pk_name, sk_name = f"{query.index}_pk", f"{query.index}_sk"
    positions = {pk: "" for pk in query.partitions if pk not in pages}
    for pk, page in pages.items():
        used = [item for item in taken if item[pk_name]["S"] == pk]
        if used:
            last = {name: used[-1][name]["S"] for name in ("pk", "sk", pk_name, sk_name)}
            exhausted = len(used) == len(page.items) and not page.more
            positions[pk] = "" if exhausted else json.dumps(last)
        elif page.items:
            positions[pk] = starts.get(pk, "start")
        else:
            positions[pk] = ""
    if not any(positions.values()):
        return None
    ordered = [positions[pk] for pk in query.partitions]
    return base64.urlsafe_b64encode(json.dumps(ordered).encode()).decode()


def _decode(cursor: str | None, query: Query) -> dict[str, str]:
    if cursor is None:
        return {}
    try:
        ordered = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(ordered, list) or len(ordered) != len(query.partitions):
            raise ValueError
        positions = dict(zip(query.partitions, map(str, ordered), strict=True))
        return {pk: position for pk, position in positions.items() if position != "start"}
    except ValueError:
        raise CursorError("the cursor does not belong to this query; ask for the first page again") from None
