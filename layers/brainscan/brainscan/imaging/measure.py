"""Size and place of a mask, in pixels and, where the spacing is known, in millimetres."""

import numpy as np

from brainscan.domain import Measurements
from brainscan.imaging.mask import bounding_box
from brainscan.series.components import Mask, connected_regions
from brainscan.series.diameters import diameters


def measure(mask: Mask, spacing_mm: tuple[float, float] | None) -> Measurements | None:
    """Measure all that is True in a mask, connected or not.

    The longest diameter is the maximum Feret diameter, as `series.diameters` has it: a lone pixel is 1 pixel long, a
    row of n is n long. In millimetres it is searched anew: with unequal spacing other points may be the farthest.

    Args:
        mask: (rows, columns).
        spacing_mm: (row, column) spacing.

    Returns:
        None for an empty mask. Pixel positions count from the centre of the first pixel.
    """
    box = bounding_box(mask)
    if box is None:
        return None
    rows, columns = box
    region = mask[box]
    area = int(np.count_nonzero(region))
    _, components = connected_regions([region], [False])
    return Measurements(
        area_px=area,
        area_mm2=area * spacing_mm[0] * spacing_mm[1] if spacing_mm else None,
        bounding_box=(rows.start, columns.start, rows.stop, columns.stop),
        centroid=_centroid(region, area, (rows.start, columns.start)),
        longest_diameter_px=diameters(region)[0],
        longest_diameter_mm=diameters(region, spacing_mm)[0] if spacing_mm else None,
        components=components,
    )


def _centroid(region: Mask, area: int, origin: tuple[int, int]) -> tuple[float, float]:
    height, width = region.shape
    return (
        origin[0] + float(np.arange(height) @ region.sum(axis=1)) / area,
        origin[1] + float(np.arange(width) @ region.sum(axis=0)) / area,
    )
