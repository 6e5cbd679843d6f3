"""The brain: hemispheres with their folds, ventricles, deep gray matter, brain stem and cerebellum."""

from typing import Final

import numpy as np

from brainscan_local.phantom.fields import Field, Points, capsule, ellipsoid, overlap, paint, union
from brainscan_local.phantom.person import DURA_DEPTH_MM, Person, Signal, Site

CORTEX_MM: Final = 2.9
SULCUS_DEPTH_MM: Final = 11.0
"""How deep a sulcus goes before it narrows."""
_SHELL_MM: Final = 58.0
"""Radius at which the folds are laid out; from there they run inwards."""


def paint_brain(image: Field, person: Person, site: Site) -> None:
    """Draw all nervous tissue and the spinal fluid in and around it."""
    _paint_hemispheres(image, person, site)
    _paint_deep_gray_matter(image, site)
    _paint_ventricles(image, person, site)
    _paint_cerebellum(image, person, site)
    _paint_stem(image, site)


def _paint_hemispheres(image: Field, person: Person, site: Site) -> None:
    patches = site.patches
    skull = (DURA_DEPTH_MM + 0.6) - site.depth
    brain = site.depth - (DURA_DEPTH_MM + 2.0 + 0.6 * patches)
    surface = union(brain, _fissures(site))
    shell, scale = site.brain.on_shell(_SHELL_MM, tilt=0.35)
    sulcus = person.gyri.sheet(shell) / scale + 0.5 * np.maximum(surface - SULCUS_DEPTH_MM - 3 * patches, 0)
    paint(image, skull, Signal.SPINAL_FLUID)
    paint(image, -brain, Signal.WHITE_MATTER)
    paint(image, overlap(union(surface, sulcus) - CORTEX_MM, -brain), Signal.GRAY_MATTER)
    gap = person.sulcus_mm + 0.6 * np.clip(1 - surface / 7, 0, 1)
    paint(image, overlap(union(surface, sulcus - gap), skull), Signal.SPINAL_FLUID)
    veins = overlap(sulcus - 1, 1.6 - 2 * patches, surface - 8, skull)
    paint(image, veins, site.uptake.vessel, opacity=0.7)


def _fissures(site: Site) -> Field:
    """Distance to the walls of the clefts between and within the hemispheres."""
    side, wavy = site.brain.mirrored(), 1.3 * site.patches
    # Between the hemispheres, except where the corpus callosum joins them.
    joined = ellipsoid(side, (0, 3, 0), (30, 45, 30))
    midline = side.x - 0.9 + np.maximum(-joined, 0)
    # The Sylvian fissure: in from the side, then along the insula.
    return union(
        midline,
        overlap(np.abs(side.x - 37 - 0.006 * side.y**2 + wavy) - 1, ellipsoid(side, (38, 2, 2), (9, 18, 12))),
        overlap(
            np.abs(side.y + 12 + wavy + 0.35 * (side.x - 45)) - 1,
            ellipsoid(side, (53, -12, 0), (19, 9, 12)),
        ),
    )


def _paint_deep_gray_matter(image: Field, site: Site) -> None:
    side = site.brain.mirrored()
    lentiform = Points(side.x - 0.28 * (side.y + 4), side.y, side.z)
    thalamus = Points(side.x - 0.3 * (side.y - 10), side.y, side.z)
    for shape in (
        ellipsoid(side, (13.5, -20, 11), (5.5, 10, 9)),  # head of the caudate nucleus
        ellipsoid(lentiform, (25, -1, 4), (6.0, 15, 9)),
        ellipsoid(thalamus, (10.5, 9, 7), (7.5, 12, 9)),
    ):
        paint(image, shape + 0.7 * site.patches, Signal.DEEP_GRAY_MATTER)


