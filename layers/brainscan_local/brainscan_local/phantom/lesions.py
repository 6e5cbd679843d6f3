"""Lesions that take up contrast agent, each kind where and as it grows in people."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.domain import TumorClass
from brainscan_local.phantom.fields import Field, Points, Vector, Waves, coverage, ellipsoid, overlap, paint, union
from brainscan_local.phantom.person import DURA_DEPTH_MM, Signal, Site


@dataclass(frozen=True, slots=True)
class LesionSpec:
    """What grows, and where: millimetres from the middle of the head to the patient's left, the back, the crown."""

    kind: TumorClass
    center_mm: Vector
    radius_mm: float


GLIOMA: Final = LesionSpec(TumorClass.GLIOMA, (-31.0, 18.0, 26.0), 16.0)
"""In the white matter of the right parietal lobe."""
MENINGIOMA: Final = LesionSpec(TumorClass.MENINGIOMA, (38.0, -24.0, 34.0), 17.0)
"""On the dura over the left frontal lobe."""
PITUITARY: Final = LesionSpec(TumorClass.PITUITARY, (0.0, -13.0, -24.0), 11.0)
"""Out of the sella, towards the optic chiasm."""

_PUSH: Final = {TumorClass.GLIOMA: 0.45, TumorClass.MENINGIOMA: 0.6, TumorClass.PITUITARY: 0.5}
"""How strongly the tissue around gives way."""


class PhantomLesion:
    """One lesion in one head; its irregularities are drawn from the generator.

    Raises:
        ValueError: a lesion of kind `no_tumor`.
    """

    def __init__(self, spec: LesionSpec, rng: np.random.Generator) -> None:
        if spec.kind not in _PUSH:
            raise ValueError(f"there is no lesion of kind {spec.kind}")
        self.spec = spec
        self._lobes = Waves(rng, spec.radius_mm * 1.9)
        self._bumps = Waves(rng, spec.radius_mm * 0.8)
        self._texture = Waves(rng, 5)

    def pushed(self, at: Points) -> Points:
        """Where the tissue at these points was before the lesion grew."""
        return at.pushed_from(self.spec.center_mm, self.spec.radius_mm, _PUSH[self.spec.kind])

    def paint(self, image: Field, site: Site) -> npt.NDArray[np.bool_]:
        """Draw the lesion into `image`.

        Returns:
            Which points are tumor: what takes up contrast agent, and what it encloses.
        """
        draw = {
            TumorClass.GLIOMA: self._paint_glioma,
            TumorClass.MENINGIOMA: self._paint_meningioma,
            TumorClass.PITUITARY: self._paint_pituitary,
        }[self.spec.kind]
        return draw(image, site.scanned, site.depth) < 0

    def _paint_glioma(self, image: Field, at: Points, depth: Field) -> Field:
        """An uneven bright rim around dead tissue, in a dark swelling that follows the white matter."""
        radius = self.spec.radius_mm
        lobes, bumps, texture = self._lobes(at), self._bumps(at), self._texture(at)
        ball = ellipsoid(at, self.spec.center_mm, (radius, radius, radius))
        inside = DURA_DEPTH_MM + 3 - depth
        tumor = overlap(ball + 0.17 * radius * lobes + 0.05 * radius * bumps, inside)
        swelling = overlap(tumor - 0.5 * radius - 0.28 * radius * bumps, inside)
        white_matter = np.clip((image - Signal.GRAY_MATTER) / (Signal.WHITE_MATTER - Signal.GRAY_MATTER), 0.25, 1)
        image -= coverage(swelling, edge_mm=6) * white_matter * 130
        rim = 0.27 * radius + 0.12 * radius * bumps
        paint(image, tumor, 860 + 60 * texture + 50 * lobes)
        paint(image, tumor + np.maximum(rim, 2), 270 + 35 * texture + 25 * lobes)
        return tumor

    def _paint_meningioma(self, image: Field, at: Points, depth: Field) -> Field:
        """An even, smooth mass with a broad base on the dura, a cleft of spinal fluid and a tail along the dura."""
        radius = self.spec.radius_mm
        ball = ellipsoid(at, self.spec.center_mm, (radius, radius, radius))
        inside = DURA_DEPTH_MM - 0.6 - depth
        tumor = overlap(ball + 0.05 * radius * self._lobes(at), inside)
        paint(image, overlap(tumor - 1.6, inside), Signal.SPINAL_FLUID + 60)
        tail = overlap(ball - 0.7 * radius, inside, depth - DURA_DEPTH_MM - 1)
        paint(image, tail, 900, opacity=0.8)
        paint(image, tumor, 880 + 12 * self._texture(at))
        return tumor

    def _paint_pituitary(self, image: Field, at: Points, depth: Field) -> Field:
        """A midline mass in and above the sella, with a waist where the diaphragm holds it."""
        x, y, z = self.spec.center_mm
        radius = self.spec.radius_mm
        above = ellipsoid(at, (x, y, z + 0.45 * radius), (radius, 0.9 * radius, 0.85 * radius))
        below = ellipsoid(at, (x, y - 1, z - 0.65 * radius), (0.95 * radius, 0.85 * radius, 0.75 * radius))
        tumor: Field = union(above, below) + 0.06 * radius * self._lobes(at)
        paint(image, overlap(tumor - 1.3, DURA_DEPTH_MM - depth), Signal.SPINAL_FLUID, opacity=0.6)
        paint(image, tumor, 830 + 25 * self._texture(at) + 25 * self._bumps(at))
        return tumor
