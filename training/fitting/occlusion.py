"""Takes a part of a slice away: a patch, or all that is outside the brain."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from training.datasets.prepared import UNKNOWN
from training.fitting.intensity import HEAD

PATCH: Final = (0.1, 0.3)
"""Sides of an erased patch, as shares of the slice's."""
BRAIN_SHARE: Final = (0.35, 0.88)
"""Of the head's pixels, those of a brain that is believed: less is no brain, more had no skull."""
OPENING: Final = (0.02, 0.04)
"""Radius of the opening that parts brain from skull, as a share of the side."""
DARKER: Final = (0.35, 0.6)
"""Threshold between brain and bone, as a share of the head's median gray."""
KEPT_TUMOR: Final = 0.98
"""Share of the drawn tumor that a peeled slice must keep."""

Pixels = npt.NDArray[np.uint8]


def erase_patch(image: Pixels, mask: Pixels, random: np.random.Generator) -> tuple[Pixels, Pixels]:
    """A patch becomes one gray; what was there is unknown, unless it was known to be no tumor."""
    side = image.shape[0]
    height, width = (random.uniform(*PATCH, 2) * side).astype(int)
    top, left = random.integers(0, side - height), random.integers(0, side - width)
    patch = np.s_[top : top + height, left : left + width]
    image, mask = image.copy(), mask.copy()
    image[patch] = random.integers(0, 256)
    if (mask == 1).any():
        mask[patch] = UNKNOWN
    return image, mask


def strip_skull(image: Pixels, mask: Pixels, random: np.random.Generator) -> Pixels:
    """The slice without skull, as brain extraction leaves it; unchanged where no brain is found within a skull.

    Scalp and brain are bright, the bone between them dark: what an opening cuts from the largest part goes.
    """
    head = image > HEAD
    if not head.any():
        return image
    bright = image > np.median(image[head]) * random.uniform(*DARKER)
    radius = max(1, round(random.uniform(*OPENING) * image.shape[0]))
    parted = ndimage.distance_transform_edt(bright) > radius
    labels, count = ndimage.label(parted)
    if count == 0:
        return image
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    core = labels == int(sizes.argmax())
    brain = ndimage.binary_fill_holes(ndimage.distance_transform_edt(~core) <= radius + 1)
    filled = ndimage.binary_fill_holes(head)
    share = brain.sum() / filled.sum()
    tumor = mask == 1
    if not BRAIN_SHARE[0] <= share <= BRAIN_SHARE[1] or (brain & tumor).sum() < KEPT_TUMOR * tumor.sum():
        return image
    return np.where(brain, image, 0).astype(np.uint8)
