"""One person's head, as far as people differ, and the places in it that a slice shows."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from brainscan_local.phantom.fields import Field, Points, Waves, ellipsoid


class Signal(IntEnum):
    """Brightness of tissues in a T1-weighted image, in 12 bits, of those that take up no contrast agent."""

    AIR = 0
    BONE = 70
    SPINAL_FLUID = 110
    VITREOUS = 130
    GRAY_MATTER = 385
    DEEP_GRAY_MATTER = 430
    MUSCLE = 430
    WHITE_MATTER = 505
    SCLERA = 620
    SKIN = 700
    MARROW = 640
    FAT = 1200


@dataclass(frozen=True, slots=True)
class Uptake:
    """Brightness of the tissues that contrast agent reaches."""

    dura: int
    mucosa: int
    gland: int
    vessel: int


PLAIN: Final = Uptake(dura=180, mucosa=470, gland=470, vessel=150)
ENHANCED: Final = Uptake(dura=620, mucosa=760, gland=800, vessel=930)

SCALP_MM: Final = 5.2
DURA_DEPTH_MM: Final = 11.8
"""From the skin to the inner face of the skull."""


@dataclass(frozen=True, slots=True)
class Site:
    """Points of a slice inside the head, and what is known of each.

    `uptake` says whether contrast agent was given; `scanned` are the points themselves, `skull` and `brain` where they
    would be in a straight and healthy head; `depth` is in millimetres below the skin; `patches` is a random field of a
    centimetre's scale.
    """

    uptake: Uptake
    scanned: Points
    skull: Points
    brain: Points
    depth: Field
    patches: Field


class Person:
    """What is drawn once per head."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._half_axes = (float(rng.uniform(70, 75)), float(rng.uniform(88, 94)), float(rng.uniform(85, 90)))
        self._shape = Waves(rng, 75)
        self._bend = tuple(Waves(rng, 95, 8) for _ in range(3))
        self._patches = Waves(rng, 14)
        self.gyri = Waves(rng, 19, 28)
        self.folia = Waves(rng, 8)
        self.ventricle_mm = float(rng.uniform(-0.5, 1.0))
        self.sulcus_mm = float(rng.uniform(0.35, 0.6))

    def depth(self, at: Points) -> Field:
        """Millimetres below the skin; negative outside the head."""
        behind: Field = np.tanh(at.y / 50)
        # Heads are wider behind than in front.
        egg = Points(at.x / (1 + 0.10 * behind), at.y, at.z)
        return 0.9 * self._shape(at) - ellipsoid(egg, (0, 0, 0), self._half_axes)

    def site(self, uptake: Uptake, scanned: Points, healthy: Points) -> Site:
        """Look around at points of a slice; `healthy` is where their tissue was before any mass."""
        return Site(
            uptake,
            scanned,
            self._straight(scanned),
            self._straight(healthy),
            self.depth(scanned),
            self._patches(healthy),
        )

    def _straight(self, at: Points) -> Points:
        """The points in a straight head: nobody is quite symmetric."""
        x, y, z = (1.2 * wave(at) for wave in self._bend)
        return Points(at.x + x, at.y + y, at.z + z)
