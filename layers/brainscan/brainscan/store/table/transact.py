"""Conditional writes that move counters with them: all in one transaction, each counted once."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from brainscan.store.errors import TRANSACTION_CANCELLED, cancellation_codes, error_code
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import Item, to_item

CHUNK = 32
"""Writes a transaction: 32 items, 8 counters of their export, at most 32 series and the counter of a day or two stay
under DynamoDB's 100."""

ATTEMPTS = 12
"""Conflicts with concurrent transactions on a counter end quickly; what lasts longer is the queue's to retry."""

CounterKey = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """One conditional put, and what it adds to which counters.

    `condition` is an expression over `values`; counters are {(pk, sk): {attribute: amount}}, and `labels` are
    attributes that a counter's item gets when it is first written. `companions` are items written with the change, or
    not at all.
    """

    item: Item
    condition: str
    values: dict[str, Any] = field(default_factory=dict)
    counters: dict[CounterKey, dict[str, int]] = field(default_factory=dict)
    labels: dict[CounterKey, dict[str, Any]] = field(default_factory=dict)
    companions: tuple[Item, ...] = ()


def apply(table: TableClient, changes: Sequence[Change]) -> list[bool]:
    """Write every change whose condition holds, in as few transactions as possible.

    Returns:
        For each change whether its condition held. A change that did not hold left no trace, its counters included.

    Raises:
        botocore.exceptions.ClientError: throttled or in conflict to the end, or refused otherwise.
    """
    held = [False] * len(changes)
    for chunk in _chunks(range(len(changes))):
        waiting = list(chunk)
        while waiting:
            failed = _transact(table, [changes[index] for index in waiting])
            if not failed:
                for index in waiting:
                    held[index] = True
                break
            waiting = [index for position, index in enumerate(waiting) if position not in failed]
    return held


def _chunks(indexes: range) -> Iterator[Sequence[int]]:
    return (indexes[start : start + CHUNK] for start in range(0, len(indexes), CHUNK))


def _transact(table: TableClient, changes: Sequence[Change]) -> set[int]:
    """Try one transaction; return the positions of the changes whose condition failed (empty: all is written)."""
    puts = [{"Put": _put(table.name, change)} for change in changes]
    beside = [{"Put": {"TableName": table.name, "Item": item}} for change in changes for item in change.companions]
    actions: list[Any] = [*puts, *beside, *({"Update": update} for update in _counter_updates(table.name, changes))]
    for attempt in range(ATTEMPTS):
        try:
            table.client.transact_write_items(TransactItems=actions)
        except ClientError as error:
            if failed := _failed_conditions(error, len(puts)):
                return failed
            if attempt == ATTEMPTS - 1 or not _passes(error):
                raise
        else:
            return set()
        time.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)))  # noqa: S311 - jitter, not a secret
    return set()


def _failed_conditions(error: ClientError, puts: int) -> set[int]:
    """Positions of the conditional puts, first in a transaction, whose condition cancelled it."""
    codes = cancellation_codes(error)[:puts]
    return {position for position, code in enumerate(codes) if code == "ConditionalCheckFailed"}


def _passes(error: ClientError) -> bool:
    """Whether the same transaction may succeed a moment later."""
    if error_code(error) == TRANSACTION_CANCELLED:
        return bool(set(cancellation_codes(error)) & {"TransactionConflict", "ThrottlingError"})
    return error_code(error) == "TransactionInProgressException"


def _put(table: str, change: Change) -> dict[str, Any]:
    put: dict[str, Any] = {"TableName": table, "Item": change.item, "ConditionExpression": change.condition}
    if change.values:
        put["ExpressionAttributeValues"] = to_item(change.values)
    return put


def _counter_updates(table: str, changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """One update a counter, however many changes count in it: a transaction may name an item once."""
    sums: dict[CounterKey, Counter[str]] = {}
    labels: dict[CounterKey, dict[str, Any]] = {}
    for change in changes:
        for key, amounts in change.counters.items():
            sums.setdefault(key, Counter()).update(amounts)
            labels.setdefault(key, {}).update(change.labels.get(key, {}))
    for key, amounts in sums.items():
        if moved := {name: amount for name, amount in amounts.items() if amount}:
            yield _counter_update(table, key, moved, labels[key])


def _counter_update(table: str, key: CounterKey, amounts: dict[str, int], labels: dict[str, Any]) -> dict[str, Any]:
    adds = [f"#a{n} :a{n}" for n in range(len(amounts))]
    sets = [f"#l{n} = if_not_exists(#l{n}, :l{n})" for n in range(len(labels))]
    names = {f"#a{n}": name for n, name in enumerate(amounts)}
    names |= {f"#l{n}": name for n, name in enumerate(labels)}
    values = {f":a{n}": amount for n, amount in enumerate(amounts.values())}
    texts = {f":l{n}": text for n, text in enumerate(labels.values())}
    clauses = [f"ADD {', '.join(adds)}", *([f"SET {', '.join(sets)}"] if sets else [])]
    return {
        "TableName": table,
        "Key": to_item({"pk": key[0], "sk": key[1]}),
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_item({**values, **texts}),
    }
