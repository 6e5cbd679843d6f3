"""Masks of a series -> one NIfTI label volume on the grid of its slices, for viewers that cannot read DICOM SEG."""

import gzip
from collections.abc import Mapping, Sequence
from typing import Any, Final

import nibabel as nib
import numpy as np
import numpy.typing as npt
from highdicom.spatial import create_affine_matrix_from_attributes

from brainscan.domain import RESEARCH_USE_STATEMENT, Reason
from brainscan.series.planes import Plane

Labels = npt.NDArray[np.unsignedinteger[Any]]
"""(rows, columns) of the numbers of lesions, which are segments; 0 where there is none."""

UNEVEN: Final = 0.05
"""A slice may lie so far from its place on an even grid, as a share of the distance between slices."""

_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM's patient coordinates grow to the left and back, NIfTI's to the right and front."""


def label_volume(
    planes: Sequence[Plane | None],
    spacing_mm: tuple[float, float] | None,
    thickness_mm: float | None,
    labels: Mapping[int, Labels],
) -> bytes | Reason:
    """Write the segments of a series as one volume, gzipped: the same slices give the same bytes.

    Args:
        planes: Of the analyzed slices in the order of their positions, parallel to each other, no two at one place.
        spacing_mm: Between (rows, columns) of every slice.
        thickness_mm: What a lone slice is thick; distances between slices tell it of several.
        labels: By place in `planes`; at least one.

    Returns:
        NIfTI-1 of (columns, rows, slices), segment numbers; a slice that was not analyzed is empty. Or why
        there is none: `NO_POSITIONS`, `NO_SPACING`, or `UNEVEN_SLICES`, which no NIfTI can
        describe.
    """
    known = [plane for plane in planes if plane is not None]
    if len(known) < len(planes):
        return Reason.NO_POSITIONS
    if spacing_mm is None:
        return Reason.NO_SPACING
    grid = _grid(known, thickness_mm)
    if isinstance(grid, Reason):
        return grid
    places, step_mm = grid
    first = next(iter(labels.values()))
    rows, columns = first.shape
    volume = np.zeros((columns, rows, int(places[-1]) + 1), first.dtype)
    for place, label in labels.items():
        volume[:, :, places[place]] = label.T
    return _encoded(volume, _affine(known[0], spacing_mm, step_mm))


def _grid(
    planes: Sequence[Plane], thickness_mm: float | None
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.float64]] | Reason:
    """The place of each slice on an even grid, from 0, and the way (3,) from one place to the next."""
    corners = np.array([plane.position_mm for plane in planes])
    if len(planes) == 1:
        return np.zeros(1, np.int_), planes[0].normal * float(thickness_mm or 1)
    gaps = np.diff(corners @ planes[0].normal)
    places = np.concatenate([[0], np.rint(gaps / np.median(gaps)).astype(np.int_).cumsum()])
    step = (corners[-1] - corners[0]) / max(1, places[-1])
    astray = np.linalg.norm(corners - corners[0] - places[:, None] * step, axis=1)
    return Reason.UNEVEN_SLICES if astray.max() > UNEVEN * np.linalg.norm(step) else (places, step)


def _affine(first: Plane, spacing_mm: tuple[float, float], step_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(4, 4) from (column, row, slice) to millimetres in RAS, for the slice at 0 and (3,) from one to the next."""
    affine = create_affine_matrix_from_attributes(first.position_mm, first.orientation, spacing_mm)
    # Of a stack that a tilted gantry shears, the way to the next slice is not along the normal.
    affine[:3, 2] = step_mm
    return np.asarray(_LPS_TO_RAS @ affine, np.float64)


def _encoded(volume: Labels, affine: npt.NDArray[np.float64]) -> bytes:
    image = nib.Nifti1Image(volume, affine)
    image.set_sform(affine, "scanner")
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = RESEARCH_USE_STATEMENT.encode()
    return gzip.compress(image.to_bytes(), 6, mtime=0)
