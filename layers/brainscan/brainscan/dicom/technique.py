"""What a header says of how its slice was taken: what tells the acquisitions of one series apart."""

from collections.abc import Iterable
from typing import Final

from pydicom import DataElement, Dataset

from brainscan.dicom.geometry import frame_order
from brainscan.dicom.mosaic import is_mosaic
from brainscan.dicom.values import items, number, put_text, tag_and_vr, texts
from brainscan.series.acquisitions import AcquisitionOrder, Technique

NUMBERS: Final = (
    "EchoTime", "TemporalPositionIdentifier", "DiffusionBValue",
    "AcquisitionNumber", "AcquisitionTime", "SliceLocation",
)  # fmt: skip
"""Of a classic image."""

GROUPS: Final = {
    "MREchoSequence": ("EffectiveEchoTime",),
    "MRDiffusionSequence": ("DiffusionBValue",),
    "FrameContentSequence": ("TemporalPositionIndex", "FrameAcquisitionNumber"),
    "MRImageFrameTypeSequence": (),
}
"""Functional groups of a frame (PS3.3 C.8.13.5, C.7.6.16.2.2) that say the same of it, and their numbers."""


def copy_technique(image: Dataset, header: Dataset) -> None:
    """Copy of a classic image what is read here; as plain numbers, whatever form they have there."""
    _copy_numbers(image, header, NUMBERS)


def copy_frame_technique(groups: Dataset, copied: Dataset) -> None:
    """The same of a frame's functional groups."""
    for name, keywords in GROUPS.items():
        for item in items(groups, name)[:1]:
            copy = Dataset()
            _copy_numbers(item, copy, keywords)
            put_text(copy, "FrameType", *texts(item, "FrameType"))
            setattr(copied, name, [copy])


def _copy_numbers(stated: Dataset, copied: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        value = number(stated, keyword)
        if value is not None:
            tag, _ = tag_and_vr(keyword)
            copied[tag] = DataElement(tag, "FD", value, already_converted=True)


def technique_of(header: Dataset, frame: int | None) -> Technique:
    """How an image, or a frame of it, from 0, was taken."""
    groups = _groups_of(header, frame)
    return Technique(
        image_type=texts(groups["MRImageFrameTypeSequence"], "FrameType") or texts(header, "ImageType"),
        echo_time_ms=_first(number(groups["MREchoSequence"], "EffectiveEchoTime"), number(header, "EchoTime")),
        temporal_position=_first(
            number(groups["FrameContentSequence"], "TemporalPositionIndex"),
            number(header, "TemporalPositionIdentifier"),
        ),
        b_value=_first(number(groups["MRDiffusionSequence"], "DiffusionBValue"), number(header, "DiffusionBValue")),
    )


def acquisition_order(header: Dataset, frame: int | None) -> AcquisitionOrder:
    """When an image, or a frame of it, from 0, was taken among those of its place."""
    of_frame = number(_groups_of(header, frame)["FrameContentSequence"], "FrameAcquisitionNumber")
    stated = [number(header, keyword) for keyword in ("AcquisitionNumber", "AcquisitionTime", "InstanceNumber")]
    return AcquisitionOrder(*(value or 0.0 for value in (of_frame, *stated, frame)))


def number_of(header: Dataset, frame: int | None) -> float | None:
    """The number of an image in its series: of a tile of a mosaic its place, of others the instance number and frame.

    None where the header states none.
    """
    if "InstanceNumber" not in header and not is_mosaic(header):
        return None if frame is None else float(frame)
    return float(frame_order(header, frame or 0))


def _groups_of(header: Dataset, frame: int | None) -> dict[str, Dataset]:
    """The functional groups of a frame, its own before the shared ones; an empty one where there is none."""
    own = items(header, "PerFrameFunctionalGroupsSequence")[(frame or 0) : (frame or 0) + 1]
    shared = items(header, "SharedFunctionalGroupsSequence")[:1]
    found = {name: [item for groups in (*own, *shared) for item in items(groups, name)[:1]] for name in GROUPS}
    return {name: stated[0] if stated else Dataset() for name, stated in found.items()}


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
