"""moto's DynamoDB, made isolated and quick enough for a laptop stack.

moto copies the whole table for every action of a transaction, and two of its transactions can undo each other.
DynamoDB does neither (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
"""

import copy
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_lock = threading.RLock()
_patched = False


def patch() -> None:
    """Serve this process's moto tables one request at a time, and make transactions cost what they touch."""
    global _patched
    if _patched:
        return
    _patched = True
    backend: Any = DynamoDBBackend
    backend.transact_write_items = _one_at_a_time(_undoing(backend.transact_write_items))
    for name in ("put_item", "update_item", "delete_item", "get_item", "query", "scan"):
        setattr(backend, name, _one_at_a_time(getattr(backend, name)))


def _one_at_a_time(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return method(*args, **kwargs)

    return locked


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
    if item is not None:
        table.items[pk][sk] = item
    elif pk in table.items:
        table.items[pk].pop(sk, None)


def _stream_length(table: Any) -> int:
    return len(table.stream_shard.items) if table.stream_shard else 0


def _cut_stream(table: Any, length: int) -> None:
    """Take back what a cancelled transaction said on the table's stream."""
    if table.stream_shard:
        del table.stream_shard.items[length:]
