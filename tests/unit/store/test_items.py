"""Values are written as boto3 writes them, and come back as they were."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from brainscan.store.table.items import from_item, to_item

NUMBERS = st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15, allow_subnormal=False).filter(
    lambda each: each == 0 or abs(each) > 1e-100
)
VALUES = st.recursive(
    st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def exact(value: Any) -> Any:
    """As boto3 wants it: it takes no floats."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    return [exact(inner) for inner in value] if isinstance(value, list) else value


@given(VALUES)
def test_a_value_is_written_as_boto3_writes_it_and_comes_back(value: Any) -> None:
    item = to_item({"a": value})
    assert item == {"a": TypeSerializer().serialize(exact(value))}
    assert from_item(item) == {"a": value}


def test_what_is_none_is_left_out_but_in_a_list() -> None:
    assert to_item({"a": None, "b": {"c": None}, "d": [None]}) == {"b": {"M": {}}, "d": {"L": [{"NULL": True}]}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_dynamodb_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="DynamoDB has no"):
        to_item({"a": value})
