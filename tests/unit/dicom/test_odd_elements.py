"""An element that nobody needs costs nothing, whatever is wrong with it; a needed one is read in any form it has."""

import io
import struct
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

from brainscan.dicom.capture import capture
from brainscan.dicom.header import read_header
from brainscan.dicom.report_identity import ReportIdentity
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.sr import measurement_report
from brainscan.domain import Kind, Outcome, Reason, ScanError, SeriesResult, TumorClass
from brainscan.imaging.decode import decode
from brainscan.imaging.overlay import overlay
from brainscan.settings import Limits
from tests import series as mr
from tests.fuzz.mutations import beginning, elements_of
from tests.making import NOON, PSEUDONYMS
from tests.unit.dicom.odd import encoded_as, with_raw

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
UNNEEDED = {
    "SmallestImagePixelValue": "US",
    "EchoTrainLength": "IS",
    "FlipAngle": "DS",
    "AcquisitionDuration": "FD",
    "PatientSize": "DS",
    "PregnancyStatus": "US",
    0x60000010: "US",
    "RequestAttributesSequence": "SQ",
    "B1rms": "FL",
    "AcquisitionDateTime": "DT",
    "FrameIncrementPointer": "AT",
    0x00191090: "FL",
    0x00191091: "SS",
    0x00291010: "SL",
}
"""Attributes, two of them private, that say nothing of where a slice lies or what a pixel means, and their VRs."""


def image(**changes: Any) -> Dataset:
    [made] = mr.mr_series(1, **changes)
    return made


