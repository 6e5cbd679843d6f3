"""moto's DynamoDB, made isolated and quick enough for a laptop stack.

moto copies the whole table for every action of a transaction, and two of its transactions can undo each other.
DynamoDB does neither (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
It also sorts the whole table for every query, reads keys anew for every comparison, copies what nobody changes, makes
plain values of a whole item for each attribute that is asked of it, and writes answers by their model.
"""

import copy
import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from moto.dynamodb import responses
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodb.responses import DynamoResult
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from brainscan_local.moto_indexes import answers, indexed, put_in, take_out

READ_LIMIT = 1000
"""Records that one read of a shard gives at most."""

_lock = threading.RLock()


@cache  # once: what is patched already would be wrapped anew
def patch() -> None:
    """Serve this process's moto tables one request at a time, and make transactions cost what they touch."""
    backend: Any = DynamoDBBackend
    backend.transact_write_items = _one_at_a_time(_undoing(backend.transact_write_items))
    for name in ("put_item", "update_item", "delete_item"):
        setattr(backend, name, indexed(getattr(backend, name)))
    for name in ("put_item", "update_item", "delete_item", "get_item", "query", "scan"):
        setattr(backend, name, _one_at_a_time(getattr(backend, name)))
    table: Any = Table
    table.query = _narrowed(table.query)
    table.sorted_items = _sorted
    item: Any = Item
    item.__deepcopy__ = _copied
    item.size = _size
    item.project = _whole_attributes(item.project)
    result: Any = DynamoResult
    result.execute_result = _as_json
    written: Any = responses
    written.dynamo_to_dict = _typed
    streams: Any = DynamoDBStreamsHandler
    streams.get_records = _records


def _one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return method(*args, **kwargs)

    return locked


def _narrowed(query: Callable[..., Any]) -> Callable[..., Any]:
    """Let a query look at nothing but what it may answer; it asks the table for all items, and sorts them."""

    @wraps(query)
    def narrowed(
        self: Table,
        hash_key: DynamoType | None,
        comparison: str | None,
        values: list[DynamoType],
        limit: int | None,
        start: dict[str, Any] | None,
        forward: bool,
        projection: Any,
        index_name: str | None = None,
        *args: Any,
        hash_key_conditions: list[tuple[str, DynamoType]] | None = None,
        **kwargs: Any,
    ) -> Any:
        if index_name and hash_key_conditions and self.range_key_attr:
            [condition] = hash_key_conditions
            found = answers(self, condition, index_name, (comparison, values), limit, start, forward=forward)
        else:
            found = list(_partition(self, hash_key).values())
        table: Any = self
        table.all_items = lambda: found
        asked = (comparison, values, limit, start, forward, projection, index_name, *args)
        try:
            return query(self, hash_key, *asked, hash_key_conditions=hash_key_conditions, **kwargs)
        finally:
            del table.all_items

    return narrowed


def _whole_attributes(project: Callable[..., Any]) -> Callable[..., Any]:
    """Take whole attributes as they stand; parts of them moto makes anew of plain values."""

    @wraps(project)
    def projected(self: Any, expressions: list[list[str]]) -> Any:
        if any(len(each) > 1 for each in expressions):
            return project(self, expressions)
        item: Any = Item.__new__(Item)
        item.hash_key, item.range_key, item.attrs = self.hash_key, self.range_key, LimitedSizeDict()
        for [name] in expressions:
            if name in self.attrs:
                dict.__setitem__(item.attrs, name, self.attrs[name])
        return item

    return projected


def _sorted(self: Any, hash_names: list[str], range_names: list[str | None], items: list[Any]) -> list[Any]:
    """Items by their keys: each key is read once, not once a comparison."""
    names = self._generate_attr_to_sort_by(hash_names, range_names)
    items.sort(key=lambda item: [item.attrs[name].cast_value for name in names])
    return items


