"""What a header says of where its slice lies in the patient (PS3.3 C.7.6.2.1.1)."""

from typing import Any

import numpy as np
from pydicom import Dataset

from brainscan.dicom.geometry import has_frames
from brainscan.dicom.mosaic import is_mosaic
from brainscan.series.planes import Plane


def plane_of(header: Dataset, frame: int | None) -> Plane | None:
    """The plane of an image, or of one frame of it, from 0; None where the header does not say.

    Args:
        header: of a classic object, or of a multi-frame one with functional groups; of a mosaic, the position that is
            stated is the whole picture's, and of no slice.
    """
    if is_mosaic(header):
        return None
    place = frame or 0
    try:
        position = _stated(header, place, "PlanePositionSequence", "ImagePositionPatient")
        orientation = _stated(header, place, "PlaneOrientationSequence", "ImageOrientationPatient")
        plane = Plane(
            tuple(float(value) for value in position),
            tuple(float(value) for value in orientation),
            str(header.get("FrameOfReferenceUID") or ""),
        )
    except (TypeError, ValueError, AttributeError, IndexError):
        return None
    whole = len(plane.position_mm) == 3 and len(plane.orientation) == 6
    if not whole or not np.isfinite([*plane.position_mm, *plane.orientation]).all():
        return None
    # Two unit vectors at a right angle: only they span a plane that anything could be measured in.
    directions = np.reshape(plane.orientation, (2, 3))
    return plane if np.allclose(directions @ directions.T, np.eye(2), atol=1e-2) else None


def _stated(header: Dataset, frame: int, group: str, keyword: str) -> Any:
    """An attribute of one frame: from its functional group, the shared one, or the object itself."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for groups in (*per_frame[frame : frame + 1], *shared[:1]):
        if groups.get(group):
            return groups[group][0].get(keyword)
    return None if keyword == "ImagePositionPatient" and has_frames(header) else header.get(keyword)