def answers(data: bytes) -> tuple[np.ndarray, Dataset, Dataset]:
    """The pixels, a measurement report and a capture, as far as reading a file has anything to do with them."""
    read_header(data, Limits())
    pixels = decode(data, Kind.DICOM, Limits()).pixels
    source = SourceImage(read_source(data, 10**9))
    scan_id = "1" * 32
    shown = dict.fromkeys(TumorClass, 0.25)
    result = SeriesResult(
        series_id="5" * 32, revision=1, outcome=Outcome.ANALYZED, predicted=TumorClass.NO_TUMOR, probabilities=shown
    )
    identity = ReportIdentity(PSEUDONYMS, "5" * 32, 1, "f" * 64, NOON)
    report = measurement_report(result, {scan_id: source}, None, identity)
    picture = overlay(np.full((mr.ROWS, mr.COLUMNS), 99, np.uint8), mr.disc(5))
    made = [report, capture(picture, result, source, identity)]
    written, pictured = (dcmread(io.BytesIO(mr.file_bytes(each))) for each in made)
    return np.asarray(pixels), written, pictured


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    keyword=st.sampled_from(list(UNNEEDED)),
    value=st.binary(min_size=1, max_size=13),
    other_vr=st.sampled_from([None, None, "UN", "UT", "OB", "FD", "SH", "SQ"]),
    syntax=st.sampled_from(SYNTAXES),
)
def test_an_element_that_nobody_needs_may_hold_any_bytes_by_any_vr(
    keyword: Any, value: bytes, other_vr: Any, syntax: Any
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of what is wrong on purpose
        data = with_raw(image(), keyword, other_vr or UNNEEDED[keyword], value, syntax)
        pixels, report, made = answers(data)
    assert np.array_equal(pixels, image().pixel_array)
    assert (report.PatientID, made.PatientID) == (mr.PATIENT_ID, mr.PATIENT_ID)
    assert made.StudyInstanceUID == mr.STUDY_UID


def test_a_delimiter_that_closes_nothing_is_passed_over() -> None:
    data = mr.file_bytes(image())
    place = data.index(b"\x18\x00\x20\x00CS")  # ScanningSequence
    stray = b"\xfe\xff\xdd\xe0\0\0\0\0"
    pixels, report, _ = answers(data[:place] + stray + data[place:])
    assert np.array_equal(pixels, image().pixel_array)
    assert report.PatientID == mr.PATIENT_ID


STRAYS = {
    "end of a sequence": (0xFFFEE0DD, b""),
    "end of an item": (0xFFFEE00D, b""),
    "an item": (0xFFFEE000, b""),
    "end with a value": (0xFFFEE0DD, b"abcd"),
    "nothing": (0, b""),
}


@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=lambda each: each.keyword
)
def test_a_stray_delimiter_is_passed_over_or_costs_the_file_wherever_it_stands(syntax: UID, stray: str) -> None:
    """It is never answered without a report: what reads the header, the pixels and the source agree."""
    tag, value = STRAYS[stray]
    order = "<" if syntax.is_little_endian else ">"
    raw = struct.pack(f"{order}HHI", tag >> 16, tag & 0xFFFF, len(value)) + value
    whole = image()
    if not syntax.is_little_endian:
        whole.PixelData = np.frombuffer(whole.PixelData, "<u2").astype(">u2").tobytes()
    start, elements = beginning(whole, syntax), elements_of(whole, syntax)
    bodies = [each.encoded(implicit=syntax.is_implicit_VR, order=order) for each in elements]
    answered = 0
    for place in range(1, len(bodies) + 1, 3):
        data = start + b"".join([*bodies[:place], raw, *bodies[place:]])
        try:
            read_header(data, Limits())
        except ScanError as refused:
            assert refused.reason is Reason.UNREADABLE
            continue
        assert np.array_equal(decode(data, Kind.DICOM, Limits()).pixels, image().pixel_array)
        assert read_source(data, 10**9).PatientID == mr.PATIENT_ID
        answered += 1
    assert answered or stray == "end of an item"


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda each: each.keyword)
@pytest.mark.parametrize(
    ("keyword", "vr", "value", "found"),
    [
        ("PixelSpacing", "UT", b"1.5\\1.25", [1.5, 1.25]),
        ("PixelSpacing", "LO", b"1,5\\1,25 ", [1.5, 1.25]),
        ("PixelSpacing", "DS", b"1.50000000000000000000\\1.25", [1.5, 1.25]),
        ("ImagePositionPatient", "ST", b"-30.0\\-40,0\\10 ", [-30, -40, 10]),
        ("ImageOrientationPatient", "UN", b"1\\0\\0\\0\\1\\0 ", [1, 0, 0, 0, 1, 0]),
        ("SliceThickness", "SH", b"2,0 ", 2),
        ("SeriesNumber", "DS", b"3.0 ", 3),
        ("InstanceNumber", "IS", b"1.50", 1),
    ],
)
def test_numbers_of_the_right_content_are_read_in_any_form(
    syntax: Any, keyword: str, vr: str, value: bytes, found: int | list[float] | list[int]
) -> None:
    header = read_source(with_raw(image(), keyword, vr, value, syntax), 10**9)
    assert header[keyword].value == found


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda each: each.keyword)
@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("RescaleSlope", "DS", b""),
        ("RescaleSlope", "DS", b"1,25"),
        ("RescaleSlope", "LO", b"none"),
        ("WindowCenter", "DS", b"about 40"),
        ("PixelPaddingValue", "US", b"\0\0\0"),
        ("NumberOfFrames", "IS", b"1.0 "),
        ("NumberOfFrames", "IS", b""),
        ("InstanceNumber", "IS", b"first "),
    ],
)
def test_a_needed_number_that_is_none_counts_as_absent(syntax: Any, keyword: str, vr: str, value: bytes) -> None:
    data = with_raw(image(RescaleIntercept="0"), keyword, vr, value, syntax)
    pixels = decode(data, Kind.DICOM, Limits()).pixels
    stored = image().pixel_array.astype(float)
    assert np.allclose(pixels / pixels.max(), stored / stored.max(), atol=1e-6)  # a linear scale changes no picture
    assert len(read_header(data, Limits()).orders) == 1
    assert read_source(data, 10**9).PatientID == mr.PATIENT_ID


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda each: each.keyword)
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID"])
@pytest.mark.parametrize("stated", [None, b"", b"image 1 ", b"\xff\xfe"])
def test_the_meta_information_names_an_instance_that_does_not_name_itself(
    syntax: Any, keyword: str, stated: bytes | None
) -> None:
    named = image()
    if stated is None:
        del named[keyword]
    data = encoded_as(named, syntax) if stated is None else with_raw(named, keyword, "UI", stated, syntax)
    assert read_header(data, Limits()).instance_uid == image().SOPInstanceUID
    _, report, _ = answers(data)
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert [each.ReferencedSOPInstanceUID for each in evidence] == [image().SOPInstanceUID]


