"""Values of single attributes, whatever form a writer gave them; one that cannot be read is as if it were absent.

pydicom converts a value when it is asked for, by the VR that the file states, and raises where the two do not agree.
A scan must not fail for that: what is needed is read here, if need be from the bytes. Text that is plain is read from
them at once: to convert it would cost more than to read the file.
"""

import math
import re
from functools import cache
from typing import Any, Final

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

SEPARATOR: Final = "\\"
"""Between the values of one attribute (PS3.5 6.4)."""
TEXT_VRS: Final = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())  # noqa: SIM905
"""VRs whose values are text in a file (PS3.5 6.2)."""
US_BYTES: Final = 2
"""Of an unsigned short."""
_ESCAPE: Final = b"\x1b"
"""Begins what is in another character set."""

_UID: Final = re.compile(r"[0-9.]{1,64}")
_PADDING: Final = " \0\t\r\n"
_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WITH_UNIT: Final = rf"{_NUMBER}\s*(?:mm|ms)?"
_IN_A_ROW: Final = re.compile(rf"[\[(]?\s*{_WITH_UNIT}(?:(?:\s*[,;/|x]\s*|\s+){_WITH_UNIT})*\s*[\])]?")
"""Numbers with the unit that the standard gives them anyway, or apart by other signs than the standard's."""
_INNER_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
"""Between two digits: a decimal point, or what is between two numbers."""


def holds(dataset: Dataset, tag: BaseTag) -> bool:
    """Whether an element is there, at a tenth of what pydicom's own `in` takes, which first makes a tag of the tag."""
    return tag in dataset.keys()  # noqa: SIM118


def has(dataset: Dataset, keyword: str) -> bool:
    """The same of an attribute by its name."""
    return holds(dataset, tag_and_vr(keyword)[0])


def parsed(dataset: Dataset, keyword: str) -> Any:
    """The value as pydicom converts it; of one that it cannot convert, the bytes; None where there is none."""
    tag, _ = tag_and_vr(keyword)
    if not holds(dataset, tag):
        return None
    element = dataset.get_item(tag)
    try:
        return dataset[tag].value
    except Exception:  # pydicom raises nearly anything on a value that is not what its VR says
        return element.value if isinstance(element, RawDataElement) else None


@cache
def tag_and_vr(keyword: str) -> tuple[BaseTag, str]:
    """Tag and VR of an attribute by the dictionary, which takes longer than to read most values."""
    return Tag(keyword), dictionary_VR(keyword)


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an attribute as text, without padding; of bytes that are no ASCII, with the others replaced."""
    tag, vr = tag_and_vr(keyword)
    if not holds(dataset, tag):
        return ()
    element = dataset.get_item(tag)
    plain = _plain_text(element, vr) if isinstance(element, RawDataElement) else None
    if plain is not None:
        return tuple([each.strip(_PADDING) for each in plain.split(SEPARATOR)]) if plain else ()
    value = parsed(dataset, keyword)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if value is None or value == "":
        return ()
    values = value if isinstance(value, list | tuple | MultiValue) else str(value).split(SEPARATOR)
    return tuple(str(each).strip(_PADDING) for each in values)


def is_uid(value: str) -> bool:
    """Whether a text is a UID by which a PACS may know something: leading zeros in it are against PS3.5 9.1 alone."""
    return _UID.fullmatch(value) is not None


def normalized(value: str) -> str:
    """A value that a person typed, in the form in which `text` gives it."""
    return " ".join(each for part in value.split(SEPARATOR) if (each := part.strip(_PADDING)))


def _plain_text(element: RawDataElement, vr: str) -> str | None:
    """Text as it stands in the file, which needs no conversion where it is ASCII; None where it is not."""
    raw = element.value
    if (element.VR or vr) not in TEXT_VRS or raw is None or not raw.isascii() or _ESCAPE in raw:
        return None
    return raw.decode("ascii")


def text(dataset: Dataset, keyword: str) -> str:
    """The values of `texts` as one line; empty where there are none."""
    if not has(dataset, keyword):
        return ""
    return " ".join(filter(None, texts(dataset, keyword)))


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...] | None:
    """The values of an attribute that holds numbers; None where it is absent or any is no finite number.

    A comma is read as the decimal point that a desktop's language turned into one; `mm` and `ms` say what is known.
    Where commas may be that as well as what stands between numbers, there are none.
    """
    try:
        found = tuple(value for each in texts(dataset, keyword) for value in _decimals(each))
    except ValueError:
        return None
    return found if found and all(map(math.isfinite, found)) else None


def _decimals(stated: str) -> list[float]:
    """The number that a text is, or the numbers in it.

    Raises:
        ValueError: it is none, or it is not to be told which.
    """
    try:
        return [float(stated.replace(",", "."))]
    except ValueError:
        if not _IN_A_ROW.fullmatch(stated):
            raise
    pointed = _INNER_COMMA.sub(".", stated)
    if "." in stated or pointed == stated:
        return [float(each) for each in re.findall(_NUMBER, stated)]
    if not _IN_A_ROW.fullmatch(pointed):
        raise ValueError("commas may be decimal points, or between numbers")
    return [float(each) for each in re.findall(_NUMBER, pointed)]


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first value of `numbers`."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def integer(dataset: Dataset, keyword: str) -> int | None:
    """The first value of an attribute that holds integers; None where it is absent, empty, or something else."""
    tag, vr = tag_and_vr(keyword)
    if not holds(dataset, tag):
        return None
    element = dataset.get_item(tag)
    if isinstance(element, RawDataElement) and (element.VR or vr) == "US" and element.length == US_BYTES:
        return int.from_bytes(element.value or b"", "little" if element.is_little_endian else "big")
    value = parsed(dataset, keyword)
    first = value[0] if isinstance(value, list | MultiValue) and value else value
    return int(first) if isinstance(first, int) else None


def private_integer(dataset: Dataset, creator: str, group: int, element: int) -> int | None:
    """The first value of a private attribute (PS3.5 7.8); None where there is none, or no integer.

    Args:
        dataset: that may have it.
        creator: of its block.
        group: of the block, odd.
        element: its place within the block.
    """
    try:
        value = dataset.private_block(group, creator)[element].value
        if isinstance(value, bytes):  # implicit VR leaves a private attribute so
            return int.from_bytes(value[:2], "little") if len(value) >= 2 else None
        return int(value[0] if isinstance(value, MultiValue) else value)
    except Exception:  # pydicom raises nearly anything on a value that is not what its VR says
        return None


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where there are none, or where it is no sequence."""
    value = parsed(dataset, keyword)
    return list(value) if isinstance(value, Sequence) else []


def put_text(dataset: Dataset, keyword: str, *values: str) -> None:
    """State values of an attribute in a data set of UTF-8, as a file would: pydicom converts them when asked for them.

    Args:
        dataset: That is written to.
        keyword: Of an attribute whose VR is of `TEXT_VRS`.
        values: Already such as the attribute may have.
    """
    tag, vr = tag_and_vr(keyword)
    raw = SEPARATOR.join(values).encode()
    dataset[tag] = RawDataElement(tag, vr, len(raw), raw, 0, False, True)
