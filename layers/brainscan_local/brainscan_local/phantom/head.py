"""A head phantom: a person and a lesion, seen by an imperfect scanner."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from brainscan_local.phantom.brain import paint_brain
from brainscan_local.phantom.fields import Field, Points, Waves
from brainscan_local.phantom.lesions import LesionSpec, PhantomLesion
from brainscan_local.phantom.person import ENHANCED, PLAIN, Person, Uptake
from brainscan_local.phantom.skull import paint_base, paint_coverings, paint_sinuses

FIELD_OF_VIEW_MM: Final = 230.0
LOWEST_SLICE_MM: Final = -32.0
"""Through the orbits and the pituitary gland; zero is the middle of the head."""
HIGHEST_SLICE_MM: Final = 62.0
BRIGHTEST: Final = 4095
NOISE: Final = 11.0
"""Standard deviation in each channel of the receiver; white matter is near 500."""


@dataclass(frozen=True, slots=True)
class Phantom:
    """A scanned head.

    `volume` uint16 (slices, rows, columns) from the bottom up; rows to the back, columns to the patient's left.
    `contrast` whether agent was given. `lesion` boolean of the same shape, the truth. `spacing_mm` (slice, row,
    column). `bottom_mm` height of slice 0.
    """

    spec: LesionSpec | None
    contrast: bool
    volume: npt.NDArray[np.uint16]
    lesion: npt.NDArray[np.bool_]
    spacing_mm: tuple[float, float, float]
    bottom_mm: float


def head(seed: int, lesion: LesionSpec | None, size: int = 256, slices: int = 12, contrast: bool = True) -> Phantom:
    """Make a head and scan it, axially, T1-weighted.

    Args:
        seed: whose head it is; the same seed gives the same bytes.
        lesion: what grows in it, or None for a healthy one.
        size: rows and columns of each slice.
        slices: evenly spread from the orbits to the crown; at least two.
        contrast: whether the patient was given contrast agent; healthy people who are scanned usually are not.
    """
    rng = np.random.default_rng(seed)
    person = Person(rng)
    mass = PhantomLesion(lesion, rng) if lesion is not None else None
    texture, coil = Waves(rng, 6), Waves(rng, 320, 8)
    pixel_mm = FIELD_OF_VIEW_MM / size
    heights = np.linspace(LOWEST_SLICE_MM, HIGHEST_SLICE_MM, slices)
    volume = np.zeros((slices, size, size), np.uint16)
    truth = np.zeros(volume.shape, np.bool_)
    for index, z in enumerate(heights):
        plane = Points.slice(size, pixel_mm, float(z))
        inside = person.depth(plane) > -pixel_mm
        at = plane.within(inside)
        signal = np.zeros(plane.x.shape, np.float32)
        signal[inside], truth[index][inside] = _tissue(person, mass, at, ENHANCED if contrast else PLAIN)
        signal[inside] *= 1 + 0.02 * texture(at)
        volume[index] = _received(signal, plane, coil, rng)
    spacing_mm = (float(heights[1] - heights[0]), pixel_mm, pixel_mm)
    return Phantom(lesion, contrast, volume, truth, spacing_mm, LOWEST_SLICE_MM)


def _tissue(
    person: Person, mass: PhantomLesion | None, at: Points, uptake: Uptake
) -> tuple[Field, npt.NDArray[np.bool_]]:
    """What is at each point: the signal it gives, and whether it is tumor."""
    site = person.site(uptake, at, healthy=mass.pushed(at) if mass else at)
    image = np.zeros_like(at.x)
    paint_coverings(image, site)
    paint_brain(image, person, site)
    paint_base(image, person, site)
    paint_sinuses(image, site)
    return image, mass.paint(image, site) if mass else np.zeros(at.x.shape, np.bool_)


def _received(signal: Field, at: Points, coil: Waves, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """What the scanner makes of it: blur, uneven sensitivity of the coil, noise in both channels."""
    nearness = (at.x**2 + at.y**2) / (100**2)
    sensitivity = 0.9 + 0.14 * nearness + 0.05 * coil(at)
    blurred = gaussian_filter(signal, 0.55) * sensitivity
    real, imaginary = rng.normal(0, NOISE, (2, *signal.shape)).astype(np.float32)
    received: npt.NDArray[np.uint16] = np.clip(np.hypot(blurred + real, imaginary), 0, BRIGHTEST).astype(np.uint16)
    return received