def _copied(self: Any, memo: dict[int, Any]) -> Any:
    """An item whose lists, maps and sets are its own; no update changes a text or a number in place."""
    item: Any = Item.__new__(Item)
    item.hash_key, item.range_key, item.attrs = self.hash_key, self.range_key, LimitedSizeDict()
    for name, value in self.attrs.items():
        dict.__setitem__(item.attrs, name, value if type(value.value) is str else copy.deepcopy(value, memo))
    return item


def _size(self: Any) -> int:
    """Bytes of an item; most of its values are short texts."""
    size = 0
    for name, value in self.attrs.items():
        text = value.value
        size += len(name) + (len(text) if type(text) is str and text.isascii() else value.size())
    return size


def _partition(table: Any, hash_key: DynamoType | None) -> dict[Any, Any]:
    found: dict[Any, Any] = table.items.get(hash_key, {})
    return found


def _typed(value: Any) -> Any:
    """An answer with its attributes as the protocol has them: {"S": "text"}; bytes stay as they came, in base64."""
    kind = type(value)
    if kind is DynamoType:
        inner = value.value
        return {value.type: inner if type(inner) is str else _typed(inner)}
    if kind is str or kind is int:
        return value
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    return _typed(value.to_json()) if hasattr(value, "to_json") else value


def _as_json(self: DynamoResult, _: Any) -> tuple[int, dict[str, str], str]:
    """An answer whose values are typed as the protocol wants them: it needs no model to be written by."""
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, dynamo_json_dump(self.result)


def _records(self: DynamoDBStreamsHandler) -> DynamoResult:
    """What has happened in a shard since an iterator; records are plain already, and their items as they came."""
    iterator, limit = self._get_param("ShardIterator"), self._get_param("Limit") or READ_LIMIT
    return DynamoResult(self.backend.get_records(iterator, limit))


def _undoing(transact: Callable[[DynamoDBBackend, list[Any]], None]) -> Callable[[DynamoDBBackend, list[Any]], None]:
    """Undo a cancelled transaction by the items that it names, in place of the copies that moto takes."""

    @wraps(transact)
    def undoing(self: DynamoDBBackend, transact_items: list[Any]) -> None:
        tables: Any = self.tables
        before = {place: copy.deepcopy(_at(tables, *place)) for place in map(_place, transact_items)}
        streamed = {table: _stream_length(tables[table]) for table, _, _ in before}
        table_class: Any = Table
        table_class.__deepcopy__ = lambda table, _memo: table
        try:
            transact(self, transact_items)
        except Exception:
            for (table, pk, sk), item in before.items():
                _restore(tables[table], DynamoType(dict([pk])), DynamoType(dict([sk])), item)
            for table, length in streamed.items():
                _cut_stream(tables[table], length)
            raise
        finally:
            del table_class.__deepcopy__

    return undoing


Place = tuple[str, tuple[str, str], tuple[str, str]]
"""Table, and the typed partition and sort key of an item: ("scans", ("S", "SCAN#1"), ("S", "META"))."""


def _place(action: dict[str, Any]) -> Place:
    [operation] = action.values()
    key = operation.get("Key") or operation["Item"]
    [pk], [sk] = key["pk"].items(), key["sk"].items()
    return operation["TableName"], pk, sk


def _at(tables: Any, table: str, pk: tuple[str, str], sk: tuple[str, str]) -> Any:
    return tables[table].get_item(DynamoType(dict([pk])), DynamoType(dict([sk])))


def _restore(table: Any, pk: DynamoType, sk: DynamoType, item: Any) -> None:
    take_out(table, pk, sk)
    if item is not None:
        table.items[pk][sk] = item
    elif pk in table.items:
        table.items[pk].pop(sk, None)
    put_in(table, pk, sk)


def _stream_length(table: Any) -> int:
    return len(table.stream_shard.items) if table.stream_shard else 0


def _cut_stream(table: Any, length: int) -> None:
    """Take back what a cancelled transaction said on the table's stream."""
    if table.stream_shard:
        del table.stream_shard.items[length:]
