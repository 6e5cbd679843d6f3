"""The character set in which a header's text is really written, where it says none or a wrong one."""

from functools import cache
from typing import Final

from pydicom import Dataset
from pydicom.charset import convert_encodings, python_encoding
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from brainscan.dicom.values import tag_and_vr, texts

UTF8: Final = "ISO_IR 192"
LATIN1: Final = "ISO_IR 100"
_TAKE_NEARLY_ALL: Final = frozenset(f"ISO_IR {number}" for number in (100, 101, 109, 110, 126, 127, 138, 144, 148, 203))
"""Single-byte sets of which no text happens to be UTF-8: that would be capitals behind small letters, or signs."""
_TEXT_VRS: Final = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")
"""VRs that SpecificCharacterSet applies to (PS3.5 6.1.2.2)."""


def make_readable(dataset: Dataset, keywords: tuple[str, ...]) -> None:
    """Have text decoded by the character set that fits it, before any of it is looked at.

    The one that is stated counts where the bytes are text in it; otherwise they are UTF-8 if they can be, else Latin-1,
    in which every byte is a character: what consoles write in the language of the desktop. Of a set in which nearly all
    bytes are characters, that they are UTF-8 as well is no accident.

    Args:
        keywords: Of the attributes whose bytes decide.
    """
    present = _tags_of_text(keywords) & dataset.keys()
    raw = [value for tag in present if (value := _bytes_of(dataset, tag)) and not value.isascii()]
    if not raw:
        return
    stated = texts(dataset, "SpecificCharacterSet")
    takes_all = bool(stated) and stated[0] in _TAKE_NEARLY_ALL and _fits(raw, UTF8)
    if len(stated) > 1 or (not takes_all and any(_fits(raw, each) for each in stated)):
        return  # several sets are told apart by escape sequences, which pydicom follows
    fitting = UTF8 if _fits(raw, UTF8) else LATIN1
    dataset.SpecificCharacterSet = fitting
    implicit, little = dataset.original_encoding
    dataset.set_original_encoding(implicit, little, convert_encodings(fitting))


@cache
def _tags_of_text(keywords: tuple[str, ...]) -> frozenset[BaseTag]:
    """Those whose text is in a character set."""
    return frozenset(tag for tag, vr in map(tag_and_vr, keywords) if vr in _TEXT_VRS)


def _bytes_of(dataset: Dataset, tag: BaseTag) -> bytes | None:
    element = dataset.get_item(tag)
    return element.value if isinstance(element, RawDataElement) else None


def _fits(values: list[bytes], character_set: str) -> bool:
    encoding = python_encoding.get(character_set)
    if encoding is None or (not character_set and encoding):
        return False  # without a set, only ASCII is allowed
    try:
        for value in values:
            value.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
