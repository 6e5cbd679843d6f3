"""What a source's header lacks or has wrong costs neither the answers nor a patient's identity."""

import io
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from brainscan.dicom.capture import capture
from brainscan.dicom.planes import plane_of
from brainscan.dicom.report_identity import ReportIdentity, ReportObject
from brainscan.dicom.source import SourceImage, read_source
from brainscan.domain import Outcome, SeriesResult
from brainscan.imaging.overlay import overlay
from tests import series as mr
from tests.making import NOON, PSEUDONYMS, present

STAMP = ReportIdentity(PSEUDONYMS, "5" * 32, 1, "f" * 64, NOON)


def source(**changes: Any) -> Dataset:
    [image] = mr.mr_series(1, **changes)
    return read_source(mr.file_bytes(image), 10**9)


def captured(header: Any) -> Any:
    """A capture made from the header, written and read again."""
    answer = SeriesResult(series_id="5" * 32, revision=1, outcome=Outcome.ANALYZED)
    picture = overlay(np.full((mr.ROWS, mr.COLUMNS), 99, np.uint8), mr.disc(5))
    made = capture(picture, answer, SourceImage(header), STAMP)
    return dcmread(io.BytesIO(mr.file_bytes(made)))


def test_pixels_stay_behind_and_identifiers_do_not() -> None:
    header = source()
    assert "PixelData" not in header
    assert (str(header.PatientName), header.PatientID) == (mr.NAME, mr.PATIENT_ID)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PatientAge", "42"), ("PatientBirthDate", "unknown"), ("StudyTime", "noon"), ("PatientSex", "X")],
)
def test_a_value_against_the_standard_is_emptied_and_the_rest_kept(keyword: str, value: str) -> None:
    header = source(**{keyword: value})
    assert not header.get(keyword)
    assert captured(header).PatientID == mr.PATIENT_ID


def test_codes_and_dates_by_the_standard_are_kept() -> None:
    stated = {"PatientAge": "042Y", "PatientBirthDate": "19530405", "StudyTime": "101112", "PatientSex": "F"}
    header = source(**stated)
    assert {keyword: header[keyword].value for keyword in stated} == stated


def test_what_must_be_there_with_or_without_a_value_is_there() -> None:
    [image] = mr.mr_series(1)
    for keyword in ("PatientID", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDate"):
        del image[keyword]
    made = captured(read_source(mr.file_bytes(image), 10**9))
    assert all(keyword in made for keyword in ("PatientID", "StudyID", "AccessionNumber", "StudyDate"))


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東"),
        ("ISO_IR 6", "Plain^Name"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_arrive_in_any_character_set(character_set: list[str] | str, name: str) -> None:
    assert str(captured(source(SpecificCharacterSet=character_set, PatientName=name)).PatientName) == name


def test_a_series_without_frame_of_reference_gets_one_of_its_own() -> None:
    first, again = source(FrameOfReferenceUID=""), source(FrameOfReferenceUID="")
    other = source(FrameOfReferenceUID="", SeriesInstanceUID="1.2.3.9")
    assert first.FrameOfReferenceUID == again.FrameOfReferenceUID != other.FrameOfReferenceUID


@pytest.mark.parametrize(
    "changes",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": [1, 2]},
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        {"ImageOrientationPatient": [2, 0, 0, 0, 2, 0]},
    ],
)
def test_a_header_that_does_not_say_where_its_slice_lies_has_no_plane(changes: dict[str, Any]) -> None:
    assert plane_of(source(**changes), None) is None


def test_frames_have_planes_of_their_own() -> None:
    header = read_source(mr.file_bytes(mr.enhanced(mr.mr_series(3, distance=4))), 10**9)
    heights = sorted(present(plane_of(header, frame)).position_mm[2] for frame in range(3))
    assert heights == [10, 14, 18]


def test_an_answer_says_when_it_was_reported_not_when_its_file_was_written() -> None:
    made = captured(source())
    assert (made.InstanceCreationDate, made.InstanceCreationTime) == ("20260301", "120000.000000")
    assert (made.ContentDate, made.ContentTime) == ("20260301", "120000")


def test_uids_are_the_same_for_the_same_series_and_revision_alone() -> None:
    later = ReportIdentity(PSEUDONYMS, "5" * 32, 2, "f" * 64, NOON)
    uids = [identity.instance_uid(answer) for identity in (STAMP, STAMP, later) for answer in ReportObject]
    assert uids[:3] == uids[3:6]
    assert len(set(uids)) == 6
    assert all(len(uid) <= 64 and uid.startswith("2.25.") for uid in uids)
