"""Geometry of a series as its positions tell it, put where a segmentation takes its own from.

What a header states of distance and thickness is not trusted: vendors write the gap between slices, a zero or a
negative number for the distance of their centres.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from highdicom.spatial import get_volume_positions
from pydicom import Dataset
from pydicom.valuerep import format_number_as_ds

from brainscan.dicom.source import SourceImage, is_multiframe
from brainscan.dicom.spacing import frame_spacing
from brainscan.dicom.values import number
from brainscan.domain import Reason
from brainscan.series.label_volume import UNEVEN
from brainscan.series.planes import Plane

SAME_DIRECTION: Final = 1e-3
"""Directions of one series differ in their last digits; a segmentation has but one."""


def no_common_grid(images: Sequence[SourceImage]) -> Reason | None:
    """Why slices, parallel to each other, cannot be the source of one segmentation; None where they can.

    Returns:
        `SEVERAL_MULTIFRAME_FILES`; `NO_POSITIONS` where a multi-frame file does not say where each frame lies;
        `REPEATED_INSTANCE_UID` where files cannot be told apart by what a segmentation refers to them by; `NO_SPACING`;
        `MIXED_GEOMETRY` where matrix, spacing, directions or frames of reference differ.
    """
    multiframe = [is_multiframe(image.header) for image in images]
    files = {str(image.header.SOPInstanceUID) for image in images}
    if any(multiframe) and len(files) > 1:
        return Reason.SEVERAL_MULTIFRAME_FILES
    if any(multiframe) and any(not _has_own_groups(image) for image in images):
        return Reason.NO_POSITIONS
    if not any(multiframe) and len(files) < len(images):
        return Reason.REPEATED_INSTANCE_UID
    spacings = {_spacing_of(image) for image in images}
    if None in spacings:
        return Reason.NO_SPACING
    matrices = {(image.header.Rows, image.header.Columns) for image in images}
    directions = np.array([plane.orientation for plane in planes_of(images)])
    frames = {plane.frame_of_reference for plane in planes_of(images)}
    mixed = len(spacings) > 1 or len(matrices) > 1 or len(frames) > 1
    mixed = mixed or np.ptp(directions, axis=0).max() > SAME_DIRECTION
    return Reason.MIXED_GEOMETRY if mixed else None


def _has_own_groups(image: SourceImage) -> bool:
    return len(image.header.get("PerFrameFunctionalGroupsSequence") or []) > (image.frame or 0)


def state_geometry(images: Sequence[SourceImage]) -> None:
    """Write into the headers of a series where its slices lie, how far apart and how thick they are.

    Args:
        images: Slices with a common grid, in the order of their positions.
    """
    planes = planes_of(images)
    distance = distance_mm(planes)
    measures = Dataset()
    measures.PixelSpacing = _decimal_strings(_spacing_of(images[0]) or ())
    thickness = distance or _median_distance_mm(planes) or number(images[0].header, "SliceThickness")
    measures.SliceThickness = format_number_as_ds(thickness) if thickness is not None else None
    if distance is not None:
        measures.SpacingBetweenSlices = format_number_as_ds(distance)
    if is_multiframe(images[0].header):
        _state_of_frames(images[0].header, measures, planes[0])
        return
    for image in images:
        image.header.pop("SpacingBetweenSlices", None)
        image.header.update(measures)
        image.header.ImageOrientationPatient = _decimal_strings(planes[0].orientation)


def planes_of(images: Sequence[SourceImage]) -> list[Plane]:
    """Where slices lie, as far as their headers say."""
    return [plane for image in images if (plane := image.plane)]


def distance_mm(planes: Sequence[Plane]) -> float | None:
    """The way from the centre of a slice to that of the next, where it is the same throughout but for missing slices.

    Returns:
        Millimetres; None for a single slice, and where no such distance is.
    """
    if len(planes) < 2:
        return None
    positions = [plane.position_mm for plane in planes]
    for missing in (False, True):
        spacing, _ = get_volume_positions(
            positions, planes[0].orientation, rtol=UNEVEN, allow_missing_positions=missing
        )
        if spacing is not None:
            return float(spacing)
    return None


def _median_distance_mm(planes: Sequence[Plane]) -> float | None:
    places = [float(np.dot(plane.position_mm, planes[0].normal)) for plane in planes]
    return float(np.median(np.diff(places))) if len(places) > 1 else None


def _decimal_strings(values: Iterable[float]) -> list[str]:
    """As many digits as a decimal string holds, 16 characters (PS3.5 6.2)."""
    return [format_number_as_ds(value) for value in values]


def _spacing_of(image: SourceImage) -> tuple[float, float] | None:
    return frame_spacing(image.header, image.frame or 0)


def _state_of_frames(header: Dataset, measures: Dataset, plane: Plane) -> None:
    """In the shared functional groups, as they are where no frame differs from another (PS3.3 C.7.6.16)."""
    orientation = Dataset()
    orientation.ImageOrientationPatient = _decimal_strings(plane.orientation)
    shared = Dataset()
    shared.PlaneOrientationSequence = [orientation]
    shared.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [shared]
