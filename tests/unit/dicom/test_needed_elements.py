"""A needed element is read in whatever form it has; in one that says nothing it is absent, or the file is refused."""

import io
import struct
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from brainscan.dicom.header import read_header
from brainscan.dicom.repair import repair
from brainscan.dicom.source import read_source
from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import Decoded, decode
from brainscan.settings import Limits
from tests import series as mr
from tests.unit.dicom.odd import encoded_as, with_raw

EXPLICIT = [ExplicitVRLittleEndian, ExplicitVRBigEndian]
ADC = b"DERIVED\\PRIMARY\\DIFFUSION\\ADC"


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """pydicom warns of what is wrong on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def image(**changes: Any) -> Dataset:
    [made] = mr.mr_series(1, **changes)
    return made


def read(data: bytes) -> Decoded:
    read_header(data, Limits())
    read_source(data, 10**9)
    return decode(data, Kind.DICOM, Limits())


def shows_the_same(found: Decoded) -> bool:
    """Up to a linear scale."""
    stored, pixels = image().pixel_array.astype(float), found.pixels.astype(float)
    return pixels.shape == stored.shape and np.allclose(pixels / pixels.max(), stored / stored.max(), atol=2e-3)


@pytest.mark.parametrize("syntax", EXPLICIT, ids=lambda each: each.keyword)
@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("Rows", "IS", b"48"),
        ("Rows", "DS", b"48.0"),
        ("Columns", "LO", b"64"),
        ("BitsAllocated", "LO", b"16"),
        ("BitsStored", "IS", b"12"),
        ("HighBit", "DS", b"11"),
        ("HighBit", "US", b""),
        ("SamplesPerPixel", "LO", b"1 "),
        ("PixelRepresentation", "IS", b"0 "),
        ("PhotometricInterpretation", "LO", b"MONOCHROME2 "),
        ("PhotometricInterpretation", "UT", b"MONOCHROME2 "),
        ("PhotometricInterpretation", "CS", b"monochrome2 "),
        ("NumberOfFrames", "DS", b"1.0 "),
        ("NumberOfFrames", "IS", b"0 "),
        ("PixelPaddingValue", "IS", b"9999"),
        ("PixelPaddingValue", "US", b"\0\0\0"),
        ("VOILUTSequence", "UN", b"abcd"),
        ("ModalityLUTSequence", "OB", b"abcd"),
        ("PlanarConfiguration", "CS", b"0 "),
        ("SpecificCharacterSet", "US", b"\0\0"),
    ],
)
def test_what_a_pixel_means_is_read_by_any_vr(syntax: UID, keyword: str, vr: str, value: bytes) -> None:
    found = read(with_raw(image(), keyword, vr, value, syntax))
    assert shows_the_same(found)
    assert found.spacing_mm == mr.SPACING


@pytest.mark.parametrize("syntax", [*EXPLICIT, ImplicitVRLittleEndian], ids=lambda each: each.keyword)
@pytest.mark.parametrize(
    ("keyword", "value", "beside"),
    [
        ("RescaleSlope", b"1,25", {"RescaleIntercept": "0"}),
        ("RescaleSlope", b"0 ", {"RescaleIntercept": "0"}),
        ("RescaleSlope", b"0,0 ", {"RescaleIntercept": "0"}),
        ("RescaleSlope", b"nan ", {"RescaleIntercept": "0"}),
        ("RescaleSlope", b"1.25 mm", {"RescaleIntercept": "0"}),
        ("RescaleSlope", b"1.25\\1.25", {"RescaleIntercept": "0"}),
        ("RescaleSlope", b"1.25", {}),
        ("RescaleIntercept", b"-1,5", {"RescaleSlope": "1"}),
        ("RescaleIntercept", b"", {"RescaleSlope": "2"}),
        ("WindowCenter", b"450,5 ", {"WindowWidth": "900"}),
        ("WindowCenter", b"", {"WindowWidth": "900"}),
        ("WindowWidth", b"900,0 ", {"WindowCenter": "450"}),
        ("WindowWidth", b"0 ", {"WindowCenter": "450"}),
        ("WindowWidth", b"-5", {"WindowCenter": "450"}),
        ("WindowWidth", b"inf ", {"WindowCenter": "450"}),
    ],
)
def test_a_scale_or_a_window_that_says_nothing_changes_no_picture(
    syntax: UID, keyword: str, value: bytes, beside: dict[str, str]
) -> None:
    assert shows_the_same(read(with_raw(image(**beside), keyword, "DS", value, syntax)))


@pytest.mark.parametrize("descriptor", [[4096, 0, 16], [0, 0, 8], [4, 0, 16]])
def test_a_look_up_table_that_lacks_values_is_passed_over(descriptor: list[int]) -> None:
    table = Dataset()
    table.LUTDescriptor = descriptor
    table.add_new(0x00283006, "OW", bytes(6))
    assert shows_the_same(read(mr.file_bytes(image(VOILUTSequence=[table]))))


@pytest.mark.parametrize(("center", "width"), [(1, 2), (12, 4), (890, 4), (450, 1), (30_000, 10), (-500, 100)])
def test_a_window_that_leaves_no_grays_of_the_head_is_passed_over(center: int, width: int) -> None:
    assert shows_the_same(read(mr.file_bytes(image(WindowCenter=center, WindowWidth=width))))


@pytest.mark.parametrize(("center", "width"), [(600, 100), (200, 500)])
def test_a_window_that_leaves_grays_counts(center: int, width: int) -> None:
    assert not shows_the_same(read(mr.file_bytes(image(WindowCenter=center, WindowWidth=width, RescaleType="US"))))


@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"])
@pytest.mark.parametrize(
    ("value", "spacing"),
    [
        (b"1,5\\1,25", (1.5, 1.25)),
        (b" 1.5 \\ 1.25", (1.5, 1.25)),
        (b"1.5e0\\12.5E-1 ", (1.5, 1.25)),
        (b"", None),
        (b"1.5 ", None),
        (b"0\\0 ", None),
        (b"nan\\nan ", None),
        (b"9999\\9999 ", None),
    ],
)
def test_a_spacing_is_what_it_can_be_or_none(keyword: str, value: bytes, spacing: tuple[float, float] | None) -> None:
    bare = image()
    del bare.PixelSpacing
    found = read(with_raw(bare, keyword, "DS", value, ExplicitVRLittleEndian))
    assert found.spacing_mm == spacing
    assert found.pixel_aspect == (1.0 if spacing is None else pytest.approx(1.2))


@pytest.mark.parametrize(
    ("vr", "value", "aspect"),
    [
        ("IS", b"2\\1 ", 2.0),
        ("DS", b"2.0\\1.0 ", 2.0),
        ("IS", b"1\\3 ", 1 / 3),
        ("IS", b"0\\1 ", 1.0),
        ("IS", b"2 ", 1.0),
    ],
)
def test_without_a_spacing_the_aspect_ratio_says_how_a_pixel_is_shaped(vr: str, value: bytes, aspect: float) -> None:
    bare = image()
    del bare.PixelSpacing
    found = read(with_raw(bare, "PixelAspectRatio", vr, value, ExplicitVRLittleEndian))
    assert (found.spacing_mm, found.pixel_aspect) == (None, pytest.approx(aspect))
    stated = read(with_raw(image(), "PixelAspectRatio", vr, value, ExplicitVRLittleEndian))
    assert stated.pixel_aspect == pytest.approx(1.2)  # millimetres are the better evidence


@pytest.mark.parametrize("vr", ["CS", "LO", "SH", "UT", "UN", "ST"])
@pytest.mark.parametrize(
    ("keyword", "value", "skip"),
    [
        ("ImageType", ADC, Reason.DERIVED_MAP),
        ("ImageType", b"ORIGINAL\\PRIMARY\\LOCALIZER", Reason.LOCALIZER),
        ("Modality", b"CT", Reason.OTHER_MODALITY),
        ("ComplexImageComponent", b"PHASE ", Reason.PHASE_IMAGE),
        ("BodyPartExamined", b"KNEE", Reason.OTHER_BODY_PART),
        ("VolumeBasedCalculationTechnique", b"MAX_IP", Reason.DERIVED_MAP),
    ],
)
def test_what_an_image_is_of_counts_by_any_vr_of_text(keyword: str, value: bytes, skip: Reason, vr: str) -> None:
    data = with_raw(image(), keyword, vr, value, ExplicitVRLittleEndian)
    assert read_header(data, Limits()).skip is skip


@pytest.mark.parametrize(
    ("keyword", "found"),
    [("StudyInstanceUID", "study_uid"), ("SeriesInstanceUID", "series_uid"), ("PatientID", "patient_id")],
)
@pytest.mark.parametrize("vr", ["UI", "LO", "SH", "UT", "UN"])
def test_identifiers_are_read_by_any_vr_of_text(keyword: str, found: str, vr: str) -> None:
    data = with_raw(image(), keyword, vr, b" 1.2.03.4 ", ExplicitVRLittleEndian)
    assert getattr(read_header(data, Limits()), found) == "1.2.03.4"
    assert str(read_source(data, 10**9)[keyword].value) == "1.2.03.4"


def test_gray_pixels_without_a_number_of_samples_have_one() -> None:
    bare = image()
    del bare.SamplesPerPixel
    assert shows_the_same(read(encoded_as(bare, ExplicitVRLittleEndian)))


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
@pytest.mark.parametrize("value", [b"", b"\x30\0\0", b"\x30", b"\x30\0\x40\0"])
def test_words_of_an_odd_length_or_number_are_no_number_of_pixels(keyword: str, value: bytes) -> None:
    with pytest.raises(ScanError) as refused:
        read(with_raw(image(), keyword, "US", value, ExplicitVRLittleEndian))
    assert refused.value.reason is Reason.UNREADABLE


@given(
    keyword=st.sampled_from(["SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue", "HighBit"]),
    value=st.binary(min_size=1, max_size=9).filter(lambda value: len(value) % 2),
    vr=st.sampled_from(["US", "SS", "OW", "OB", "UN"]),
)
def test_an_optional_word_of_an_odd_length_is_as_if_it_were_absent(keyword: str, value: bytes, vr: str) -> None:
    assert shows_the_same(read(with_raw(image(), keyword, vr, value, ExplicitVRLittleEndian)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_words_are_read_in_the_byte_order_of_the_file(order: str) -> None:
    syntax = ExplicitVRLittleEndian if order == "<" else ExplicitVRBigEndian
    for vr in ("OW", "UN", "US"):
        data = with_raw(image(), "Rows", vr, struct.pack(f"{order}H", mr.ROWS), syntax)
        assert shows_the_same(read(data))


@pytest.mark.parametrize("vr", ["OW", "OB", "UN"])
@pytest.mark.parametrize(("signed", "value"), [(0, 65_000), (1, -1_000)])
def test_words_have_the_sign_of_the_pixels(vr: str, signed: int, value: int) -> None:
    raw = struct.pack("<h" if signed else "<H", value)
    made = image(PixelRepresentation=signed)
    read_again = dcmread(io.BytesIO(with_raw(made, "PixelPaddingValue", vr, raw, ExplicitVRLittleEndian)))
    repair(read_again)
    assert read_again.PixelPaddingValue == value
