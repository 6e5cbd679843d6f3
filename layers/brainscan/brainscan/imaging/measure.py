"""Size and place of a mask, in pixels and, where the spacing is known, in millimetres."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import label

from brainscan.domain import Measurements
from brainscan.imaging.mask import TOUCHING, Mask, bounding_box

_EDGES = ((-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5))
"""From a pixel's centre to the middle of its four edges, (row, column)."""


def measure(mask: Mask, spacing_mm: tuple[float, float] | None) -> Measurements | None:
    """Measure all that is True in a mask, connected or not.

    The longest diameter is the maximum Feret diameter between the middles of the outer pixels' edges, the
    points that scikit-image's `feret_diameter_max` uses: a lone pixel is 1 pixel long, a row of n is n long.
    In millimetres it is searched anew, because with unequal spacing other points may be the farthest.

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
    outline = _outline(region)
    _, components = label(region, return_num=True, connectivity=TOUCHING)
    return Measurements(
        area_px=area,
        area_mm2=area * spacing_mm[0] * spacing_mm[1] if spacing_mm else None,
        bounding_box=(rows.start, columns.start, rows.stop, columns.stop),
        centroid=_centroid(region, area, (rows.start, columns.start)),
        longest_diameter_px=_farthest(outline),
        longest_diameter_mm=_farthest(outline * np.asarray(spacing_mm)) if spacing_mm else None,
        components=int(components),
    )


def _centroid(region: Mask, area: int, origin: tuple[int, int]) -> tuple[float, float]:
    height, width = region.shape
    return (
        origin[0] + float(np.arange(height) @ region.sum(axis=1)) / area,
        origin[1] + float(np.arange(width) @ region.sum(axis=0)) / area,
    )


def _outline(region: Mask) -> npt.NDArray[np.float64]:
    """(points, 2): edge middles of each row's first and last pixel; the diameter ends at two of them."""
    rows = np.flatnonzero(region.any(axis=1))
    first = region[rows].argmax(axis=1)
    last = region.shape[1] - 1 - region[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
    return np.asarray((ends[:, np.newaxis] + np.asarray(_EDGES)).reshape(-1, 2))


def _farthest(points: npt.NDArray[np.float64]) -> float:
    """The largest distance between two of the points, which lie on their convex hull."""
    return float(pdist(points[ConvexHull(points).vertices]).max())
