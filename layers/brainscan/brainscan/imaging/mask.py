"""Logits on the network's grid -> the tumor mask on the scan's own pixels, and that mask as PNG."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.imaging.prepare import Crop, uncrop
from brainscan.series.components import connected_regions

Mask = npt.NDArray[np.bool_]


def to_mask(
    seg_logits: npt.NDArray[np.float32],
    crop: Crop,
    shape: tuple[int, int],
    threshold: float,
    min_area_fraction: float,
) -> Mask:
    """Bring the network's map onto the scan's pixel grid, cut it at a threshold and drop specks.

    Args:
        seg_logits: (N, N), as the network gave it.
        crop: what `prepare` returned with the network's input.
        shape: (rows, columns) of the source image.
        threshold: logit above which a pixel is tumor.
        min_area_fraction: a connected region below this share of the crop's area is a speck.

    Returns:
        (rows, columns), True on tumor.
    """
    # Interpolation never exceeds its input: most scans without tumor need no full-size map.
    if seg_logits.max() <= threshold:
        return np.zeros(shape, np.bool_)
    mask = uncrop(seg_logits, crop, shape) > threshold
    box = bounding_box(mask)
    if box is not None:
        [regions], _ = connected_regions([mask[box]], [False])
        kept = np.bincount(regions.ravel()) >= np.ceil(min_area_fraction * crop.area)
        kept[0] = False
        mask[box] = kept[regions]
    return mask


def encode_mask(mask: Mask) -> bytes:
    """Write a mask (rows, columns) as 8-bit gray PNG, 255 on tumor."""
    png = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(png, "PNG", compress_level=1)
    return png.getvalue()


def bounding_box(mask: Mask) -> tuple[slice, slice] | None:
    """The smallest (rows, columns) that hold all of a mask, or None for an empty one."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
