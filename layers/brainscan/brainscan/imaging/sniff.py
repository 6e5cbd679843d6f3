"""What a file is, by its first bytes; names and suffixes are never asked."""

import struct
from typing import Final

from pydicom.datadict import dictionary_has_tag
from pydicom.valuerep import VR

from brainscan.domain import Kind

HEAD_BYTES: Final = 4096
"""How much of a file `sniff` wants to see; less is fine for a file that has less."""

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"II+\x00\x08\x00\x00\x00", Kind.TIFF),  # BigTIFF: 8-byte offsets
    (b"MM\x00+\x00\x08\x00\x00", Kind.TIFF),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),  # without entries
    (b"PK\x07\x08", Kind.ZIP),  # split into segments
)
_NIFTI_MAGICS: Final = (
    # sizeof_hdr, offset of the magic, the magics of one file and of a header with separate pixels
    (348, 344, (b"n+1\x00", b"ni1\x00")),
    (540, 4, (b"n+2\x00", b"ni2\x00")),
)
_VRS: Final = frozenset(vr.value.encode() for vr in VR if len(vr.value) == 2)
_LONG_VRS: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_LONGEST_FIRST_VALUE: Final = 1024
"""Bytes; what opens a data set is a group length, a character set, a UID or a date."""


def sniff(head: bytes) -> Kind:
    """Tell a file's kind by its content.

    Args:
        head: the file's first `HEAD_BYTES` bytes, or all of a shorter file. Never raises, whatever they are.

    Returns:
        `GZIP` for anything gzipped (a tar, a NIfTI, ...): unzip some and sniff again; `OTHER` where
        nothing fits.
    """
    if not head:
        return Kind.EMPTY
    # The preamble of a DICOM file may hold another format's header (PS3.10, 7.1), so DICOM goes first.
    if head[128:132] == b"DICM":
        return Kind.DICOM
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if _is_nifti(head):
        return Kind.NIFTI
    if head[257:262] == b"ustar":
        return Kind.TAR
    return Kind.DICOM if _is_bare_dicom(head) else Kind.OTHER


def _is_nifti(head: bytes) -> bool:
    """NIfTI-1 or -2, in either byte order."""
    return any(
        head[:4] in (struct.pack("<i", size), struct.pack(">i", size)) and head[at : at + 4] in magics
        for size, at, magics in _NIFTI_MAGICS
    )


def _is_bare_dicom(head: bytes) -> bool:
    """DICOM without its preamble: a known element of group 2 or 8, and another known one right behind it."""
    first = _element(head, 0)
    if first is None or first[0] >> 16 not in (0x0002, 0x0008):
        return False
    tag, after = first
    second = _element(head, after)
    return second is not None and second[0] > tag


def _element(head: bytes, at: int) -> tuple[int, int] | None:
    """Tag of the little-endian data element at an offset and where it ends, or None where there is none."""
    if at + 8 > len(head):
        return None
    group, element = struct.unpack_from("<HH", head, at)
    tag = group << 16 | element
    if element and not dictionary_has_tag(tag):
        return None
    vr = head[at + 4 : at + 6]
    if vr not in _VRS:
        (length,) = struct.unpack_from("<I", head, at + 4)
        start = at + 8
    elif vr in _LONG_VRS and at + 12 <= len(head):
        (length,) = struct.unpack_from("<I", head, at + 8)
        start = at + 12
    else:
        (length,) = struct.unpack_from("<H", head, at + 6)
        start = at + 8
    return (tag, start + length) if length <= _LONGEST_FIRST_VALUE else None
