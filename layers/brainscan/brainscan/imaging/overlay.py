"""The scan as a reader sees it, plain and with the mask's outline drawn around the tumor."""

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.imaging.mask import bounding_box
from brainscan.imaging.prepare import PERCENTILES
from brainscan.series.components import Mask

OUTLINE_COLOUR: Final = (255, 64, 0)
"""Red, green, blue: an orange that no gray scan contains, and that stays apart for colour-blind readers."""
_OUTLINE_SHARE: Final = 1 / 300
"""Width of the outline as a share of the longer side: 2 pixels at 512."""

Gray = npt.NDArray[np.uint8]

_PERCENTILE_GRID: Final = 2048
"""Rows and columns that suffice to find the window of a larger scan."""


_OUTLINE: Final = 255
"""Index of the outline's colour in the overlay's palette; the indices below are their own grays."""
_PALETTE: Final = bytes(channel for gray in range(_OUTLINE) for channel in (gray, gray, gray)) + bytes(OUTLINE_COLOUR)


def windowed(pixels: npt.NDArray[np.generic]) -> Gray:
    """A scan (rows, columns), as decoded, in 8 bits: from the 1st to the 99.5th percentile, as the network sees it."""
    step = -(-max(pixels.shape) // _PERCENTILE_GRID)
    black, white = np.percentile(pixels[::step, ::step].astype(np.float32), PERCENTILES)
    if white <= black:
        return np.zeros(pixels.shape, np.uint8)
    values = pixels.astype(np.float32)
    values -= np.float32(black)
    values *= np.float32(255 / (white - black))
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def picture(gray: Gray) -> bytes:
    """Draw a windowed scan (rows, columns) as it is: 8-bit gray PNG."""
    return _png(Image.fromarray(gray))


def draw_outline(image_png: bytes, mask_png: bytes | None) -> bytes:
    """Draw the outline of a mask over a picture, both as they are kept.

    Args:
        image_png: What `picture` wrote.
        mask_png: The mask on the same rows and columns; None for an empty one.
    """
    gray = np.asarray(Image.open(io.BytesIO(image_png)).convert("L"))
    empty = np.zeros(gray.shape, np.bool_)
    return overlay(gray, empty if mask_png is None else np.asarray(Image.open(io.BytesIO(mask_png))) > 0)


def overlay(gray: Gray, mask: Mask) -> bytes:
    """Draw the outline of a mask, outside its edge so that no tumor pixel is covered.

    Args:
        gray: (rows, columns), windowed; its white becomes one level darker, which frees an index for the outline.
        mask: (rows, columns), True on tumor.

    Returns:
        PNG of the same rows and columns, 8-bit with a palette: a third of RGB's bytes and time.
    """
    drawn = np.minimum(gray, _OUTLINE - 1)
    box = bounding_box(mask)
    if box is not None:
        width = max(1, round(max(mask.shape) * _OUTLINE_SHARE))
        rows, columns = (slice(max(0, side.start - width), side.stop + width) for side in box)
        region = mask[rows, columns]
        grown = _grown_along_rows(_grown_along_rows(region, width).T, width).T
        drawn[rows, columns][grown & ~region] = _OUTLINE
    image = Image.fromarray(drawn)
    image.putpalette(_PALETTE)
    return _png(image)


def _grown_along_rows(mask: Mask, width: int) -> Mask:
    """True within `width` columns of a True; sums of windows: the cost does not grow with the width."""
    before = np.cumsum(np.pad(mask, ((0, 0), (width + 1, width))), axis=1, dtype=np.int32)
    return np.asarray(before[:, 2 * width + 1 :] > before[:, : -2 * width - 1])


def _png(image: Image.Image) -> bytes:
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=1)
    return png.getvalue()
