"""How far apart the pixels of a frame are, and what shape they have."""

from collections.abc import Iterator

from pydicom import Dataset

from brainscan.dicom.geometry import macros
from brainscan.dicom.repair import SPACINGS
from brainscan.dicom.values import numbers, text
from brainscan.series.planes import plausible_aspect, plausible_spacing


def frame_spacing(dataset: Dataset, frame: int) -> tuple[float, float] | None:
    """Millimetres between (rows, columns) of one frame, or None where nothing plausible is stated."""
    for measures, keyword in _spacings(dataset, frame):
        if spacing := plausible_spacing(numbers(measures, keyword)):
            return spacing
    return None


def pixel_aspect(dataset: Dataset, frame: int) -> float | None:
    """A pixel's height over its width; None where nothing plausible is stated.

    A spacing tells it in whatever unit it is, and with whatever sign; without one PixelAspectRatio (PS3.3 C.7.6.3.1.7).
    """
    for source, keyword in (*_spacings(dataset, frame), (dataset, "PixelAspectRatio")):
        stated = numbers(source, keyword)
        if stated and len(stated) >= 2 and (aspect := plausible_aspect(*map(abs, stated[:2]))):
            return aspect
    return None


def states_spacing(dataset: Dataset, frame: int) -> bool:
    """Whether something is stated of how far apart pixels are, and be it nothing that can be read."""
    return any(text(measures, keyword) for measures, keyword in _spacings(dataset, frame))


def _spacings(dataset: Dataset, frame: int) -> Iterator[tuple[Dataset, str]]:
    """Where distances of a frame's pixels may be stated, and by which attribute, in the order of trust."""
    return ((each, keyword) for each in macros(dataset, frame, "PixelMeasuresSequence") for keyword in SPACINGS)
