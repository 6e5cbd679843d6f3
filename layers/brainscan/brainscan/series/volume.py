"""How much of the patient each slice of a series stands for, and so the volume of what is outlined on them."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.domain import Reason

HOLE: Final = 2.5
"""A distance beyond so many medians is a hole: one slice without an answer is bridged, two are not."""


def widths_mm(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | Reason:
    """What each slice stands for: half the way to either neighbour, whatever gap lies between them.

    The first and the last slice reach as far outwards as inwards. So unequal distances are weighed by what they
    are, and a gap between thin slices counts as if the slice filled it.

    Args:
        positions: (slices,) millimetres along the normal, no two alike, in any order.

    Returns:
        (slices,) millimetres in the same order, NaN beside a hole where a slice is missing; or why there are none:
        `SINGLE_SLICE`.
    """
    if positions.size < 2:
        return Reason.SINGLE_SLICE
    order = positions.argsort()
    distances = np.diff(positions[order])
    distances[distances > HOLE * np.median(distances)] = np.nan
    before = np.concatenate([distances[:1], distances])
    after = np.concatenate([distances, distances[-1:]])
    widths = np.empty_like(positions)
    widths[order] = (before + after) / 2
    return widths


def volume_mm3(areas_mm2: Sequence[float | None], widths: Sequence[float]) -> float | Reason:
    """The volume of an outline given slice by slice.

    Returns:
        Cubic millimetres; or why there is none: `NO_SPACING`, `MISSING_SLICES`.
    """
    if any(area is None for area in areas_mm2):
        return Reason.NO_SPACING
    volume = sum(area * width for area, width in zip(areas_mm2, widths, strict=True) if area)
    return Reason.MISSING_SLICES if math.isnan(volume) else volume
