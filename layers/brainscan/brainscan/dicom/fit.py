"""Geometry that a source states elsewhere than highdicom looks for it, put where a segmentation is derived from."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Final

import numpy as np
from pydicom import Dataset

from brainscan.dicom.pixels import frame_spacing
from brainscan.dicom.source import SourceImage, is_multiframe
from brainscan.series.planes import Plane

SAME_DIRECTION: Final = 1e-3
"""Directions of one series differ in their last digits; a segmentation has but one."""


def make_fit(headers: Sequence[Dataset], images: Sequence[SourceImage]) -> None:
    """Complete the headers of a series in place.

    Args:
        headers: Of its files.
        images: Its slices, all with a plane, parallel to each other.

    Raises:
        ValueError: the frames of a multi-frame object differ in spacing.
    """
    planes = [plane for image in images if (plane := image.plane)]
    if is_multiframe(headers[0]):
        _share_geometry(headers[0], planes[0])
        return
    thickness = _distance_mm(planes)
    for header in headers:
        if not header.get("SliceThickness"):
            header.SliceThickness = thickness
        if np.allclose(header.ImageOrientationPatient, planes[0].orientation, atol=SAME_DIRECTION):
            header.ImageOrientationPatient = list(planes[0].orientation)


def _share_geometry(header: Dataset, plane: Plane) -> None:
    """Orientation and spacing in the shared functional groups, as they are where no frame differs from another."""
    if not header.get("SharedFunctionalGroupsSequence"):
        header.SharedFunctionalGroupsSequence = [Dataset()]
    shared = header.SharedFunctionalGroupsSequence[0]
    frames = header.PerFrameFunctionalGroupsSequence
    spacings = {frame_spacing(header, place) for place in range(len(frames))}
    if len(spacings) > 1:
        raise ValueError("the frames differ in spacing")
    if "PlaneOrientationSequence" not in shared:
        orientation = Dataset()
        orientation.ImageOrientationPatient = list(plane.orientation)
        shared.PlaneOrientationSequence = [orientation]
    if "PixelMeasuresSequence" not in shared:
        stated = frames[0].get("PixelMeasuresSequence")
        measures = deepcopy(stated[0]) if stated else Dataset()
        measures.PixelSpacing = list(spacings.pop() or ())
        shared.PixelMeasuresSequence = [measures]
    if not shared.PixelMeasuresSequence[0].get("SliceThickness"):
        shared.PixelMeasuresSequence[0].SliceThickness = header.get("SliceThickness")


def _distance_mm(planes: Sequence[Plane]) -> float | None:
    """The median distance between neighbouring slices; None for a single one."""
    places = np.sort([float(np.dot(plane.position_mm, planes[0].normal)) for plane in planes])
    return float(np.median(np.diff(places))) if len(places) > 1 else None
