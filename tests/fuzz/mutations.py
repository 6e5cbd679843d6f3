"""Valid DICOM files with elements changed as careless writers change them: anywhere, in any of seven ways."""

import random
import struct
import zlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Final

from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from tests import series as mr

VRS: Final = tuple(
    "AE,AS,AT,CS,DA,DS,DT,FD,FL,IS,LO,LT,OB,OW,PN,SH,SL,SQ,SS,ST,TM,UI,UL,UN,US,UT".split(",")  # noqa: SIM905
)
UNDEFINED: Final = 0xFFFFFFFF
_META: Final = 144
"""Where meta information begins behind its own length (PS3.10 7.1)."""


@dataclass(frozen=True)
class Element:
    """An element as it is written; `stated` is the length that its header says."""

    tag: int
    vr: str
    value: bytes
    stated: int

    def encoded(self, *, implicit: bool, order: str) -> bytes:
        """Its header and its value."""
        start = struct.pack(f"{order}HH", self.tag >> 16, self.tag & 0xFFFF)
        if implicit:
            return start + struct.pack(f"{order}I", self.stated) + self.value
        if self.vr in EXPLICIT_VR_LENGTH_32:
            return start + self.vr.encode() + struct.pack(f"{order}HI", 0, self.stated) + self.value
        return start + self.vr.encode() + struct.pack(f"{order}H", min(self.stated, 0xFFFF)) + self.value


Elements = list[Element]
Mutation = Callable[[Elements, random.Random], None]


def elements_of(image: Dataset, syntax: UID) -> Elements:
    """The elements of an image, sequences with all that is in them, as a transfer syntax writes them."""
    found = []
    for element in correct_ambiguous_vr(deepcopy(image), syntax.is_little_endian):
        out = DicomBytesIO()
        out.is_implicit_VR, out.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
        write_data_element(out, element, ["utf-8"])
        whole = out.getvalue()
        long = not syntax.is_implicit_VR and element.VR in EXPLICIT_VR_LENGTH_32
        value = whole[12 if long else 8 :]
        stated = UNDEFINED if element.is_undefined_length else len(value)
        found.append(Element(int(element.tag), element.VR, value, stated))
    return found


def file_of(start: bytes, elements: Elements, syntax: UID) -> bytes:
    """A file with a beginning of `beginning` and these elements."""
    order = "<" if syntax.is_little_endian else ">"
    body = b"".join(each.encoded(implicit=syntax.is_implicit_VR, order=order) for each in elements)
    if syntax == DeflatedExplicitVRLittleEndian:
        deflate = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
        body = deflate.compress(body) + deflate.flush()
    return start + body


def beginning(image: Dataset, syntax: UID) -> bytes:
    """Preamble and meta information of an image, as a transfer syntax has them."""
    named = Dataset()
    named.SOPClassUID, named.SOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    named.file_meta = type(image.file_meta)(image.file_meta)
    named.file_meta.TransferSyntaxUID = syntax
    whole = mr.file_bytes(named)
    return whole[: _META + int(struct.unpack_from("<I", whole, _META - 4)[0])]


def mutate(elements: Elements, chance: random.Random) -> str:
    """Change one element; how."""
    name = chance.choice(list(MUTATIONS))
    MUTATIONS[name](elements, chance)
    return name


def drop(elements: Elements, chance: random.Random) -> None:
    del elements[_place(elements, chance)]


def empty(elements: Elements, chance: random.Random) -> None:
    place = _place(elements, chance)
    elements[place] = replace(elements[place], value=b"", stated=0)


def lengthen(elements: Elements, chance: random.Random) -> None:
    """By any bytes, by itself, or in its stated length alone."""
    place = _place(elements, chance)
    old = elements[place]
    more = chance.choice([chance.randbytes(chance.randint(1, 9)), old.value, b"9" * 70, b"\\1" * 3, b" "])
    value = old.value + more
    stated = chance.choice([len(value), len(value), old.stated, len(value) + chance.randint(1, 300)])
    elements[place] = replace(old, value=value, stated=stated)


def retype(elements: Elements, chance: random.Random) -> None:
    place = _place(elements, chance)
    elements[place] = replace(elements[place], vr=chance.choice(VRS))


def duplicate(elements: Elements, chance: random.Random) -> None:
    place = _place(elements, chance)
    elements.insert(place, elements[place])


def move(elements: Elements, chance: random.Random) -> None:
    moved = elements.pop(_place(elements, chance))
    elements.insert(chance.randint(0, len(elements)), moved)


def overwrite(elements: Elements, chance: random.Random) -> None:
    """Some of its bytes: in a sequence, anything of what is nested in it."""
    place = _place(elements, chance)
    value = bytearray(elements[place].value)
    for _ in range(chance.randint(1, 4)):
        if value:
            value[chance.randrange(len(value))] = chance.randrange(256)
    elements[place] = replace(elements[place], value=bytes(value))


def _place(elements: Elements, chance: random.Random) -> int:
    return chance.randrange(len(elements))


MUTATIONS: Final[dict[str, Mutation]] = {
    each.__name__: each for each in (drop, empty, lengthen, retype, duplicate, move, overwrite)
}
