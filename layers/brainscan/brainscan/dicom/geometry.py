"""Where a slice lies: functional groups of a frame, and its place along the normal of its series."""

import math
from typing import Final

import numpy as np
from pydicom import Dataset

from brainscan.dicom.mosaic import is_mosaic

MICROMETRES: Final = 1000
ORIGIN: Final = 10**9
"""Added to a place along the normal, so that it is never negative: one kilometre, in micrometres."""


def macro(dataset: Dataset, frame: int, keyword: str) -> Dataset:
    """Where an attribute of one frame is stated: a functional group (PS3.3 C.7.6.16) or the object."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for groups in (*per_frame[frame : frame + 1], *shared[:1]):
        if groups.get(keyword):
            item: Dataset = groups[keyword][0]
            return item
    return dataset


def frame_order(dataset: Dataset, frame: int) -> int:
    """The place of a frame among the slices of its series, as a number that sorts, from 0 to 2 `ORIGIN`.

    It is the projection of the position on the normal of the slice (PS3.3 C.7.6.2.1.1), in micrometres: it needs no
    knowledge of the other slices, which may not have arrived. Without position or orientation, the instance number
    plus the frame stands in.
    """
    position = _numbers(macro(dataset, frame, "PlanePositionSequence"), "ImagePositionPatient", 3)
    cosines = _numbers(macro(dataset, frame, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    if position is None or cosines is None:
        return min(2 * ORIGIN, _instance_number(dataset) + frame)
    along = float(np.cross(cosines[:3], cosines[3:]) @ position)
    if is_mosaic(dataset):
        along += frame * _slice_distance_mm(dataset)
    return min(max(round(along * MICROMETRES) + ORIGIN, 0), 2 * ORIGIN)


def _slice_distance_mm(dataset: Dataset) -> float:
    spacing = _numbers(dataset, "SpacingBetweenSlices", 1)
    return abs(float(spacing[0])) if spacing is not None and spacing[0] else 1.0


def _numbers(dataset: Dataset, keyword: str, count: int) -> np.ndarray | None:
    """A multi-valued decimal attribute, or None where it is absent, short or not finite."""
    value = dataset.get(keyword)
    try:
        numbers = np.array([float(each) for each in ([value] if count == 1 else value or [])])
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _instance_number(dataset: Dataset) -> int:
    try:
        return max(0, int(dataset.get("InstanceNumber") or 0))
    except (TypeError, ValueError):
        return 0
