"""Values of single attributes, whatever form a writer gave them; one that cannot be read is as if it were absent.

pydicom converts a value when it is asked for, by the VR that the file states, and raises where the two do not agree.
A scan must not fail for that: what is needed is read here from the bytes.
"""

import math
from typing import Final

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue

SEPARATOR: Final = "\\"
"""Between the values of one attribute (PS3.5 6.4)."""


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an attribute as text, without padding; of bytes that are no ASCII, with the others replaced."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return ()
    element = dataset.get_item(tag)
    value = element.value if isinstance(element, RawDataElement) else _parsed(dataset, keyword)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    values = (
        value if isinstance(value, list | tuple | MultiValue) else str("" if value is None else value).split(SEPARATOR)
    )
    return tuple(str(each).strip(" \0") for each in values)


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...] | None:
    """The values of an attribute of decimal or integer strings; None where it is absent or any is no finite number.

    A comma is read as the decimal point that a desktop's language turned into one.
    """
    try:
        found = tuple(float(text.replace(",", ".")) for text in texts(dataset, keyword))
    except ValueError:
        return None
    return found if found and all(map(math.isfinite, found)) else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of `numbers`."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def _parsed(dataset: Dataset, keyword: str) -> object:
    try:
        return dataset.get(keyword)
    except (TypeError, ValueError):
        return None
