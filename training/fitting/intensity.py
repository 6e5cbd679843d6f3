"""Changes what a slice's gray means, as another scanner or sequence might; where the tumor is stays."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

HEAD: Final = 8
"""Gray from which on a pixel belongs to the head; what is darker is background and stays black."""
GAMMA: Final = 0.35
"""Largest change of the exponent, in natural logarithm."""
CONTRAST: Final = 0.2
BRIGHTNESS: Final = 0.1
NOISE: Final = 0.04
"""Largest standard deviation, as a share of the intensity range."""
BLUR_PX: Final = 1.2
BLURRED: Final = 0.3
NOISY: Final = 0.5
"""Shares of slices."""
BIAS: Final = 0.35
"""Largest change by a field of brightness, in natural logarithm."""
BIAS_GRID: Final = 3
RESOLUTION: Final = (0.4, 0.9)
"""What is left of it, as a share, along one axis or both."""
RISING: Final = 0.6
"""Share of the curves that keep the order of grays; the others are any."""

Pixels = npt.NDArray[np.uint8]
Table = npt.NDArray[np.float32]
"""(256,): the new gray, 0..1, of each old one."""


def tone(random: np.random.Generator, strength: float) -> Table:
    """Another exponent, contrast and brightness."""
    gamma, contrast, brightness = random.uniform(-1, 1, 3) * strength
    grays = np.linspace(0, 1, 256, dtype=np.float32) ** np.float32(np.exp(gamma * GAMMA))
    grays = grays * np.float32(1 + contrast * CONTRAST)
    grays[HEAD + 1 :] += np.float32(brightness * BRIGHTNESS)
    return grays


def curve(random: np.random.Generator) -> Table:
    """Piecewise linear from gray to gray through 2 to 4 random points: what makes T1, T2 and FLAIR one thing."""
    inner = int(random.integers(2, 5))
    at = np.concatenate([[HEAD], np.sort(random.uniform(HEAD, 255, inner)), [255]])
    grays = random.uniform(0.04, 1, inner + 2)
    if random.random() < RISING:
        grays = np.sort(grays)
    table = np.interp(np.arange(256), at, grays)
    table[: HEAD + 1] = np.arange(HEAD + 1) / 255
    return table.astype(np.float32)


def inverted() -> Table:
    """Bright for dark inside the head."""
    table = np.linspace(0, 1, 256, dtype=np.float32)
    table[HEAD + 1 :] = (table[HEAD + 1 :] * -1 + 1 + HEAD / 255) * np.float32(0.95)
    return table


def look_up(table: Table, image: Pixels) -> Pixels:
    """The image through a table."""
    changed: Pixels = (np.clip(table, 0, 1) * 255).round().astype(np.uint8)[image]
    return changed


def shade(image: Pixels, random: np.random.Generator, strength: float) -> Pixels:
    """Under a smooth field of brightness, as near a coil."""
    coarse = random.uniform(-BIAS, BIAS, (BIAS_GRID, BIAS_GRID)).astype(np.float32) * np.float32(strength)
    side = (image.shape[1], image.shape[0])
    field = np.asarray(Image.fromarray(coarse).resize(side, Image.Resampling.BICUBIC))
    return np.clip(image * np.exp(field), 0, 255).astype(np.uint8)


def coarsen(image: Pixels, random: np.random.Generator) -> Pixels:
    """As if acquired with fewer pixels along one axis or both."""
    rows, columns = image.shape
    left = random.uniform(*RESOLUTION, 2)
    axes = int(random.integers(3))
    small = (
        max(8, round(columns * left[0])) if axes != 1 else columns,
        max(8, round(rows * left[1])) if axes != 0 else rows,
    )
    source = Image.fromarray(np.ascontiguousarray(image)).resize(small, Image.Resampling.BILINEAR)
    return np.asarray(source.resize((columns, rows), Image.Resampling.BILINEAR))


def blur_and_noise(image: Pixels, random: np.random.Generator, strength: float) -> Pixels:
    """Sometimes softer, sometimes noisy."""
    blur, noise = random.uniform(0, 1, 2) * strength
    if random.random() < BLURRED:
        source = Image.fromarray(np.ascontiguousarray(image))
        image = np.asarray(source.filter(ImageFilter.GaussianBlur(float(blur) * BLUR_PX)))
    if random.random() < NOISY:
        grain = random.standard_normal(image.shape, np.float32) * np.float32(255 * noise * NOISE)
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    return image
