"""Values of single attributes, whatever form a writer gave them; one that cannot be read is as if it were absent.

pydicom converts a value when it is asked for, by the VR that the file states, and raises where the two do not agree.
A scan must not fail for that: what is needed is read here, if need be from the bytes.
"""

import math
from functools import cache
from typing import Any, Final

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

SEPARATOR: Final = "\\"
"""Between the values of one attribute (PS3.5 6.4)."""


def parsed(dataset: Dataset, keyword: str) -> Any:
    """The value as pydicom converts it; of one that it cannot convert, the bytes; None where there is none."""
    tag = _tag(keyword)
    if tag not in dataset.keys():  # noqa: SIM118 - the data set itself would make a tag of it first
        return None
    try:
        return dataset[tag].value
    except Exception:  # pydicom raises nearly anything on a value that is not what its VR says
        element = dataset.get_item(tag)
        return element.value if isinstance(element, RawDataElement) else None


@cache
def _tag(keyword: str) -> BaseTag:
    return Tag(keyword)


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an attribute as text, without padding; of bytes that are no ASCII, with the others replaced."""
    value = parsed(dataset, keyword)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if value is None or value == "":
        return ()
    values = value if isinstance(value, list | tuple | MultiValue) else str(value).split(SEPARATOR)
    return tuple(str(each).strip(" \0\t\r\n") for each in values)


def text(dataset: Dataset, keyword: str) -> str:
    """The values of `texts` as one line; empty where there are none."""
    return " ".join(each for each in texts(dataset, keyword) if each)


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...] | None:
    """The values of an attribute that holds numbers; None where it is absent or any is no finite number.

    A comma is read as the decimal point that a desktop's language turned into one.
    """
    try:
        found = tuple(float(each.replace(",", ".")) for each in texts(dataset, keyword))
    except ValueError:
        return None
    return found if found and all(map(math.isfinite, found)) else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of `numbers`."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where there are none, or where it is no sequence."""
    value = parsed(dataset, keyword)
    return list(value) if isinstance(value, Sequence) else []
