"""DynamoDB's expressions: conditions, key conditions and updates, parsed once each.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Item = dict[str, Any]
Names = Mapping[str, str]
Values = Mapping[str, Any]
Test = Callable[[Item | None, Names, Values], bool]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+]|-(?=\s)|[#:]?[A-Za-z_][\w.#\[\]]*)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: _ordered(a, b) and _plain(a) < _plain(b),
    "<=": lambda a, b: _ordered(a, b) and _plain(a) <= _plain(b),
    ">": lambda a, b: _ordered(a, b) and _plain(a) > _plain(b),
    ">=": lambda a, b: _ordered(a, b) and _plain(a) >= _plain(b),
}


class ExpressionError(ValueError):
    """An expression that the fake does not read: add to it where this is raised."""


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError(f"cannot read {text[place:]!r}")
        found.append(match[1])
        place = match.end()
    return found


def _ordered(a: Any, b: Any) -> bool:
    return a is not None and b is not None and set(a) == set(b)


def _plain(value: Any) -> Any:
    [(kind, inner)] = value.items()
    return Decimal(inner) if kind == "N" else inner


def _same(a: Any, b: Any) -> bool:
    """Equality of typed values; numbers by value."""
    if a is not None and b is not None and "N" in a and "N" in b:
        return Decimal(a["N"]) == Decimal(b["N"])
    return bool(a == b)


class Parser:
    """Recursive descent over tokens."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or (expected is not None and token.upper() != expected):
            raise ExpressionError(f"expected {expected or 'more'}, found {token!r} in {' '.join(self.tokens)}")
        self.place += 1
        return token

    def accept(self, word: str) -> bool:
        if self.peek().upper() == word:
            self.place += 1
            return True
        return False

    def either(self) -> Test:
        tests = [self.both()]
        while self.accept("OR"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda i, n, v: any(test(i, n, v) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.accept("AND"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda i, n, v: all(test(i, n, v) for test in tests)

    def one(self) -> Test:
        if self.accept("NOT"):
            inner = self.one()
            return lambda i, n, v: not inner(i, n, v)
        if self.peek() == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        if self.peek().lower() in _FUNCTIONS and self._calls():
            return self.function()
        return self.comparison()

    def _calls(self) -> bool:
        return self.place + 1 < len(self.tokens) and self.tokens[self.place + 1] == "("

    def function(self) -> Test:
        name = self.take().lower()
        arguments = self.arguments()
        test = _FUNCTIONS[name]
        return lambda i, n, v: test(*(argument(i, n, v) for argument in arguments))

    def arguments(self) -> list[Callable[..., Any]]:
        self.take("(")
        found = [self.operand()]
        while self.accept(","):
            found.append(self.operand())
        self.take(")")
        return found

    def comparison(self) -> Test:
        left = self.operand()
        if self.accept("BETWEEN"):
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return lambda i, n, v: (
                _COMPARISONS[">="](left(i, n, v), low(i, n, v)) and _COMPARISONS["<="](left(i, n, v), high(i, n, v))
            )
        if self.accept("IN"):
            choices = self.arguments()
            return lambda i, n, v: any(_same(left(i, n, v), choice(i, n, v)) for choice in choices)
        sign = self.take()
        right = self.operand()
        if sign in {"=", "<>"}:
            return lambda i, n, v: _same(left(i, n, v), right(i, n, v)) == (sign == "=")
        compare = _COMPARISONS[sign]
        return lambda i, n, v: compare(left(i, n, v), right(i, n, v))

    def operand(self) -> Callable[..., Any]:
        token = self.take()
        if token.startswith(":"):
            return lambda i, n, v: v[token]
        if token.lower() == "size":
            [inner] = self.arguments()
            return lambda i, n, v: _size(inner(i, n, v))
        if token.lower() == "if_not_exists":
            path, default = self.arguments()
            return lambda i, n, v: path(i, n, v) if path(i, n, v) is not None else default(i, n, v)
        if token.lower() == "list_append":
            first, second = self.arguments()
            return lambda i, n, v: {"L": [*first(i, n, v)["L"], *second(i, n, v)["L"]]}
        return lambda i, n, v: at(i, path_of(token, n))

    def sum(self) -> Callable[..., Any]:
        left = self.operand()
        for sign, factor in (("+", 1), ("-", -1)):
            if self.accept(sign):
                right = self.operand()
                return lambda i, n, v, factor=factor: {
                    "N": str(Decimal(left(i, n, v)["N"]) + factor * Decimal(right(i, n, v)["N"]))
                }
        return left


def path_of(token: str, names: Names) -> tuple[str, ...]:
    """The attribute that a document path leads to."""
    return tuple(names[part] if part.startswith("#") else part for part in token.split("."))


def at(item: Item | None, path: tuple[str, ...]) -> Any:
    """The value at a path, None where there is none."""
    value: Any = (item or {}).get(path[0])
    for part in path[1:]:
        value = value.get("M", {}).get(part) if value else None
    return value


def _size(value: Any) -> Any:
    [(_, inner)] = value.items()
    return {"N": str(len(inner))}


def _contains(value: Any, wanted: Any) -> bool:
    if value is None:
        return False
    [(kind, inner)], [(_, sought)] = value.items(), wanted.items()
    return wanted in inner if kind == "L" else sought in inner


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "begins_with": lambda value, prefix: value is not None and value["S"].startswith(prefix["S"]),
    "contains": _contains,
    "attribute_type": lambda value, kind: value is not None and kind["S"] in value,
}


@cache
def condition(text: str) -> Test:
    """A condition or filter expression as a test of an item.

    Raises:
        ExpressionError: beyond what the fake reads.
    """
    parser = Parser(text)
    test = parser.either()
    if parser.peek():
        raise ExpressionError(f"{text!r} goes on after its end")
    return test


def partition_of(text: str, names: Names, values: Values, attribute: str) -> str:
    """The partition key that a key condition asks for: `#pk = :pk`, wherever in it."""
    parser = Parser(text)
    for place in range(len(parser.tokens) - 2):
        name, sign, value = parser.tokens[place : place + 3]
        if sign == "=" and value.startswith(":") and path_of(name, names) == (attribute,):
            return str(values[value]["S"])
    raise ExpressionError(f"{text!r} names no {attribute}")
