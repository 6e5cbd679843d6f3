"""What a header leaves out of the description of its pixels (PS3.3 C.7.6.3), as far as the rest of it tells."""

import math
from typing import Final

from pydicom import Dataset

from brainscan.dicom.values import items

GRAY: Final = "MONOCHROME2"
DEPTHS: Final = (8, 16, 32)
"""Bits that a gray pixel takes."""


def complete_pixel_description(dataset: Dataset) -> None:
    """State what decoders ask for and the object does not say, or says what cannot be.

    Pixels of one sample are gray; as many bits are allocated as the pixels take, and all of them are in use; values are
    unsigned: `stored_values` looks at them, and mends that. What is in doubt stays as it is, and is refused.
    """
    photometric = str(dataset.get("PhotometricInterpretation") or "")
    if photometric.replace(" ", "").startswith("MONOCHROME"):
        dataset.PhotometricInterpretation = photometric.replace(" ", "")
    elif not photometric and (dataset.get("SamplesPerPixel") or 1) == 1:
        dataset.PhotometricInterpretation = GRAY
    if not dataset.get("SamplesPerPixel") and dataset.get("PhotometricInterpretation", "").startswith("MONOCHROME"):
        dataset.SamplesPerPixel = 1
    if not dataset.get("BitsAllocated") and (depth := _depth(dataset)):
        dataset.BitsAllocated = depth
    allocated = dataset.get("BitsAllocated") or 0
    if not 0 < (dataset.get("BitsStored") or 0) <= allocated:
        dataset.BitsStored = allocated
    if dataset.get("PixelRepresentation") not in (0, 1):
        dataset.PixelRepresentation = 0


def state_frames(dataset: Dataset) -> None:
    """State how many frames there are where the object does not, or holds more of them than it says.

    Pixels that are not compressed tell by their length; others by the functional groups that each frame has.
    """
    stated = dataset.get("NumberOfFrames")
    held = _held(dataset)
    if held == 2 and not stated and dataset.get("BitsAllocated") == DEPTHS[0]:
        dataset.BitsAllocated = dataset.BitsStored = DEPTHS[1]  # one picture of words, not two of their halves
        return
    if held is None and not stated:
        held = len(items(dataset, "PerFrameFunctionalGroupsSequence"))
    count = int(stated or 1)
    if held and (held > max(1, count) or count < 1):
        dataset.NumberOfFrames = held


def _held(dataset: Dataset) -> int | None:
    """How many whole frames the pixels are; None where they are compressed, or no number of whole ones."""
    pixels = _native(dataset)
    if pixels is None:
        return None
    sizes = (dataset.get(keyword) or 0 for keyword in ("Rows", "Columns", "BitsAllocated"))
    bits = int(dataset.get("SamplesPerPixel") or 1) * math.prod(map(int, sizes))
    size = bits // 8
    frames, rest = divmod(len(pixels), size) if size else (0, 0)
    return frames if frames and rest <= frames * size % 2 else None


def _native(dataset: Dataset) -> bytes | None:
    """Pixels that are not compressed."""
    element = dataset.get_item("PixelData")
    pixels = element.value if element is not None else None
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    return pixels if isinstance(pixels, bytes) and not compressed else None


def _depth(dataset: Dataset) -> int | None:
    """Bits of a pixel, by how many bytes there are of all; None where they are no plain gray ones."""
    pixels = _native(dataset)
    if pixels is None:
        return None
    count = int(dataset.Rows) * int(dataset.Columns) * max(1, int(dataset.get("NumberOfFrames") or 1))
    return next((bits for bits in DEPTHS if count * bits // 8 <= len(pixels) <= count * bits // 8 + 1), None)
