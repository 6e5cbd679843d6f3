"""Each frame of an enhanced object is judged by itself, by what its functional groups say."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import EnhancedMRImageStorage

from brainscan.dicom.header import read_header
from brainscan.domain import Reason, ScanError
from brainscan.settings import Limits
from tests.unit.dicom.headers import ORIGINAL, PIXELS, coded
from tests.unit.imaging.files import dicom_bytes, dicom_object


def enhanced(frames: int, frame_type: list[str], region: str = "", **shared: Any) -> bytes:
    """An enhanced MR object whose frames go upwards, two millimetres apart."""
    dataset = dicom_object(PIXELS, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=frames, ImageType=ORIGINAL)
    common, kind, orientation = Dataset(), Dataset(), Dataset()
    kind.FrameType = frame_type
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    common.MRImageFrameTypeSequence, common.PlaneOrientationSequence = [kind], [orientation]
    if region:
        anatomy, code = Dataset(), Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "SCT", region
        anatomy.AnatomicRegionSequence = [code]
        common.FrameAnatomySequence = [anatomy]
    dataset.SharedFunctionalGroupsSequence = [common]
    groups = []
    for frame in range(frames):
        group, position = Dataset(), Dataset()
        position.ImagePositionPatient = [0, 0, 2.0 * frame]
        group.PlanePositionSequence = [position]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = np.stack([PIXELS] * frames).tobytes()
    return dicom_bytes(dataset)


def test_enhanced_objects_are_judged_and_placed_by_their_functional_groups() -> None:
    limits = Limits()
    upwards = read_header(enhanced(3, ORIGINAL, "Brain"), limits)
    assert (upwards.skip, upwards.relevances[0].flags) == (None, ())
    assert np.diff(upwards.orders).tolist() == [2000, 2000]
    assert read_header(enhanced(2, ORIGINAL, "Knee"), limits).skip is Reason.OTHER_BODY_PART
    assert read_header(enhanced(2, ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]), limits).skip is Reason.DERIVED_MAP
    with pytest.raises(ScanError) as refused:
        read_header(enhanced(3, ORIGINAL), Limits(frames=2))
    assert refused.value.reason is Reason.TOO_MANY_ENTRIES


def test_each_frame_has_the_region_and_the_derivation_that_it_states() -> None:
    dataset = dicom_object(PIXELS, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=3, ImageType=ORIGINAL)
    groups = [Dataset() for _ in range(3)]
    for group, meaning in zip(groups, ("Brain", "Knee", "Brain"), strict=True):
        anatomy = Dataset()
        anatomy.AnatomicRegionSequence = coded("1", "SCT", meaning)
        group.FrameAnatomySequence = [anatomy]
    derived = Dataset()
    derived.DerivationCodeSequence = coded("113078", "DCM", "")
    groups[2].DerivationImageSequence = [derived]
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = np.stack([PIXELS] * 3).tobytes()
    found = read_header(dicom_bytes(dataset), Limits())
    assert [each.skip for each in found.relevances] == [None, Reason.OTHER_BODY_PART, Reason.DERIVED_MAP]


def mixed(*frames: tuple[list[str], str], **elements: Any) -> bytes:
    """An enhanced MR object of which each frame has a type and a complex component of its own."""
    dataset = dicom_object(PIXELS, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(frames), **elements)
    groups = []
    for frame_type, component in frames:
        group, kind = Dataset(), Dataset()
        kind.FrameType, kind.ComplexImageComponent = frame_type, component
        group.MRImageFrameTypeSequence = [kind]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = np.stack([PIXELS] * len(frames)).tobytes()
    return dicom_bytes(dataset)


ADC = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]


def test_each_frame_is_judged_by_itself_whatever_comes_first() -> None:
    kinds = [(ORIGINAL[:3], "PHASE"), (ORIGINAL, "MAGNITUDE"), (ORIGINAL, "IMAGINARY"), (ADC, "MAGNITUDE")]
    found = read_header(mixed(*kinds, ImageType=["ORIGINAL", "PRIMARY", "BRAIN", "MIXED"]), Limits())
    assert [each.skip for each in found.relevances] == [
        Reason.PHASE_IMAGE,
        None,
        Reason.PHASE_IMAGE,
        Reason.DERIVED_MAP,
    ]
    assert found.skip is None
    assert read_header(mixed(*[(ORIGINAL, "PHASE")] * 2), Limits()).skip is Reason.PHASE_IMAGE


KINDS_OF_FRAMES: dict[str, tuple[list[str], str, str, Reason | None]] = {
    "magnitude": (ORIGINAL, "MAGNITUDE", "NONE", None),
    "phase": (ORIGINAL[:3], "PHASE", "NONE", Reason.PHASE_IMAGE),
    "imaginary": (ORIGINAL, "IMAGINARY", "NONE", Reason.PHASE_IMAGE),
    "map": (ADC, "MAGNITUDE", "NONE", Reason.DERIVED_MAP),
    "projection": (ORIGINAL, "MAGNITUDE", "MAX_IP", Reason.DERIVED_MAP),
    "scout": (["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"], "MAGNITUDE", "NONE", Reason.LOCALIZER),
}


@settings(max_examples=30)
@given(names=st.lists(st.sampled_from(sorted(KINDS_OF_FRAMES)), min_size=1, max_size=8))
def test_frames_of_any_kinds_in_any_order_are_judged_each_by_itself(names: list[str]) -> None:
    dataset = dicom_object(PIXELS, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(names), ImageType=ORIGINAL)
    dataset.PerFrameFunctionalGroupsSequence = []
    for frame_type, component, technique, _ in map(KINDS_OF_FRAMES.__getitem__, names):
        group, kind = Dataset(), Dataset()
        kind.FrameType, kind.ComplexImageComponent = frame_type, component
        kind.VolumeBasedCalculationTechnique = technique
        group.MRImageFrameTypeSequence = [kind]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    dataset.PixelData = np.stack([PIXELS] * len(names)).tobytes()
    found = read_header(dicom_bytes(dataset), Limits())
    expected = [KINDS_OF_FRAMES[name][3] for name in names]
    assert [each.skip for each in found.relevances] == expected
    assert found.skip is (expected[0] if all(expected) else None)


@pytest.mark.parametrize("first", ["scout", "map"])
def test_a_type_that_the_object_has_of_its_first_frame_is_a_doubt_about_the_others(first: str) -> None:
    dataset = dicom_object(PIXELS, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=2)
    dataset.ImageType = KINDS_OF_FRAMES[first][0]
    dataset.PerFrameFunctionalGroupsSequence = []
    for frame_type in (dataset.ImageType, ORIGINAL):
        group, kind = Dataset(), Dataset()
        kind.FrameType, group.MRImageFrameTypeSequence = frame_type, [kind]
        dataset.PerFrameFunctionalGroupsSequence.append(group)
    dataset.PixelData = np.stack([PIXELS] * 2).tobytes()
    one, other = read_header(dicom_bytes(dataset), Limits()).relevances
    assert (one.skip, other.skip, other.flags) == (KINDS_OF_FRAMES[first][3], None, (Reason.UNCLEAR_CONTENT,))
