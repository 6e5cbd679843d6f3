"""Codes of regions, derivations, orders and classes count as the words that they mean."""

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from brainscan.domain import Reason
from tests.unit.dicom.headers import coded, header


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


@pytest.mark.parametrize("keyword", ["ProcedureCodeSequence", "RequestedProcedureCodeSequence"])
def test_an_order_that_is_coded_or_requested_names_its_part(keyword: str) -> None:
    [found] = header(**{keyword: coded("RPID1", "RADLEX", "MR Knee left")}).relevances
    assert found.flags == (Reason.UNCLEAR_BODY_PART,)
    request = Dataset()
    request.ScheduledProcedureStepDescription = "Lendenwirbelsäule"
    [found] = header(SpecificCharacterSet="ISO_IR 192", RequestAttributesSequence=[request]).relevances
    assert found.flags == (Reason.UNCLEAR_BODY_PART,)


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
