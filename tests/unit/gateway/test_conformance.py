"""The conformance statement says what the code does: it is written from its tables, and the tables hold."""

import re
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import AllTransferSyntaxes

from brainscan.dicom import mosaic, relevance, values
from brainscan.dicom.capture import capture
from brainscan.dicom.header import read_header
from brainscan.dicom.pixels import frame_pixels, has_decoder, read_object
from brainscan.dicom.report_identity import SOP_CLASSES, ReportIdentity, ReportObject
from brainscan.dicom.seg import segmentation
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.sr import measurement_report
from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome, ScanError, SeriesResult, TumorClass
from brainscan.gateway.conformance import statement
from brainscan.imaging.overlay import overlay
from brainscan.series.lesions import OutlinedSlice, lesions_of
from brainscan.settings import Limits
from tests import series as mr
from tests.making import NOON, PSEUDONYMS

PAGE = Path(__file__).parents[3] / "docs/conformance.md"


@pytest.fixture(scope="module")
def written() -> dict[ReportObject, Dataset]:
    """The objects of a report."""
    sources = [SourceImage(read_source(mr.file_bytes(each), 10**9)) for each in mr.mr_series(3)]
    mask = mr.disc(6)
    outlined = [
        OutlinedSlice(mr.answered(n, TumorClass.GLIOMA, mask), mask, n, each.plane, 3.0)
        for n, each in enumerate(sources)
    ]
    lesions, labels = lesions_of(outlined)
    ids = [each.record.scan_id for each in outlined]
    result = SeriesResult(
        series_id="5" * 32, revision=1, outcome=Outcome.ANALYZED, predicted=TumorClass.GLIOMA, confidence=0.9,
        probabilities=dict.fromkeys(TumorClass, 0.25), lesions=tuple(lesions),
    )  # fmt: skip
    identity = ReportIdentity(PSEUDONYMS, "5" * 32, 1, "f" * 64, NOON)
    seg = segmentation(sources, {ids.index(each): label for each, label in labels.items()}, lesions, identity)
    shown = capture(overlay(mask.astype(np.uint8) * 99, mask), result, sources[1], identity)
    sr = measurement_report(result, dict(zip(ids, sources, strict=True)), seg, identity)
    return {ReportObject.SEGMENTATION: seg, ReportObject.REPORT: sr, ReportObject.CAPTURE: shown}


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == statement(), "write it anew: make docs"
    assert RESEARCH_USE_STATEMENT in statement()


def test_objects_are_of_the_classes_that_it_states_and_have_no_private_attributes(
    written: dict[ReportObject, Dataset],
) -> None:
    for kind, made in written.items():
        assert made.SOPClassUID == SOP_CLASSES[kind]
        assert str(made.SOPClassUID) in statement()
        assert not any(element.tag.is_private for element in made.iterall())


def test_every_attribute_that_is_asked_for_is_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = set()
    known = values.tag_and_vr
    monkeypatch.setattr(values, "tag_and_vr", lambda keyword: asked.add(keyword) or known(keyword))
    private = set()
    for room in (mosaic, relevance):
        monkeypatch.setattr(room, "private_integer", lambda _dataset, *which: private.add(which))
    of_ge = mr.mr_series(1, Manufacturer="GE MEDICAL SYSTEMS")
    with pytest.raises(ScanError):
        read_header(mr.file_bytes(mr.mr_series(1, ImageType=["ORIGINAL", "PRIMARY", "MOSAIC"])[0]), Limits())
    for data in (mr.file_bytes(of_ge[0]), mr.file_bytes(mr.enhanced(mr.mr_series(2)))):
        read_header(data, Limits())
        frame_pixels(read_object(data, 10**9), 0)
        read_source(data, 10**9)
    assert len(asked) > 40
    assert {f"({group:04X},xx{element:02X})" for _, group, element in private} == {"(0019,xx0A)", "(0043,xx2F)"}
    assert [each for each in private if f"`({each[1]:04X},xx{each[2]:02X})` of {each[0]}" not in statement()] == []
    assert sorted(each for each in asked if f"`{each}`" not in statement()) == []


def test_every_written_attribute_of_the_table_is_in_an_object(written: dict[ReportObject, Dataset]) -> None:
    table = statement().partition("### 7.4")[2].partition("### 7.5")[0]
    keywords = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    held = {element.keyword for made in written.values() for element in made.iterall()}
    assert {"PatientName", "SoftwareVersions", "SpacingBetweenSlices", "BurnedInAnnotation"} <= keywords
    assert keywords <= held | {"IssuerOfPatientID", "StudyDescription", "InstitutionName", "StationName"}


def test_a_transfer_syntax_that_can_be_decoded_is_listed_and_no_other() -> None:
    listed = {uid for uid in AllTransferSyntaxes if f"| `{uid}` |" in statement()}
    plain = {uid for uid in AllTransferSyntaxes if not uid.is_compressed or uid.is_deflated}
    assert listed == plain | {uid for uid in AllTransferSyntaxes if has_decoder(uid)}
    assert {"JPEG2000Lossless", "RLELossless", "JPEGLSLossless", "HTJ2K"} <= {uid.keyword for uid in listed}
