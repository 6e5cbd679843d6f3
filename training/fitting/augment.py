"""Changes a slice as another scanner, position or patient might, its mask along with it.

Heads are mirrored left to right, which anatomy allows, never top to bottom.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

ROTATION_DEG: Final = 20.0
SCALE: Final = 0.18
"""Largest growth or shrinkage, as a share."""
ASPECT: Final = 0.08
SHIFT: Final = 0.07
"""Largest displacement, as a share of the side."""
GAMMA: Final = 0.35
"""Largest change of the exponent, in natural logarithm."""
CONTRAST: Final = 0.2
BRIGHTNESS: Final = 0.1
NOISE: Final = 0.04
"""Largest standard deviation, as a share of the intensity range."""
BLUR_PX: Final = 1.2
UNTOUCHED: Final = 0.15
"""Share of slices that keep their geometry, as served ones do."""

Pixels = npt.NDArray[np.uint8]


def augment(image: Pixels, mask: Pixels, random: np.random.Generator, strength: float = 1.0) -> tuple[Pixels, Pixels]:
    """One random variant.

    Args:
        image: (N, N), 0 is background.
        mask: (N, N) of labels; moved with the image, values kept.
        random: where chance comes from; the same state gives the same variant.
        strength: 0..1, scales every range; 0 returns the inputs.
    """
    if strength <= 0:
        return image, mask
    if random.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    if random.random() >= UNTOUCHED:
        image, mask = _move(image, mask, random, strength)
    return _recolour(image, random, strength), np.ascontiguousarray(mask)


def _move(image: Pixels, mask: Pixels, random: np.random.Generator, strength: float) -> tuple[Pixels, Pixels]:
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


def _recolour(image: Pixels, random: np.random.Generator, strength: float) -> Pixels:
    gamma, contrast, brightness = random.uniform(-1, 1, 3) * strength
    noise, blur = random.uniform(0, 1, 2) * strength
    if random.random() < 0.3:
        source = Image.fromarray(np.ascontiguousarray(image))
        image = np.asarray(source.filter(ImageFilter.GaussianBlur(float(blur) * BLUR_PX)))
    values = (image.astype(np.float32) / 255) ** np.float32(np.exp(gamma * GAMMA))
    values = values * (1 + contrast * CONTRAST) + brightness * BRIGHTNESS * (image > 8)  # background stays black
    if random.random() < 0.5:
        values += random.standard_normal(image.shape, np.float32) * np.float32(noise * NOISE)
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)
