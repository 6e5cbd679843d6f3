"""Changes a slice as another scanner, position or patient might, its mask along with it.

Heads are mirrored left to right, which anatomy allows, never top to bottom.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from training.fitting import intensity
from training.fitting.geometry import move, resized
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.occlusion import erase_patch, strip_skull

UNTOUCHED: Final = 0.15
"""Share of slices that keep their geometry, as served ones do."""

Pixels = npt.NDArray[np.uint8]


def augment(
    image: Pixels, mask: Pixels, random: np.random.Generator, settings: Hyperparameters, side: int | None = None
) -> tuple[Pixels, Pixels]:
    """One random variant.

    Args:
        image: (N, N), 0 is background.
        mask: (N, N) of labels; moved with the image, values kept.
        random: where chance comes from; the same state gives the same variant.
        settings: strengths, and the share of slices of each change; at `augment` 0 the slice stays as it is.
        side: of the result, pixels; N if None.
    """
    if settings.augment <= 0:
        return resized(image, mask, side or image.shape[0])
    if random.random() < settings.peeling:
        image = strip_skull(image, mask, random)
    if random.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    if random.random() >= UNTOUCHED:
        image, mask = move(image, mask, random, settings.augment * settings.geometry)
    image, mask = resized(image, mask, side or image.shape[0])
    image = _recolour(image, random, settings)
    if random.random() < settings.erasing:
        image, mask = erase_patch(image, mask, random)
    return np.ascontiguousarray(image), np.ascontiguousarray(mask)


def _recolour(image: Pixels, random: np.random.Generator, settings: Hyperparameters) -> Pixels:
    table = intensity.tone(random, settings.augment)
    if random.random() < settings.inversion:
        image = intensity.look_up(intensity.inverted(), image)
    if random.random() < settings.curves:
        image = intensity.look_up(intensity.curve(random), image)
    image = intensity.look_up(table, image)
    if random.random() < settings.bias_field:
        image = intensity.shade(image, random, settings.augment)
    if random.random() < settings.low_resolution:
        image = intensity.coarsen(image, random)
    return intensity.blur_and_noise(image, random, settings.augment)
