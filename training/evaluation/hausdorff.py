"""How far apart the edges of two masks are."""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, distance_transform_edt


def hausdorff_95_px(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float | None:
    """95th percentile of the distances between two masks' edges, both ways, in pixels; None if one is empty.

    Args:
        first: (rows, columns).
        second: of the same shape.
    """
    if not first.any() or not second.any():
        return None
    either = first | second
    rows, columns = np.flatnonzero(either.any(axis=1)), np.flatnonzero(either.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    edges = [np.pad(mask[box], 1) ^ binary_erosion(np.pad(mask[box], 1)) for mask in (first, second)]
    distances = np.concatenate(
        [distance_transform_edt(~edges[1])[edges[0]], distance_transform_edt(~edges[0])[edges[1]]]
    )
    return float(np.percentile(distances, 95))
