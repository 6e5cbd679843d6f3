"""Which DICOM images are analyzed, which are skipped, and which are flagged; where each slice lies."""

import io
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from brainscan.dicom.header import read_header
from brainscan.domain import RESEARCH_USE_STATEMENT, Reason, ScanError
from brainscan.settings import Limits
from tests.unit.dicom.headers import PIXELS, header
from tests.unit.imaging.files import dicom_bytes, dicom_object


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


def test_an_original_of_our_own_make_as_a_phantom_is_analyzed() -> None:
    assert header(Manufacturer="brainscan", ManufacturerModelName="phantom").skip is None


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


def test_a_report_is_no_image_and_damage_is_unreadable() -> None:
    report = dicom_object(PIXELS, SOPClassUID=BasicTextSRStorage)
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    for data, reason in ((dicom_bytes(report), Reason.NOT_AN_IMAGE), (io.BytesIO().getvalue(), Reason.UNREADABLE)):
        with pytest.raises(ScanError) as refused:
            read_header(data, Limits())
        assert refused.value.reason is reason


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


@pytest.mark.parametrize("keyword", ["LUTLabel", "LUTExplanation"])
def test_what_values_are_said_to_mean_may_be_a_doubt(keyword: str) -> None:
    mapping = Dataset()
    setattr(mapping, keyword, "ADC")
    [found] = header(RealWorldValueMappingSequence=[mapping]).relevances
    assert found.flags == (Reason.UNCLEAR_CONTENT,)
    [found] = header(ImageComments="Mean kurtosis map").relevances
    assert found.flags == (Reason.UNCLEAR_CONTENT,)
