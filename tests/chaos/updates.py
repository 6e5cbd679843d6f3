"""DynamoDB's update expressions as changes of an item."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from tests.chaos.expressions import Item, Names, Parser, Values, at, path_of

Change = Callable[[Item, Item | None, Names, Values], None]


@cache
def update(text: str) -> Change:
    """An update expression as a change of a copy of an item; values are those before the update."""
    parser = Parser(text)
    changes: list[Change] = []
    while parser.peek():
        clause = parser.take().upper()
        while True:
            changes.append(_CLAUSES[clause](parser))
            if not parser.accept(","):
                break

    def apply(item: Item, before: Item | None, names: Names, values: Values) -> None:
        for change in changes:
            change(item, before, names, values)

    return apply


def _put(item: Item, path: tuple[str, ...], value: Any) -> None:
    if len(path) == 1:
        item[path[0]] = value
        return
    inner = dict(item[path[0]]["M"])
    _put(inner, path[1:], value)
    item[path[0]] = {"M": inner}


def _set(parser: Parser) -> Change:
    token = parser.take()
    parser.take("=")
    value = parser.sum()
    return lambda item, before, names, values: _put(item, path_of(token, names), value(before, names, values))


def _add(parser: Parser) -> Change:
    token, value = parser.take(), parser.operand()

    def change(item: Item, before: Item | None, names: Names, values: Values) -> None:
        path, amount = path_of(token, names), value(before, names, values)
        there = at(item, path)
        [(kind, inner)] = amount.items()
        if kind == "N":
            total = Decimal(inner) + (Decimal(there["N"]) if there else 0)
            _put(item, path, {"N": str(total)})
        else:
            _put(item, path, {kind: sorted({*inner, *(there[kind] if there else ())})})

    return change


def _remove(parser: Parser) -> Change:
    token = parser.take()

    def change(item: Item, before: Item | None, names: Names, values: Values) -> None:
        path = path_of(token, names)
        if len(path) == 1:
            item.pop(path[0], None)
        elif at(item, path) is not None:
            outer = dict(item[path[0]]["M"])
            outer.pop(path[1])
            item[path[0]] = {"M": outer}

    return change


def _delete(parser: Parser) -> Change:
    token, value = parser.take(), parser.operand()

    def change(item: Item, before: Item | None, names: Names, values: Values) -> None:
        path = path_of(token, names)
        [(kind, gone)] = value(before, names, values).items()
        there = at(item, path)
        left = sorted(set(there[kind]) - set(gone)) if there else []
        if left:
            _put(item, path, {kind: left})
        else:
            item.pop(path[0], None)

    return change


_CLAUSES: dict[str, Callable[[Parser], Change]] = {"SET": _set, "ADD": _add, "REMOVE": _remove, "DELETE": _delete}