@pytest.mark.parametrize(
    ("written", "character_set", "name"),
    [
        ("latin-1", None, "Müller^Jürgen"),
        ("latin-1", "ISO_IR 6", "Müller^Jürgen"),
        ("latin-1", "ISO_IR 192", "Müller^Jürgen"),
        ("utf-8", None, "Wang^XiaoDong=王^小東"),
        ("utf-8", "ISO_IR 999", "Müller^Jürgen"),
        ("iso8859-5", "ISO_IR 144", "Люкceмбypг"),
        ("latin-1", "ISO_IR 100", "Müller^Jürgen"),
        ("utf-8", "ISO_IR 100", "Müller^Jürgen"),
        ("utf-8", "ISO_IR 144", "Люксембург"),
        ("utf-8", "ISO_IR 101", "Wałęsa^Lech"),
    ],
)
def test_a_name_is_readable_whatever_the_header_says_of_its_character_set(
    written: str, character_set: str | None, name: str
) -> None:
    named = image()
    del named.SpecificCharacterSet
    if character_set:
        named.SpecificCharacterSet = character_set
    data = with_raw(named, "PatientName", "PN", name.encode(written), ExplicitVRLittleEndian)
    _, report, made = answers(data)
    assert [str(each.PatientName) for each in (report, made)] == [name, name]
    assert {report.SpecificCharacterSet, made.SpecificCharacterSet} == {"ISO_IR 192"}


def test_text_in_answers_fits_its_vr_and_half_an_identifier_is_none() -> None:
    long = image(AccessionNumber="A" * 44, StudyID="S" * 44, StudyDescription="d" * 200, PatientName="N" * 100)
    _, report, made = answers(mr.file_bytes(long))
    for each in (report, made):
        assert (each.AccessionNumber, each.StudyID) == ("", "")
        assert str(each.PatientName) == "N" * 64


def test_uids_with_leading_zeros_are_referred_to_as_they_are() -> None:
    uids = {"StudyInstanceUID": "1.2.03.1", "SeriesInstanceUID": "1.2.03.2", "SOPInstanceUID": "1.2.03.0004"}
    _, report, _ = answers(mr.file_bytes(image(**uids)))
    study = report.CurrentRequestedProcedureEvidenceSequence[0]
    found = study.ReferencedSeriesSequence[0]
    assert report.StudyInstanceUID == study.StudyInstanceUID == uids["StudyInstanceUID"]
    assert found.SeriesInstanceUID == uids["SeriesInstanceUID"]
    assert found.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == uids["SOPInstanceUID"]


def test_a_source_holds_what_answers_repeat_and_nothing_else() -> None:
    private = image(PatientComments="Canary", OtherPatientIDs="Canary", InstitutionAddress="Canary")
    private.private_block(0x0019, "INVENTED", create=True).add_new(0x10, "LO", "Canary")
    private.ReferencedImageSequence = [Dataset()]
    private.ReferencedImageSequence[0].ReferencedSOPInstanceUID = generate_uid()
    copied = read_source(mr.file_bytes(private), 10**9)
    assert not {"PatientComments", "OtherPatientIDs", "InstitutionAddress", "ReferencedImageSequence"} & set(
        copied.dir()
    )
    assert not any(element.tag.is_private for element in copied)
