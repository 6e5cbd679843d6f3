"""Which DICOM images are analyzed, which are skipped, and which are flagged; where each slice lies."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    EnhancedMRImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from brainscan.dicom.header import Header, read_header
from brainscan.domain import RESEARCH_USE_STATEMENT, Reason, ScanError
from brainscan.settings import Limits
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient

PIXELS = gradient(8, 8)
ORIGINAL = ["ORIGINAL", "PRIMARY", "M", "SE"]


def header(**elements: Any) -> Header:
    return read_header(dicom_bytes(dicom_object(PIXELS, **{"ImageType": ORIGINAL} | elements)), Limits())


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Modality": "CT"}, Reason.OTHER_MODALITY),
        ({"Modality": "PT"}, Reason.OTHER_MODALITY),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, Reason.LOCALIZER),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, Reason.PHASE_IMAGE),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP"]}, Reason.PHASE_IMAGE),
        ({"ComplexImageComponent": "PHASE"}, Reason.PHASE_IMAGE),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, Reason.DERIVED_MAP),
        ({"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]}, Reason.DERIVED_MAP),
        ({"BodyPartExamined": "KNEE"}, Reason.OTHER_BODY_PART),
        ({"BodyPartExamined": "C-SPINE"}, Reason.OTHER_BODY_PART),
        ({"BodyPartExamined": "LOWER LIMB"}, Reason.OTHER_BODY_PART),
        ({"BodyPartExamined": "Knie"}, Reason.OTHER_BODY_PART),
        ({"ImageType": ["DERIVED", "PRIMARY", "SUBTRACTION"]}, Reason.DERIVED_MAP),
        ({"DerivationDescription": "maximum intensity projection"}, Reason.DERIVED_MAP),
        ({"DerivationDescription": "Apparent Diffusion Coefficient"}, Reason.DERIVED_MAP),
        ({"DerivationDescription": "post minus pre, subtracted"}, Reason.DERIVED_MAP),
        ({"Manufacturer": "brainscan", "ImageType": ["DERIVED", "SECONDARY", "OTHER"]}, Reason.OWN_REPORT),
        ({"Manufacturer": "Gateway", "SeriesDescription": "brainscan key slice, research use only"}, Reason.OWN_REPORT),
        ({"ImageComments": RESEARCH_USE_STATEMENT}, Reason.OWN_REPORT),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "PHASE_DIFF"]}, Reason.PHASE_IMAGE),
        ({"ImageType": ["DERIVED", "PRIMARY", "FILT_PHA", "SWAN"]}, Reason.PHASE_IMAGE),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "MD"]}, Reason.DERIVED_MAP),
        ({"ImageType": ["DERIVED", "SECONDARY", "COLLAPSE"]}, Reason.DERIVED_MAP),
        ({"ImageType": ["DERIVED", "PRIMARY", "M", "ND", "FMRI", "GLM"]}, Reason.DERIVED_MAP),
        ({"DerivationDescription": "coefficient apparent de diffusion"}, Reason.DERIVED_MAP),
        ({"Modality": "", "SOPClassUID": CTImageStorage}, Reason.OTHER_MODALITY),
        ({"Modality": "OT", "SOPClassUID": UltrasoundImageStorage}, Reason.OTHER_MODALITY),
        ({"BodyPartExamined": "HÜFTKOPF", "SpecificCharacterSet": "ISO_IR 192"}, Reason.OTHER_BODY_PART),
    ],
)
def test_what_is_no_picture_of_a_brain_by_mr_is_skipped_with_its_reason(
    elements: dict[str, Any], reason: Reason
) -> None:
    assert header(**elements).skip is reason


@pytest.mark.parametrize(
    ("elements", "flags"),
    [
        ({}, ()),
        ({"BodyPartExamined": "BRAIN"}, ()),
        ({"BodyPartExamined": "Head"}, ()),
        ({"SeriesDescription": "T1 LOCAL ANATOMY"}, ()),
        ({"Modality": "OT"}, (Reason.UNCLEAR_MODALITY,)),
        ({"Modality": ""}, (Reason.UNCLEAR_MODALITY,)),
        ({"BodyPartExamined": "KOPF"}, ()),
        ({"BodyPartExamined": "XQ7"}, (Reason.UNCLEAR_BODY_PART,)),
        ({"StudyDescription": "MR KNEE LEFT", "ProtocolName": "KNEE_PD_FS"}, (Reason.UNCLEAR_BODY_PART,)),
        ({"StudyDescription": "MR ABDOMEN"}, (Reason.UNCLEAR_BODY_PART,)),
        ({"StudyDescription": "MRT Kniegelenk rechts"}, (Reason.UNCLEAR_BODY_PART,)),
        ({"ProtocolName": "RODILLA_T2"}, (Reason.UNCLEAR_BODY_PART,)),
        ({"SeriesDescription": "genou sag DP"}, (Reason.UNCLEAR_BODY_PART,)),
        ({"SpecificCharacterSet": "ISO_IR 192", "StudyDescription": "膝関節MRI"}, (Reason.UNCLEAR_BODY_PART,)),
        (
            {"SpecificCharacterSet": "ISO_IR 192", "StudyDescription": "МРТ колена, колено"},
            (Reason.UNCLEAR_BODY_PART,),
        ),
        ({"StudyDescription": "MR BRAIN AND C-SPINE"}, ()),
        ({"StudyDescription": "MRT Schaedel/HWS"}, ()),
        ({"SeriesDescription": "T1 SPIN ECHO HIPPOCAMPUS"}, ()),
        ({"SeriesDescription": "3 pl"}, (Reason.UNCLEAR_CONTENT,)),
        ({"SeriesDescription": "T1 KM SUB"}, (Reason.UNCLEAR_CONTENT,)),
        ({"BurnedInAnnotation": "YES"}, (Reason.BURNED_IN_TEXT,)),
        ({"BurnedInAnnotation": "NO"}, ()),
        ({"BurnedInAnnotation": "Y"}, (Reason.BURNED_IN_TEXT,)),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "SCREEN SAVE"]}, (Reason.BURNED_IN_TEXT,)),
        ({"SeriesDescription": "Screen Save"}, (Reason.BURNED_IN_TEXT,)),
        ({"SeriesDescription": "ScreenShots"}, (Reason.BURNED_IN_TEXT,)),
        ({"DerivationDescription": "digitized film"}, (Reason.BURNED_IN_TEXT,)),
        ({"DateOfSecondaryCapture": "20200101"}, (Reason.BURNED_IN_TEXT,)),
        ({"SecondaryCaptureDeviceManufacturer": "Scanner"}, (Reason.BURNED_IN_TEXT,)),
        ({"ConversionType": "DF"}, (Reason.BURNED_IN_TEXT,)),
        ({"PhotometricInterpretation": "RGB"}, (Reason.UNCLEAR_CONTENT,)),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "IN_PHASE"]}, ()),
        (
            {"StudyDescription": "MR BRAIN AND SPINE", "SeriesDescription": "T2 SAG C-SPINE"},
            (Reason.UNCLEAR_BODY_PART,),
        ),
        ({"StudyDescription": "MR BRAIN AND SPINE", "SeriesDescription": "T2 AX BRAIN"}, ()),
        ({"StudyDescription": "WHOLE BODY", "SeriesDescription": "T2 TRA HEAD"}, ()),
        ({"SeriesDescription": "SENSE reference scan"}, (Reason.UNCLEAR_CONTENT,)),
        ({"BodyPartExamined": "POSTERIOR FOSSA"}, ()),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, (Reason.BURNED_IN_TEXT,)),
        ({"SOPClassUID": MultiFrameGrayscaleByteSecondaryCaptureImageStorage}, (Reason.BURNED_IN_TEXT,)),
        ({"ComplexImageComponent": "REAL"}, (Reason.UNCLEAR_CONTENT,)),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, (Reason.UNCLEAR_CONTENT,)),
        ({"SeriesDescription": "3-plane loc"}, (Reason.UNCLEAR_CONTENT,)),
        ({"SeriesDescription": "Pha_Images"}, (Reason.UNCLEAR_CONTENT,)),
    ],
)
def test_what_is_hard_to_tell_is_flagged_and_what_is_not_stated_is_not(
    elements: dict[str, Any], flags: tuple[Any, ...] | tuple[Reason, ...]
) -> None:
    [found] = header(**elements).relevances
    assert (found.skip, found.flags) == (None, flags)


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


def test_an_original_of_our_own_make_as_a_phantom_is_analyzed() -> None:
    assert header(Manufacturer="brainscan", ManufacturerModelName="phantom").skip is None


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


def coded(value: str, scheme: str, meaning: str) -> list[Dataset]:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return [code]


@pytest.mark.parametrize(
    ("region", "skip"),
    [
        (("72696002", "SCT", "Knee"), Reason.OTHER_BODY_PART),
        (("72696002", "SCT", ""), Reason.OTHER_BODY_PART),
        (("T-D9200", "SRT", ""), Reason.OTHER_BODY_PART),
        (("12738006", "SCT", "Brain"), None),
        (("T-A0100", "SRT", ""), None),
    ],
)
def test_a_coded_region_counts_as_the_part_that_it_means(region: tuple[str, ...], skip: Reason | None) -> None:
    found = header(AnatomicRegionSequence=coded(*region))
    assert (found.skip, found.relevances[0].flags) == (skip, ())


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


@pytest.mark.parametrize("keyword", ["ProcedureCodeSequence", "RequestedProcedureCodeSequence"])
def test_an_order_that_is_coded_or_requested_names_its_part(keyword: str) -> None:
    [found] = header(**{keyword: coded("RPID1", "RADLEX", "MR Knee left")}).relevances
    assert found.flags == (Reason.UNCLEAR_BODY_PART,)
    request = Dataset()
    request.ScheduledProcedureStepDescription = "Lendenwirbelsäule"
    [found] = header(SpecificCharacterSet="ISO_IR 192", RequestAttributesSequence=[request]).relevances
    assert found.flags == (Reason.UNCLEAR_BODY_PART,)


@pytest.mark.parametrize(
    ("raw_type", "skip", "flags"),
    [(0, None, ()), (1, Reason.PHASE_IMAGE, ()), (2, None, (Reason.UNCLEAR_CONTENT,)), (3, Reason.PHASE_IMAGE, ())],
)
@pytest.mark.parametrize("vr", ["SS", "UN"])
def test_what_ge_says_of_an_image_in_an_element_of_its_own_counts(
    raw_type: int, skip: Reason | None, flags: tuple[Reason, ...], vr: str
) -> None:
    dataset = dicom_object(PIXELS, ImageType=["ORIGINAL", "PRIMARY", "OTHER"], Manufacturer="GE MEDICAL SYSTEMS")
    block = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
    block.add_new(0x2F, vr, raw_type if vr == "SS" else raw_type.to_bytes(2, "little"))
    [found] = read_header(dicom_bytes(dataset), Limits()).relevances
    assert (found.skip, found.flags) == (skip, flags)


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


SAGITTAL = [0, 1, 0, 0, 0, -1]
OBLIQUE = [0.9991238, 0.015085529, 0.039039638, 0.039316997, -0.018548675, -0.9990546]


@pytest.mark.parametrize("cosines", [[1, 0, 0, 0, 1, 0], SAGITTAL, OBLIQUE], ids=["axial", "sagittal", "oblique"])
def test_slices_sort_by_their_position_along_the_normal_whatever_their_numbers(cosines: Any) -> None:
    normal = np.cross(cosines[:3], cosines[3:])
    heights = [-120.5, -3.25, -3.2, 0.0, 7.125, 99.0]
    orders = [
        header(
            ImageOrientationPatient=cosines,
            ImagePositionPatient=[f"{value:.6f}" for value in normal * height + np.array(cosines[:3]) * 5],
            InstanceNumber=100 - place,
        ).orders[0]
        for place, height in enumerate(heights)
    ]
    assert orders == sorted(set(orders))
    assert np.allclose(np.diff(orders), np.diff(heights) * 1000, atol=1)


@pytest.mark.parametrize(
    "elements",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": [0, 0]},
        {"ImageOrientationPatient": None},
        {"ImagePositionPatient": [0, 0, "1e400"]},
    ],
)
def test_without_a_position_the_instance_number_stands_in(elements: dict[str, Any]) -> None:
    whole = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 0], "InstanceNumber": 7}
    assert header(**whole | elements).orders == (7,)


def test_a_report_is_no_image_and_damage_is_unreadable() -> None:
    report = dicom_object(PIXELS, SOPClassUID=BasicTextSRStorage)
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    for data, reason in ((dicom_bytes(report), Reason.NOT_AN_IMAGE), (io.BytesIO().getvalue(), Reason.UNREADABLE)):
        with pytest.raises(ScanError) as refused:
            read_header(data, Limits())
        assert refused.value.reason is reason


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


@pytest.mark.parametrize(
    "elements",
    [
        {"Manufacturer": "BrainScan", "ImageType": ["DERIVED", "SECONDARY"]},
        {"Manufacturer": "PACS", "ManufacturerModelName": "brainscan", "ImageType": ["DERIVED", "PRIMARY"]},
        {"SeriesDescription": "BRAINSCAN TUMOR SEGMENTATION, RESEARCH USE ONLY"},
        {"ImageComments": f"forwarded: {RESEARCH_USE_STATEMENT} (cut)"},
    ],
)
def test_our_own_answers_are_known_whatever_a_pacs_left_of_them(elements: dict[str, Any]) -> None:
    assert header(**elements).skip is Reason.OWN_REPORT


@pytest.mark.parametrize(
    ("value", "scheme"),
    [(code, "DCM") for code in ("113078", "113079", "113062", "113046", "113074", "113050", "129104", "129106")],
)
def test_a_derivation_that_is_coded_without_words_makes_a_map(value: str, scheme: str) -> None:
    assert header(DerivationCodeSequence=coded(value, scheme, "")).skip is Reason.DERIVED_MAP


@pytest.mark.parametrize("class_uid", ["66.4", "66.5", "66.7", "30", "30.1"])
@pytest.mark.parametrize("modality", ["MR", "", "OT"])
def test_a_class_of_computed_pixels_is_no_picture_whatever_its_modality(class_uid: str, modality: str) -> None:
    found = header(SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{class_uid}", Modality=modality)
    assert found.skip is Reason.DERIVED_MAP


def test_a_class_of_another_modality_is_a_doubt_about_one_that_calls_itself_mr() -> None:
    [found] = header(SOPClassUID=CTImageStorage).relevances
    assert (found.skip, found.flags) == (None, (Reason.UNCLEAR_MODALITY,))


@pytest.mark.parametrize("keyword", ["AnatomicRegionSequence", "PrimaryAnatomicStructureSequence"])
def test_a_code_of_another_part_counts_and_beside_the_head_is_a_doubt(keyword: str) -> None:
    knee = {keyword: coded("1", "99LOCAL", "Knee joint")}
    assert header(**knee).skip is Reason.OTHER_BODY_PART
    [found] = header(BodyPartExamined="HEAD", **knee).relevances
    assert (found.skip, found.flags) == (None, (Reason.UNCLEAR_BODY_PART,))


@pytest.mark.parametrize("keyword", ["RequestedProcedureCodeSequence", "ScheduledProtocolCodeSequence"])
def test_a_code_of_what_was_requested_names_its_part(keyword: str) -> None:
    request = Dataset()
    setattr(request, keyword, coded("1", "99LOCAL", "MRI knee left"))
    [found] = header(RequestAttributesSequence=[request]).relevances
    assert found.flags == (Reason.UNCLEAR_BODY_PART,)


@pytest.mark.parametrize("keyword", ["LUTLabel", "LUTExplanation"])
def test_what_values_are_said_to_mean_may_be_a_doubt(keyword: str) -> None:
    mapping = Dataset()
    setattr(mapping, keyword, "ADC")
    [found] = header(RealWorldValueMappingSequence=[mapping]).relevances
    assert found.flags == (Reason.UNCLEAR_CONTENT,)
    [found] = header(ImageComments="Mean kurtosis map").relevances
    assert found.flags == (Reason.UNCLEAR_CONTENT,)
