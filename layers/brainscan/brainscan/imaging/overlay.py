"""The scan as a reader sees it, plain and with the mask's outline drawn around the tumor."""

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage.morphology import dilation, footprint_rectangle

from brainscan.imaging.mask import Mask, bounding_box
from brainscan.imaging.prepare import PERCENTILES

OUTLINE_COLOUR: Final = (255, 64, 0)
"""Red, green, blue: an orange that no gray scan contains, and that stays apart for colour-blind readers."""
_OUTLINE_SHARE: Final = 1 / 300
"""Width of the outline as a share of the longer side: 2 pixels at 512."""

_PERCENTILE_GRID: Final = 2048
"""Rows and columns that suffice to find the window of a larger scan."""


def picture(pixels: npt.NDArray[np.generic]) -> bytes:
    """Draw a scan as it is.

    Args:
        pixels: (rows, columns) gray, as decoded; windowed like `overlay`.

    Returns:
        8-bit gray PNG of the same rows and columns.
    """
    return _png(_windowed(pixels))


def overlay(pixels: npt.NDArray[np.generic], mask: Mask) -> bytes:
    """Draw the outline of a mask, outside its edge so that no tumor pixel is covered.

    Args:
        pixels: (rows, columns) gray, as decoded; windowed like the network's input, from the 1st to the
            99.5th percentile.
        mask: (rows, columns), True on tumor.

    Returns:
        8-bit RGB PNG of the same rows and columns.
    """
    drawn = np.repeat(_windowed(pixels)[..., np.newaxis], 3, axis=2)
    box = bounding_box(mask)
    if box is not None:
        width = max(1, round(max(mask.shape) * _OUTLINE_SHARE))
        rows, columns = (slice(max(0, side.start - width), side.stop + width) for side in box)
        region = mask[rows, columns]
        # Separable: the cost does not grow with the outline's width.
        brush = footprint_rectangle((2 * width + 1, 2 * width + 1), decomposition="separable")
        drawn[rows, columns][dilation(region, brush) & ~region] = OUTLINE_COLOUR
    return _png(drawn)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG", compress_level=1)
    return png.getvalue()


def _windowed(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    step = -(-max(pixels.shape) // _PERCENTILE_GRID)
    black, white = np.percentile(pixels[::step, ::step].astype(np.float32), PERCENTILES)
    if white <= black:
        return np.zeros(pixels.shape, np.uint8)
    values = pixels.astype(np.float32)
    values -= np.float32(black)
    values *= np.float32(255 / (white - black))
    return np.clip(values, 0, 255, out=values).astype(np.uint8)
