"""Masks that readers draw: the PNG that comes in -> the one form that masks are kept in; how far two masks overlap.

Pillow alone, no arrays: the results API has no other use for them.
"""

import io
import struct
import warnings
import zlib
from typing import Final

from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngImageFile

from brainscan.domain import BrainscanError

MOST_BYTES: Final = 1024**2
"""Of a drawn mask as it is sent; one of 4096 x 4096 pixels takes some tens of thousands."""

GRAY: Final = {"1", "L"}
"""Pillow's modes of gray with 1 bit and with 8."""

BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
"""What Pillow raises for a damaged PNG."""


class ReaderMaskError(BrainscanError):
    """What was sent is no mask of this scan; the text says what is wrong and what to send."""


def validated_mask(png: bytes, shape: tuple[int, int]) -> bytes:
    """Check a mask that a reader drew, and write it as masks are kept: its pixels alone, 8-bit gray, 0 or 255.

    Args:
        png: As it was sent.
        shape: (rows, columns) of the scan.

    Raises:
        DrawnMaskError: it is no PNG, damaged, not gray of 1 or 8 bits, not the scan's size, or neither black nor
            white somewhere.
    """
    image = _opened(png)
    rows, columns = shape
    if image.size != (columns, rows):
        sent = f"{image.size[1]} rows and {image.size[0]} columns"
        raise ReaderMaskError(f"the mask has {sent}, the scan {rows} and {columns}: send the scan's own")
    if image.mode not in GRAY or getattr(image, "n_frames", 1) > 1:
        raise ReaderMaskError("send one gray picture of 1 or 8 bits, without colours, palette or transparency")
    gray = _loaded(image)
    if {value for _, value in gray.getcolors(256) or ()} - {0, 255}:
        raise ReaderMaskError("a mask is 0 where there is no tumor and 255 where there is; other values were sent")
    out = io.BytesIO()
    gray.save(out, "PNG")
    return out.getvalue()


def tumor_pixels(png: bytes) -> int:
    """Pixels of a mask as it is kept that are tumor."""
    return _loaded(_opened(png)).histogram()[255]


def dice(one: bytes, other: bytes) -> float | None:
    """Dice's coefficient of two masks of one scan: twice what they share over what they have; None of two empty ones.

    Raises:
        DrawnMaskError: one is damaged, or they are of different sizes.
    """
    first, second = _loaded(_opened(one)), _loaded(_opened(other))
    if first.size != second.size:
        raise ReaderMaskError("the two masks are of different sizes")
    both = ImageChops.darker(first, second).histogram()[255]
    total = first.histogram()[255] + second.histogram()[255]
    return 2 * both / total if total else None


def _opened(png: bytes) -> PngImageFile:
    """A PNG of which only the header was read, so that its size is known before any pixel is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return PngImageFile(io.BytesIO(png))
    except BROKEN:
        raise ReaderMaskError("this is no PNG: send the mask as image/png") from None


def _loaded(image: PngImageFile) -> Image.Image:
    """Its pixels, 8-bit gray, and nothing else that the file holds."""
    try:
        gray = image.convert("L")
    except BROKEN:
        raise ReaderMaskError("the PNG is damaged or cut off: send it again") from None
    gray.info = {}
    return gray
