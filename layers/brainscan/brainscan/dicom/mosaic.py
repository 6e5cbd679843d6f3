"""Siemens mosaics: the slices of a volume as tiles of one picture, taken apart."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from brainscan.dicom.values import private_integer, texts
from brainscan.domain import Reason, ScanError

NUMBER_OF_IMAGES_IN_MOSAIC: Final = ("SIEMENS MR HEADER", 0x0019, 0x0A)
"""Creator of a private block, its group, and the element within it."""


def is_mosaic(dataset: Dataset) -> bool:
    """Whether ImageType calls the picture a mosaic."""
    return "MOSAIC" in texts(dataset, "ImageType")


def tile_count(dataset: Dataset) -> int:
    """Slices in a mosaic.

    Raises:
        ScanError: `UNSUPPORTED_ENCODING`, the private attributes that say how many were removed.
    """
    count = private_integer(dataset, *NUMBER_OF_IMAGES_IN_MOSAIC) or 0
    side = math.isqrt(max(count - 1, 0)) + 1
    if count < 1 or int(dataset.Rows) % side or int(dataset.Columns) % side:
        raise ScanError(Reason.UNSUPPORTED_ENCODING, "a mosaic that does not say its number of slices; send the slices")
    return count


def tile(pixels: npt.NDArray[Any], count: int, index: int) -> npt.NDArray[Any]:
    """One slice of a mosaic of `count`; tiles fill a square grid row by row.

    Raises:
        IndexError: the mosaic has no such slice.
    """
    if not 0 <= index < count:
        raise IndexError("the mosaic has no such slice")
    side = math.isqrt(count - 1) + 1
    rows, columns = pixels.shape[0] // side, pixels.shape[1] // side
    row, column = divmod(index, side)
    return np.ascontiguousarray(pixels[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns])
