"""How long a region of one slice is, and how wide across its length."""

from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.series.components import Mask

Points = npt.NDArray[np.float64]

_EDGES: Final = np.array([(-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5)])
"""From a pixel's centre to the middles of its edges, (row, column): a lone pixel is one pixel long."""


def diameters(region: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
    """The longest diameter of a region, and its width at a right angle to it.

    The longest is the maximum Feret diameter, as `imaging.measure` has it; the width is that between two lines along
    it (the Feret diameter at 90 degrees).

    Args:
        region: (rows, columns), not empty.
        spacing: Between (rows, columns); millimetres give millimetres.
    """
    hull = _hull(_outline(region) * np.asarray(spacing))
    between = hull[:, np.newaxis] - hull
    lengths = np.hypot(between[..., 0], between[..., 1])
    along = between.reshape(-1, 2)[int(lengths.argmax())] / lengths.max()
    across = hull @ np.array([-along[1], along[0]])
    return float(lengths.max()), float(np.ptp(across))


def _outline(region: Mask) -> Points:
    """(points, 2): edge middles of the first and the last pixel of each row."""
    rows = np.flatnonzero(region.any(axis=1))
    first = region[rows].argmax(axis=1)
    last = region.shape[1] - 1 - region[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
    return np.asarray((ends[:, np.newaxis] + _EDGES).reshape(-1, 2), np.float64)


def _hull(points: Points) -> Points:
    """The corners of the convex hull (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0).tolist()
    return np.array(_chain(ordered)[:-1] + _chain(ordered[::-1])[:-1])


def _chain(ordered: list[list[float]]) -> list[list[float]]:
    chain: list[list[float]] = []
    for point in ordered:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(origin: list[float], by: list[float], to: list[float]) -> float:
    """Above 0 where the way from `origin` by `by` to `to` bends to the left."""
    return (by[0] - origin[0]) * (to[1] - origin[1]) - (by[1] - origin[1]) * (to[0] - origin[0])
