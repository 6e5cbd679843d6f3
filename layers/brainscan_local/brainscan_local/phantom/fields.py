"""Shapes and random fields in millimetres, the phantom's geometric vocabulary.

A shape is a signed distance at each of some points, negative inside. Points are (x, y, z), three arrays of one shape:
x grows to the patient's left, y to the back, z to the crown, as in DICOM; the origin is the middle of the head.
"""

import math
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Points:
    """Where some pixels of a slice are in the head."""

    x: Field
    y: Field
    z: Field

    @classmethod
    def slice(cls, size: int, pixel_mm: float, z: float) -> Self:
        """The centres of the size x size pixels of an axial slice."""
        ticks = ((np.arange(size) - (size - 1) / 2) * pixel_mm).astype(np.float32)
        x, y = np.meshgrid(ticks, ticks)
        return cls(x, y, np.full_like(x, z))

    def within(self, chosen: npt.NDArray[np.bool_]) -> "Points":
        """The chosen ones, in a row."""
        return Points(self.x[chosen], self.y[chosen], self.z[chosen])

    def mirrored(self) -> "Points":
        """Both halves of the head on the left one, for what comes in pairs."""
        return Points(np.abs(self.x), self.y, self.z)

    def on_shell(self, radius: float, tilt: float) -> tuple["Points", Field]:
        """The points moved along their radius to a sphere, up to a share `tilt` of the way that is left; the scale.

        A field that is read there changes around the head rather than into it.
        """
        distance = np.sqrt(self.x**2 + self.y**2 + self.z**2) + 1e-3
        scale = (radius + tilt * (distance - radius)) / distance
        return Points(self.x * scale, self.y * scale, self.z * scale), scale

    def pushed_from(self, center: Vector, radius: float, strength: float) -> "Points":
        """Where the tissue at these points was before a mass grew at `center` and pushed it aside."""
        x, y, z = self.x - center[0], self.y - center[1], self.z - center[2]
        kept = 1 - strength * np.exp((x**2 + y**2 + z**2) / -((1.8 * radius) ** 2))
        return Points(center[0] + x * kept, center[1] + y * kept, center[2] + z * kept)


class Waves:
    """A smooth random field of one scale: plane waves of like length in all directions, mean 0, deviation 1."""

    def __init__(self, rng: np.random.Generator, length_mm: float, count: int = 20) -> None:
        directions = rng.normal(size=(3, count))
        directions /= np.linalg.norm(directions, axis=0)
        lengths = length_mm * rng.uniform(0.75, 1.35, count)
        self._vectors = (2 * np.pi * directions / lengths).astype(np.float32)
        self._phases = rng.uniform(0, 2 * np.pi, count).astype(np.float32)

    def __call__(self, at: Points) -> Field:
        """The field's values."""
        value: Field = np.cos(self._angles(at)).sum(axis=-1) * math.sqrt(2 / len(self._phases))
        return value

    def sheet(self, at: Points) -> Field:
        """Distance in millimetres, to first order, from the folded surface where the field is zero."""
        angles = self._angles(at)
        slope = np.einsum("...w,aw->...a", np.sin(angles), self._vectors)
        distance: Field = np.abs(np.cos(angles).sum(axis=-1)) / (np.linalg.norm(slope, axis=-1) + 1e-3)
        return distance

    def _angles(self, at: Points) -> Field:
        """(..., waves)"""
        x, y, z = self._vectors
        # Not as a matrix product: on so narrow matrices the threads of BLAS cost more than they bring.
        angles: Field = at.x[..., None] * x + at.y[..., None] * y + at.z[..., None] * z + self._phases
        return angles


def ellipsoid(at: Points, center: Vector, radii: Vector) -> Field:
    """Signed distance from an ellipsoid along the axes: exact on its surface, close to it nearby."""
    x, y, z = (at.x - center[0]) / radii[0], (at.y - center[1]) / radii[1], (at.z - center[2]) / radii[2]
    scaled = np.sqrt(x**2 + y**2 + z**2)
    slope = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2)
    distance: Field = np.where(slope > 1e-6, scaled * (scaled - 1) / (slope + (1e-9)), -min(radii))
    return distance


def capsule(at: Points, start: Vector, end: Vector, start_radius: float, end_radius: float) -> Field:
    """Signed distance from a stick with round ends, whose radius changes along it."""
    dx, dy, dz = end[0] - start[0], end[1] - start[1], end[2] - start[2]
    x, y, z = at.x - start[0], at.y - start[1], at.z - start[2]
    along = np.clip((x * dx + y * dy + z * dz) / (dx**2 + dy**2 + dz**2), 0, 1)
    across = np.sqrt((x - along * dx) ** 2 + (y - along * dy) ** 2 + (z - along * dz) ** 2)
    distance: Field = across - (start_radius + along * (end_radius - start_radius))
    return distance


def union(*shapes: Field) -> Field:
    """What is in any of the shapes."""
    return reduce(np.minimum, shapes)


def overlap(*shapes: Field) -> Field:
    """What is in all of the shapes."""
    return reduce(np.maximum, shapes)


def coverage(shape: Field, edge_mm: float = 1.0) -> Field:
    """Share of each pixel that a shape covers, 0 to 1, with an edge as soft as a pixel is wide."""
    share: Field = np.clip(0.5 - shape / edge_mm, 0, 1)
    return share


def paint(image: Field, shape: Field, signal: Field | float, opacity: float = 1.0) -> None:
    """Give what lies in a shape a signal, in place, blending where it covers a pixel in part."""
    share = coverage(shape) * opacity
    image += share * (signal - image)
