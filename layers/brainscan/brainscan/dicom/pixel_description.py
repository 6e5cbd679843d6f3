"""What a header leaves out of the description of its pixels (PS3.3 C.7.6.3), as far as the rest of it tells."""

import math
from functools import cache
from typing import Final

from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID, RLELossless

from brainscan.dicom.values import integer, items, text

GRAY: Final = "MONOCHROME2"
PIXEL_DATA: Final = Tag("PixelData")
DEPTHS: Final = (8, 16, 32)
"""Bits that a gray pixel takes."""
ITEM: Final = b"\xfe\xff\x00\xe0"
"""Begins a fragment of compressed pixels, before its length of four bytes (PS3.5 A.4)."""
BEGINNINGS: Final = (b"\xff\xd8", b"\xff\x4f")
"""Of a frame in JPEG and JPEG-LS, and in JPEG 2000."""
MOST_FRAGMENTS: Final = 2**18
"""That are looked at: a file may hold more than anybody could wait for."""


def complete_pixel_description(dataset: Dataset) -> None:
    """State what decoders ask for and the object does not say, or says what cannot be.

    Pixels of one sample are gray; as many bits are allocated as the pixels take, and all of them are in use; values are
    unsigned: `stored_values` looks at them, and mends that. What is in doubt stays as it is, and is refused.
    """
    stated = text(dataset, "PhotometricInterpretation")
    photometric, samples = stated.replace(" ", ""), integer(dataset, "SamplesPerPixel")
    if not photometric and (samples or 1) == 1:
        photometric = GRAY
    gray = photometric.startswith("MONOCHROME")
    if gray and photometric != stated:
        dataset.PhotometricInterpretation = photometric
    if gray and not samples:
        dataset.SamplesPerPixel = 1
    allocated = integer(dataset, "BitsAllocated") or _depth(dataset) or 0
    if allocated != integer(dataset, "BitsAllocated"):
        dataset.BitsAllocated = allocated
    if not 0 < (integer(dataset, "BitsStored") or 0) <= allocated:
        dataset.BitsStored = allocated
    if integer(dataset, "PixelRepresentation") not in (0, 1):
        dataset.PixelRepresentation = 0


def state_frames(dataset: Dataset) -> None:
    """State how many frames there are where the object does not, or holds more of them than it says.

    Pixels tell by their length, or where they are compressed, by their fragments; or else the functional groups tell
    that each frame has.
    """
    stated = integer(dataset, "NumberOfFrames")
    held = _held(dataset)
    if held == 2 and not stated and integer(dataset, "BitsAllocated") == DEPTHS[0]:
        dataset.BitsAllocated = dataset.BitsStored = DEPTHS[1]  # one picture of words, not two of their halves
        return
    if held is None and not stated:
        held = len(items(dataset, "PerFrameFunctionalGroupsSequence"))
    count = stated or 1
    if held and (held > max(1, count) or count < 1):
        dataset.NumberOfFrames = held


def _held(dataset: Dataset) -> int | None:
    """How many whole frames the pixels are; None where they are no number of whole ones, or do not tell."""
    pixels = _bytes_of_pixels(dataset)
    if pixels is None:
        return None
    if _is_compressed(dataset.file_meta.TransferSyntaxUID):
        return _fragments(pixels, beginning=dataset.file_meta.TransferSyntaxUID != RLELossless) or None
    sizes = (integer(dataset, keyword) or 0 for keyword in ("Rows", "Columns", "BitsAllocated"))
    size = (integer(dataset, "SamplesPerPixel") or 1) * math.prod(sizes) // 8
    frames, rest = divmod(len(pixels), size) if size else (0, 0)
    return frames if frames and rest <= frames * size % 2 else None


def _fragments(pixels: bytes, *, beginning: bool) -> int:
    """How many fragments of compressed pixels there are behind the table of offsets (PS3.5 A.4).

    Args:
        pixels: As they are in the file.
        beginning: Whether those count alone that begin a frame, which may be of several; of run lengths each is one.
    """
    found, place = -1, 0  # the first is the table
    while found < MOST_FRAGMENTS and pixels[place : place + len(ITEM)] == ITEM:
        start = place + len(ITEM) + 4
        if found < 0 or not beginning or pixels.startswith(BEGINNINGS, start):
            found += 1
        place = start + int.from_bytes(pixels[start - 4 : start], "little")
    return max(found, 0)


def _bytes_of_pixels(dataset: Dataset) -> bytes | None:
    element = dataset.get_item(PIXEL_DATA)
    pixels = element.value if element is not None else None
    return pixels if isinstance(pixels, bytes) else None


@cache
def _is_compressed(transfer_syntax: UID) -> bool:
    return transfer_syntax.is_compressed


def _depth(dataset: Dataset) -> int | None:
    """Bits of a pixel, by how many bytes there are of all; None where they are no plain gray ones."""
    pixels = _bytes_of_pixels(dataset)
    if pixels is None or _is_compressed(dataset.file_meta.TransferSyntaxUID):
        return None
    count = int(dataset.Rows) * int(dataset.Columns) * max(1, integer(dataset, "NumberOfFrames") or 1)
    return next((bits for bits in DEPTHS if count * bits // 8 <= len(pixels) <= count * bits // 8 + 1), None)
