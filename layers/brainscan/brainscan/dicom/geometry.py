"""Where a slice lies: functional groups of a frame, and its place along the normal of its series."""

from collections.abc import Iterator, Sequence
from typing import Final

from pydicom import Dataset

from brainscan.dicom.mosaic import is_mosaic
from brainscan.dicom.repair import repair
from brainscan.dicom.values import has, items, number, numbers

MICROMETRES: Final = 1000
ORIGIN: Final = 10**9
"""Added to a place along the normal, so that it is never negative: one kilometre, in micrometres."""


def macro(dataset: Dataset, frame: int, keyword: str) -> Dataset:
    """Where an attribute of one frame is stated: a functional group (PS3.3 C.7.6.16) or the object."""
    if not has(dataset, "PerFrameFunctionalGroupsSequence") and not has(dataset, "SharedFunctionalGroupsSequence"):
        return dataset
    return next(macros(dataset, frame, keyword))


def macros(dataset: Dataset, frame: int, keyword: str) -> Iterator[Dataset]:
    """Everywhere that an attribute of one frame may be stated: its own functional group, the shared one, the object."""
    per_frame = items(dataset, "PerFrameFunctionalGroupsSequence")
    shared = items(dataset, "SharedFunctionalGroupsSequence")
    for groups in per_frame[frame : frame + 1] + shared[:1]:
        if stated := items(groups, keyword):
            repair(stated[0])
            yield stated[0]
    yield dataset


def has_frames(dataset: Dataset) -> bool:
    """Whether there are several frames: a position of the object itself, which is the first one's, is not theirs."""
    return (number(dataset, "NumberOfFrames") or 1) > 1


def frame_order(dataset: Dataset, frame: int) -> int:
    """The place of a frame among the slices of its series, as a number that sorts, from 0 to 2 `ORIGIN`.

    It is the projection of the position on the normal of the slice (PS3.3 C.7.6.2.1.1), in micrometres: it needs no
    knowledge of the other slices, which may not have arrived. Without position or orientation, the instance number
    plus the frame stands in.
    """
    stated = macro(dataset, frame, "PlanePositionSequence")
    position = None if stated is dataset and has_frames(dataset) else numbers(stated, "ImagePositionPatient")
    cosines = numbers(macro(dataset, frame, "PlaneOrientationSequence"), "ImageOrientationPatient")
    normal = _normal(cosines) if cosines is not None and len(cosines) == 6 else None
    if position is None or len(position) != 3 or normal is None:
        return min(2 * ORIGIN, max(0, int(number(dataset, "InstanceNumber") or 0)) + frame)
    along = sum(across * place for across, place in zip(normal, position, strict=True))
    if is_mosaic(dataset):
        along += frame * (abs(number(dataset, "SpacingBetweenSlices") or 0) or 1)
    return min(max(round(along * MICROMETRES) + ORIGIN, 0), 2 * ORIGIN)


def _normal(cosines: Sequence[float]) -> tuple[float, float, float] | None:
    """The normal that directions of rows and columns have; None where they are no two directions."""
    a, b = cosines[:3], cosines[3:]
    normal = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return normal if any(normal) else None