def _paint_ventricles(image: Field, person: Person, site: Site) -> None:
    side = site.brain.mirrored()
    lateral = union(
        capsule(side, (13.5, -36, 6), (6.0, -17, 12), 1.5, 4.2),
        capsule(side, (11, -31, 15), (7.0, -8, 21), 1.5, 4.0),
        capsule(side, (7.0, -8, 21), (13, 13, 23), 4.0, 4.6),
        capsule(side, (13, 13, 23), (25, 31, 8), 4.6, 5.6),
        capsule(side, (25, 31, 8), (22, 53, 3), 5.2, 1.2),
        capsule(side, (26, 27, 3), (34, -2, -20), 3.4, 1.4),
    )
    septum = 0.7 - side.x
    paint(image, overlap(lateral - person.ventricle_mm, septum), Signal.SPINAL_FLUID)
    third = overlap(side.x - (1.7 + person.ventricle_mm / 2), ellipsoid(side, (0, 1, 0), (5, 13, 11)))
    paint(image, third, Signal.SPINAL_FLUID)
    choroid_plexus = union(
        ellipsoid(side, (23.5, 30, 9), (2.4, 5, 4)), capsule(side, (4, -6, 16), (12, 14, 21), 0.9, 1.2)
    )
    paint(image, choroid_plexus, site.uptake.vessel, opacity=0.7)
    veins = union(
        capsule(side, (1.5, -8, 12), (1.5, 18, 14), 0.9, 1.0),
        capsule(side, (0, 20, 13), (0, 30, 8), 2.0, 2.0),
        capsule(side, (0, 30, 8), (0, 72, -4), 1.7, 2.4),
    )
    paint(image, veins, site.uptake.vessel)


def _paint_cerebellum(image: Field, person: Person, site: Site) -> None:
    at, side = site.brain, site.brain.mirrored()
    skull = (DURA_DEPTH_MM + 1.5) - site.depth
    cerebellum = overlap(ellipsoid(at, (0, 47, -36), (50, 34, 27)), skull + 1)
    paint(image, overlap(cerebellum - 1.5, skull), site.uptake.dura)
    paint(image, overlap(cerebellum - 0.8, skull), Signal.SPINAL_FLUID)
    paint(image, cerebellum, Signal.WHITE_MATTER - 20)
    core = ellipsoid(side, (17, 42, -36), (17, 12, 14)) + 2 * site.patches
    folia = person.folia.sheet(Points(at.x * 0.45, at.y, at.z))
    cortex = overlap(cerebellum, -core)
    paint(image, overlap(cortex, folia - 1), Signal.GRAY_MATTER)
    paint(image, overlap(cortex, folia - 0.1), Signal.SPINAL_FLUID, opacity=0.45)


def _paint_stem(image: Field, site: Site) -> None:
    at, side = site.brain, site.brain.mirrored()
    skull = (DURA_DEPTH_MM + 1.5) - site.depth
    stem = union(
        ellipsoid(side, (7.5, 8, -17), (9.0, 10, 11)),  # cerebral peduncles
        ellipsoid(at, (0, 14, -17), (13, 11, 12)),
        ellipsoid(at, (0, 11, -34), (16, 13, 15)),  # pons
    )
    cisterns = union(
        stem - 1.6 - 0.7 * site.patches,
        ellipsoid(at, (0, 26, -8), (9, 7, 6)),
        ellipsoid(at, (0, -9, -21), (12, 11, 8)),
        capsule(side, (0, -8, -20), (30, -14, -16), 4, 1.5),
    )
    paint(image, overlap(cisterns, skull), Signal.SPINAL_FLUID)
    paint(image, stem, Signal.WHITE_MATTER - 30 + 10 * site.patches)
    fourth_ventricle = union(ellipsoid(at, (0, 28, -33), (8, 5, 9)), ellipsoid(at, (0, 23.5, -15), (1.3, 1.3, 9)))
    paint(image, fourth_ventricle, Signal.SPINAL_FLUID)
    arteries = union(
        capsule(at, (0, -4, -36), (0, -5, -20), 1.5, 1.4),
        capsule(side, (9, -13, -22), (36, -12, -8), 1.5, 1.0),
        capsule(side, (1, -5, -20), (17, 14, -16), 1.1, 0.9),
        capsule(side, (8, -14, -21), (1.5, -30, -12), 1.2, 1.0),
    )
    paint(image, arteries, site.uptake.vessel, opacity=0.8)
