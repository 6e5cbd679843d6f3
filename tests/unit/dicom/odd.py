"""Files with an element that no careful writer would write: any bytes, any VR, any transfer syntax."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from tests import series as mr

_PREAMBLE = 132
_GROUP_LENGTH_ELEMENT = 12


def encoded_as(image: Dataset, syntax: UID) -> bytes:
    """The image as a file of a transfer syntax."""
    image.file_meta.TransferSyntaxUID = syntax
    if not syntax.is_little_endian:
        image.PixelData = np.frombuffer(image.PixelData, "<u2").astype(">u2").tobytes()
    return mr.file_bytes(image)


def with_raw(image: Dataset, element: int | str, vr: str, value: bytes, syntax: UID) -> bytes:
    """The image as a file of a transfer syntax, in which one element has this VR and exactly these bytes."""
    tag = tag_for_keyword(element) if isinstance(element, str) else element
    assert tag is not None
    image["PixelData"].VR = "OW"  # of its own: what it would follow from may be what is odd
    if tag in image:
        del image[tag]
    if syntax == DeflatedExplicitVRLittleEndian:
        plain = _inserted(encoded_as(image, ExplicitVRLittleEndian), tag, vr, value, ExplicitVRLittleEndian)
        whole = encoded_as(image, syntax)
        body = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return whole[: _start(whole)] + body.compress(plain[_start(plain) :]) + body.flush()
    return _inserted(encoded_as(image, syntax), tag, vr, value, syntax)


def _start(data: bytes) -> int:
    """Where the data set begins, behind the meta information."""
    (length,) = struct.unpack_from("<I", data, _PREAMBLE + _GROUP_LENGTH_ELEMENT - 4)
    return _PREAMBLE + _GROUP_LENGTH_ELEMENT + int(length)


def _inserted(data: bytes, tag: int, vr: str, value: bytes, syntax: UID) -> bytes:
    read = dcmread(io.BytesIO(data))
    following: Any = read.get_item(min(each for each in read.keys() if each > tag))  # noqa: SIM118 - `read` gives elements
    long = not syntax.is_implicit_VR and following.VR in EXPLICIT_VR_LENGTH_32
    place = following.value_tell - (12 if long else 8)
    order = "<" if syntax.is_little_endian else ">"
    start = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if syntax.is_implicit_VR:
        start += struct.pack(f"{order}I", len(value))
    elif vr in EXPLICIT_VR_LENGTH_32:
        start += vr.encode() + struct.pack(f"{order}HI", 0, len(value))
    else:
        start += vr.encode() + struct.pack(f"{order}H", len(value))
    return data[:place] + start + value + data[place:]
