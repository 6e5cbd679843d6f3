"""Masks of a series -> one NIfTI label volume on the grid of its slices, for viewers that cannot read DICOM SEG."""

import gzip
from collections.abc import Mapping, Sequence
from typing import Final

import nibabel as nib
import numpy as np
import numpy.typing as npt

from brainscan.dicom.pixels import frame_spacing
from brainscan.dicom.planes import SAME_PLACE_MM, Plane
from brainscan.dicom.seg import Labels
from brainscan.dicom.source import SourceImage
from brainscan.domain import RESEARCH_USE_STATEMENT, Reason

UNEVEN: Final = 0.05
"""A slice may lie so far from its place on an even grid, as a share of the distance between slices."""

_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])
"""DICOM's patient coordinates grow to the left and back, NIfTI's to the right and front."""


def label_volume(images: Sequence[SourceImage], labels: Mapping[int, Labels]) -> bytes | Reason:
    """Write the segments of a series as one volume, gzipped: the same slices give the same bytes.

    Args:
        images: The analyzed slices in the order of their positions, all with a plane, parallel to each other.
        labels: (rows, columns) of segment numbers, 0 where there is none, by place in `images`; at least one.

    Returns:
        NIfTI-1 of (columns, rows, slices), segment numbers as uint8; a slice that was not analyzed is empty. It holds
        nothing of the headers but geometry. Or why there is none: `NO_POSITIONS`, `NO_SPACING`,
        `REPEATED_POSITIONS`, or `UNEVEN_SLICES`, which no NIfTI can describe.
    """
    planes = [plane for image in images if (plane := image.plane)]
    spacing = frame_spacing(images[0].header, images[0].frame or 0)
    if len(planes) < len(images):
        return Reason.NO_POSITIONS
    if spacing is None:
        return Reason.NO_SPACING
    grid = _grid(planes, images[0].header.get("SliceThickness"))
    if isinstance(grid, Reason):
        return grid
    places, step_mm = grid
    rows, columns = next(iter(labels.values())).shape
    volume = np.zeros((columns, rows, int(places[-1]) + 1), np.uint8)
    for place, label in labels.items():
        volume[:, :, places[place]] = label.T
    return _encoded(volume, _affine(planes[0], spacing, step_mm))


def _grid(
    planes: Sequence[Plane], thickness_mm: float | None
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.float64]] | Reason:
    """The place of each slice on an even grid, from 0, and the way (3,) from one place to the next."""
    corners = np.array([plane.position_mm for plane in planes])
    if len(planes) == 1:
        return np.zeros(1, np.int_), planes[0].normal * float(thickness_mm or 1)
    gaps = np.diff(corners @ planes[0].normal)
    if gaps.min() < SAME_PLACE_MM:
        return Reason.REPEATED_POSITIONS
    places = np.concatenate([[0], np.rint(gaps / np.median(gaps)).astype(np.int_).cumsum()])
    step = (corners[-1] - corners[0]) / max(1, places[-1])
    astray = np.linalg.norm(corners - corners[0] - places[:, None] * step, axis=1)
    return Reason.UNEVEN_SLICES if astray.max() > UNEVEN * np.linalg.norm(step) else (places, step)


def _affine(first: Plane, spacing_mm: tuple[float, float], step_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(4, 4) from (column, row, slice) to millimetres in RAS; PS3.3 equation C.7.6.2.1-1, on every slice.

    Args:
        first: The plane of slice 0.
        spacing_mm: Between (rows, columns).
        step_mm: (3,) from one slice to the next, in LPS.
    """
    along_row, along_column = np.reshape(first.orientation, (2, 3))
    affine = np.eye(4)
    affine[:3, :3] = _TO_RAS @ np.column_stack([along_row * spacing_mm[1], along_column * spacing_mm[0], step_mm])
    affine[:3, 3] = _TO_RAS @ np.array(first.position_mm)
    return affine


def _encoded(volume: Labels, affine: npt.NDArray[np.float64]) -> bytes:
    image = nib.Nifti1Image(volume, affine)
    image.set_sform(affine, "scanner")
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = RESEARCH_USE_STATEMENT.encode()
    return gzip.compress(image.to_bytes(), 6, mtime=0)
