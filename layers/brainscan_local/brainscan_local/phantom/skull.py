"""All around the brain: scalp, skull, dura, the base of the skull with the orbits, and the venous sinuses."""

import numpy as np

from brainscan_local.phantom.fields import Field, Points, capsule, ellipsoid, overlap, paint, union
from brainscan_local.phantom.person import DURA_DEPTH_MM, SCALP_MM, Person, Signal, Site


def paint_coverings(image: Field, site: Site) -> None:
    """Draw skin, fat, muscle, the two tables of the skull with the marrow between them, and the dura."""
    depth, patches, side = site.depth, site.patches, site.skull.mirrored()
    paint(image, -depth, Signal.SKIN)
    paint(image, 1.5 - depth, Signal.FAT * (1 + 0.06 * patches))
    muscles = union(
        overlap(ellipsoid(side, (66, -18, -18), (13, 34, 36)), 2.6 - depth),  # temporal
        overlap(ellipsoid(side, (0, 92, -50), (62, 26, 32)), 4 - depth),  # neck
    )
    paint(image, muscles, Signal.MUSCLE + 30 * patches)
    paint(image, SCALP_MM + 0.3 * patches - depth, Signal.BONE)
    marrow_mm = 1.2 + 0.45 * patches
    paint(image, np.abs(depth - (SCALP_MM + 3.2)) - marrow_mm, Signal.MARROW, opacity=0.7)
    paint(image, DURA_DEPTH_MM - 0.4 - depth, site.uptake.dura, opacity=0.8)


def paint_base(image: Field, person: Person, site: Site) -> None:
    """Draw what lies below the brain: the sphenoid and petrous bones, sella and pituitary gland, orbits, air cells."""
    at, side, patches = site.skull, site.skull.mirrored(), site.patches
    inside = SCALP_MM - site.depth
    wing = side.y + 26 + 0.30 * side.x
    paint(image, overlap(wing, side.z + 25, inside), Signal.BONE)
    paint(image, overlap(wing + 5, side.z + 25, 30 - side.x, inside), Signal.MUSCLE + 30 * patches)
    petrous = union(
        capsule(side, (64, 27, -38), (19, 8, -37), 9, 4.5),
        ellipsoid(side, (56, 31, -36), (13, 14, 11)),
    )
    air_cells = np.maximum(patches, 0)
    paint(image, overlap(petrous, inside), Signal.BONE + 80 * air_cells)
    paint(image, overlap(ellipsoid(at, (0, -14, -37), (21, 16, 13)), inside), Signal.BONE)
    paint(image, ellipsoid(at, (0, 0, -40), (10, 6, 12)), Signal.MARROW)
    paint(image, ellipsoid(side, (12, -13, -32), (5, 11, 6)), site.uptake.gland)  # cavernous sinus
    paint(image, ellipsoid(side, (12.5, -12, -32), (2.3, 3.5, 4)), Signal.BONE)  # flow void of the carotid
    paint(image, ellipsoid(at, (0, -13, -31), (6.5, 5.5, 4)), site.uptake.gland)
    _paint_orbits(image, side, site.depth)
    _paint_air(image, person, site)


def _paint_orbits(image: Field, side: Points, depth: Field) -> None:
    orbit = overlap(capsule(side, (31, -62, -34), (16, -31, -30), 14, 4), 2 - depth)
    paint(image, overlap(orbit - 1.6, SCALP_MM - depth), Signal.BONE)
    paint(image, orbit, Signal.FAT)
    for muscle_or_nerve in (
        capsule(side, (20.5, -62, -33), (14, -34, -30), 1.7, 1.2),
        capsule(side, (43, -62, -33), (19, -34, -30), 1.7, 1.2),
        capsule(side, (31, -62, -23), (17, -34, -28), 1.7, 1.2),
        capsule(side, (30, -53, -33), (11, -27, -29), 2.0, 2.0),
    ):
        paint(image, muscle_or_nerve, Signal.SCLERA)
    paint(image, ellipsoid(side, (31, -65, -34), (12.6, 12.6, 12.6)), Signal.SCLERA)
    paint(image, ellipsoid(side, (31, -65, -34), (11.6, 11.6, 11.6)), Signal.VITREOUS)
    paint(image, ellipsoid(side, (31, -74, -34), (4.5, 2.2, 4.5)), Signal.MUSCLE)


def _paint_air(image: Field, person: Person, site: Site) -> None:
    """The ethmoid and sphenoid cells with their bright lining, and the frontal sinus."""
    cells = overlap(ellipsoid(site.skull, (0, -54, -35), (13, 28, 11)), SCALP_MM + 1 - site.depth)
    paint(image, cells - 1, Signal.BONE)
    paint(image, cells, Signal.AIR + 25)
    paint(image, overlap(cells, person.folia.sheet(site.skull) - 0.6), site.uptake.mucosa, opacity=0.8)
    frontal = overlap(ellipsoid(site.skull, (0, -82, -22), (16, 5, 12)), SCALP_MM + 1.5 - site.depth)
    paint(image, frontal, Signal.AIR + 20)


def paint_sinuses(image: Field, site: Site) -> None:
    """Draw the falx between the hemispheres and the veins in its rim, both bright where there is contrast agent."""
    at, side, depth = site.skull, site.brain.mirrored(), site.depth
    dura = (DURA_DEPTH_MM - 0.4) - depth
    callosum = ellipsoid(at, (0, 4, 4), (9, 46, 32))
    falx = overlap(side.x - 0.35, dura, -18 - at.z, -callosum)
    paint(image, falx, site.uptake.dura, opacity=0.8)
    sagittal = overlap(
        side.x - 3.4 + 0.6 * (depth - DURA_DEPTH_MM),
        union(8 - at.z, 40 - at.y),
        depth - (DURA_DEPTH_MM + 5),
        dura,
    )
    paint(image, sagittal, site.uptake.vessel)
    transverse = overlap(capsule(side, (4, 74, -8), (54, 42, -24), 3.0, 3.2), dura)
    paint(image, transverse, site.uptake.vessel)
