"""Where the slices of a series lie in the patient (PS3.3 C.7.6.2.1.1), and their order along the common normal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

SAME_POSITION_MM: Final = 0.01
"""Positions closer than this are one place: another echo, phase or time, not another slice."""

PARALLEL: Final = math.cos(math.radians(1))
"""Slices whose normals are within a degree are parallel; scanners write directions with few digits."""

PLAUSIBLE_MM: Final = (0.01, 100.0)
"""Distances of pixels in pictures of a patient; others are written by mistake, and nothing is measured by them."""

OBLONG: Final = 20.0
"""Pixels that many times as long as wide, or as wide as long, are a mistake in the header."""

Vector = npt.NDArray[np.float64]


def plausible_spacing(stated: Sequence[float] | None) -> tuple[float, float] | None:
    """Millimetres between (rows, columns), if they are such as pictures of a patient have."""
    if stated is None or len(stated) != 2 or not all(PLAUSIBLE_MM[0] <= each <= PLAUSIBLE_MM[1] for each in stated):
        return None
    return stated[0], stated[1]


def plausible_aspect(height: float, width: float) -> float | None:
    """A pixel's height over its width, both in one unit, whatever it is; None if no picture of a patient has such."""
    aspect = height / width if width else 0.0
    return aspect if 1 / OBLONG <= aspect <= OBLONG else None


@dataclass(frozen=True)
class Plane:
    """One slice in the patient's coordinates (LPS).

    `position_mm` (3,) is the centre of its first pixel; `orientation` (6,) the directions of its rows and columns.
    """

    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    frame_of_reference: str

    @property
    def normal(self) -> Vector:
        """Unit vector (3,) across the slice."""
        across = np.cross(self.orientation[:3], self.orientation[3:])
        return np.asarray(across / np.linalg.norm(across), np.float64)

    def parallel_to(self, other: "Plane") -> bool:
        """Whether both can be slices of one stack: one frame of reference, and normals within a degree."""
        same_frame = self.frame_of_reference == other.frame_of_reference
        return same_frame and abs(float(self.normal @ other.normal)) >= PARALLEL


def positions_mm(planes: Sequence[Plane]) -> npt.NDArray[np.float64]:
    """Where parallel slices lie along their common normal, from the first one; oblique ones as well.

    Returns:
        (slices,) millimetres, in the order given.
    """
    places = np.array([plane.position_mm for plane in planes]) @ planes[0].normal
    return np.asarray(places - places.min(), np.float64)
