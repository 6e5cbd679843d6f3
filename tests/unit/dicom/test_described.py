"""What a header leaves out of the description of its pixels, or says wrongly, is told by the rest of it."""

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from brainscan.dicom.header import read_header
from brainscan.dicom.planes import plane_of
from brainscan.dicom.source import read_source
from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import Decoded, decode
from brainscan.settings import Limits
from tests import series as mr
from tests.unit.dicom.odd import encoded_as, with_raw

DESCRIPTION = (
    "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]


def image() -> Dataset:
    [made] = mr.mr_series(1)
    made["PixelData"].VR = "OW"
    return made


def stored() -> np.ndarray:
    return np.asarray(image().pixel_array)


def read(data: bytes) -> Decoded:
    return decode(data, Kind.DICOM, Limits())


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda each: each.keyword)
@pytest.mark.parametrize("absent", [(each,) for each in DESCRIPTION] + [DESCRIPTION], ids=lambda each: each[0])
@pytest.mark.parametrize("emptied", [False, True])
def test_pixels_whose_description_is_incomplete_are_read(absent: tuple[str, ...], emptied: bool, syntax: UID) -> None:
    partly = image()
    for keyword in absent:
        if emptied:
            setattr(partly, keyword, None)
        else:
            del partly[keyword]
    assert np.array_equal(read(encoded_as(partly, syntax)).pixels, stored())


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("BitsStored", "US", b"\0\0"),
        ("BitsStored", "US", b"\x20\0"),
        ("HighBit", "US", b"\x1f\0"),
        ("SamplesPerPixel", "US", b"\0\0"),
        ("PixelRepresentation", "US", b"\2\0"),
        ("PhotometricInterpretation", "CS", b"MONOCHROME 2"),
        ("PhotometricInterpretation", "CS", b"monochrome2 "),
    ],
)
def test_a_description_that_cannot_be_is_passed_over(keyword: str, vr: str, value: bytes) -> None:
    assert np.array_equal(read(with_raw(image(), keyword, vr, value, ExplicitVRLittleEndian)).pixels, stored())


def test_gray_that_nobody_calls_gray_is_a_doubt_and_pixels_of_no_known_depth_are_refused() -> None:
    unnamed = image()
    del unnamed["PhotometricInterpretation"]
    [judged] = read_header(mr.file_bytes(unnamed), Limits()).relevances
    assert (judged.skip, judged.flags) == (None, (Reason.UNCLEAR_CONTENT,))
    odd = image()
    odd.BitsAllocated, odd.PixelData = None, odd.PixelData[:5000]
    with pytest.raises(ScanError) as refused:
        read(mr.file_bytes(odd))
    assert refused.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize(
    ("value", "spacing", "aspect"),
    [
        (b"1.5mm\\1.25 mm ", (1.5, 1.25), 1.2),
        (b"1.5/1.25", (1.5, 1.25), 1.2),
        (b"1.5,1.25", (1.5, 1.25), 1.2),
        (b"[1.5 1.25]", (1.5, 1.25), 1.2),
        (b"-1.5\\-1.25 ", None, 1.2),
        (b"0.0034\\0.0017 ", None, 2.0),
        (b"3400\\1700 ", None, 2.0),
        (b"3.4\\1.7\\6", None, 2.0),
        (b"0\\1.7 ", None, 1.0),
        (b"1000\\0.1", None, 1.0),
    ],
)
def test_a_spacing_in_a_unit_of_its_own_still_tells_how_oblong_pixels_are(
    value: bytes, spacing: Any, aspect: float
) -> None:
    found = read(with_raw(image(), "PixelSpacing", "DS", value, ExplicitVRLittleEndian))
    assert (found.spacing_mm, found.pixel_aspect) == (spacing, pytest.approx(aspect))


@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (b"1.7\\3.4", ()),
        (b"", ()),
        (b".17 cm\\.34 cm", (Reason.UNCLEAR_ORIENTATION,)),
        (b"1.7\\\\3.4", (Reason.UNCLEAR_ORIENTATION,)),
        (b"1'7\\3'4 ", (Reason.UNCLEAR_ORIENTATION,)),
        (b"0\\0 ", (Reason.UNCLEAR_ORIENTATION,)),
        (b"1,7,3,4 ", (Reason.UNCLEAR_ORIENTATION,)),
        (b"\xff\xfe", (Reason.UNCLEAR_ORIENTATION,)),
    ],
)
@pytest.mark.parametrize("vr", ["DS", "LO", "UN"])
def test_a_spacing_that_cannot_be_read_is_a_doubt_about_the_shape_of_pixels(value: bytes, flags: Any, vr: str) -> None:
    data = with_raw(image(), "PixelSpacing", vr, value, ExplicitVRLittleEndian)
    assert read(data).flags == flags
    assert read_source(data, 10**9).PatientID == mr.PATIENT_ID


