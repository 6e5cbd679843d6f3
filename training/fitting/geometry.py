"""Moves, turns and stretches a slice with its mask, and brings both to another side."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

ROTATION_DEG: Final = 20.0
SCALE: Final = 0.18
"""Largest growth or shrinkage, as a share."""
ASPECT: Final = 0.08
SHIFT: Final = 0.07
"""Largest displacement, as a share of the side."""

Pixels = npt.NDArray[np.uint8]


def move(image: Pixels, mask: Pixels, random: np.random.Generator, strength: float) -> tuple[Pixels, Pixels]:
    """One random affine change of both (N, N), the mask's values kept; `strength` scales every range."""
    side = image.shape[0]
    angle, zoom, aspect, *shift = random.uniform(-1, 1, 5) * strength
    turn = np.deg2rad(angle * ROTATION_DEG)
    scale = np.exp(zoom * SCALE) * np.exp(np.array([0.5, -0.5]) * aspect * ASPECT)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale
    centre = np.array([side / 2, side / 2])
    offset = centre - matrix @ (centre + np.array(shift) * SHIFT * side)
    data = (*matrix[0], offset[0], *matrix[1], offset[1])

    def warp(pixels: Pixels, method: Image.Resampling) -> Pixels:
        source = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(source.transform((side, side), Image.Transform.AFFINE, data, method))

    return warp(image, Image.Resampling.BILINEAR), warp(mask, Image.Resampling.NEAREST)


def resized(image: Pixels, mask: Pixels, side: int) -> tuple[Pixels, Pixels]:
    """Both (N, N) -> (side, side); the image averaged over what a new pixel covers, the mask's values kept."""
    if image.shape[0] == side:
        return image, mask
    small = Image.fromarray(np.ascontiguousarray(image)).resize((side, side), Image.Resampling.BILINEAR)
    labels = Image.fromarray(np.ascontiguousarray(mask)).resize((side, side), Image.Resampling.NEAREST)
    return np.asarray(small), np.asarray(labels)