def test_a_frame_whose_own_group_states_no_spacing_has_the_shared_one() -> None:
    stack = mr.enhanced(mr.mr_series(3))
    for frame in stack.PerFrameFunctionalGroupsSequence:
        of_frame = Dataset()
        of_frame.SliceThickness = 2
        frame.PixelMeasuresSequence = [of_frame]
    shared = Dataset()
    shared.PixelSpacing = [1.5, 3]
    stack.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = [shared]
    assert decode(mr.file_bytes(stack), Kind.DICOM, Limits(), 1).spacing_mm == (1.5, 3)


def test_directions_that_span_no_plane_leave_the_instance_numbers_to_order_slices() -> None:
    flat = mr.mr_series(3, ImageOrientationPatient=[0, 0, 0, 0, 0, 0])
    assert [read_header(mr.file_bytes(each), Limits()).orders for each in flat] == [(1,), (2,), (3,)]


@pytest.mark.parametrize("stated", [None, "", "1", "3", "-1"])
def test_frames_that_nobody_counted_do_not_vanish(stated: str | None) -> None:
    stack = image()
    frames = np.stack([stored() + n for n in range(4)])
    stack.PixelData, stack.NumberOfFrames = frames.astype("<u2").tobytes(), stated
    data = encoded_as(stack, ExplicitVRLittleEndian)
    assert len(read_header(data, Limits()).orders) == 4
    assert all(np.array_equal(decode(data, Kind.DICOM, Limits(), n).pixels, each) for n, each in enumerate(frames))


@pytest.mark.parametrize("stated", [None, "", "1", "2", "-1"])
@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_frames_of_a_compressed_object_do_not_vanish_either(syntax: UID, grouped: bool, stated: str | None) -> None:
    stack = mr.enhanced(mr.mr_series(3))
    frames = stack.pixel_array
    stack.compress(syntax, generate_instance_uid=False)
    stack.NumberOfFrames = stated
    if not grouped:
        del stack.PerFrameFunctionalGroupsSequence
    data = mr.file_bytes(stack)
    assert len(read_header(data, Limits()).orders) == 3
    assert all(np.array_equal(decode(data, Kind.DICOM, Limits(), n).pixels, each) for n, each in enumerate(frames))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("offsets", [True, False])
def test_fragments_that_go_on_with_a_frame_are_no_frames(count: int, offsets: bool) -> None:
    stack = mr.enhanced(mr.mr_series(count))
    stack.compress(JPEGLSLossless, generate_instance_uid=False)
    whole = list(generate_frames(stack.PixelData, number_of_frames=count))
    stack.PixelData = encapsulate(whole, fragments_per_frame=3, has_bot=offsets)
    del stack.NumberOfFrames, stack.PerFrameFunctionalGroupsSequence
    assert len(read_header(mr.file_bytes(stack), Limits()).orders) == count


@pytest.mark.parametrize(
    "more", [b"", bytes(2), bytes(512), bytes(2 * mr.ROWS * mr.COLUMNS - 2), bytes(3 * mr.ROWS * mr.COLUMNS)]
)
def test_bytes_behind_the_pixels_are_no_frame(more: bytes) -> None:
    padded = image()
    padded.PixelData += more
    assert len(read_header(encoded_as(padded, ExplicitVRLittleEndian), Limits()).orders) == 1


def test_twice_as_many_bytes_as_pixels_are_words() -> None:
    halved = image()
    halved.BitsAllocated = halved.BitsStored = 8
    halved.HighBit = 7
    data = encoded_as(halved, ExplicitVRLittleEndian)
    assert len(read_header(data, Limits()).orders) == 1
    assert np.array_equal(read(data).pixels, stored())


@pytest.mark.parametrize("frames", [None, 4])
def test_the_position_of_an_object_is_not_that_of_each_of_its_frames(frames: int | None) -> None:
    stack = image()
    stack.PixelData, stack.NumberOfFrames = 4 * stack.PixelData, frames
    data = encoded_as(stack, ExplicitVRLittleEndian)
    assert read_header(data, Limits()).orders == (1, 2, 3, 4)
    header = read_source(data, 10**9)
    assert [plane_of(header, frame) for frame in range(4)] == [None] * 4
