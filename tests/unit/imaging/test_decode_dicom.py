"""Decoding DICOM: intensities as the standard means them, spacing, and refusals that quote nothing."""

import io
import logging
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MediaStorageDirectoryStorage,
    RLELossless,
    SegmentationStorage,
)

from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import count_frames, decode
from brainscan.settings import Limits
from tests.unit.imaging.decoding import DEEP, GRAY, LIMITS, SIGNED, decoded, in_form, refusal
from tests.unit.imaging.files import SECRET, dicom_bytes, dicom_object, picture


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
@pytest.mark.parametrize("pixels", [GRAY, DEEP], ids=["8 bits", "16 bits"])
def test_uncompressed_pixels_keep_values_and_depth(
    pixels: npt.NDArray[Any], transfer_syntax: Any, preamble: bool
) -> None:
    answer = decode(dicom_bytes(dicom_object(pixels), transfer_syntax, preamble), Kind.DICOM, LIMITS)
    assert answer.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(answer.pixels, pixels)


def test_big_endian_is_read() -> None:
    dataset = dicom_object(DEEP)
    dataset.PixelData = DEEP.astype(">u2").tobytes()
    dataset["PixelData"].VR = "OW"
    answer = decode(dicom_bytes(dataset, ExplicitVRBigEndian), Kind.DICOM, LIMITS)
    np.testing.assert_array_equal(answer.pixels, DEEP)


def test_signed_pixels_keep_their_sign() -> None:
    np.testing.assert_array_equal(decoded(dicom_object(SIGNED)).pixels, SIGNED)


def test_rescale_slope_and_intercept_are_applied() -> None:
    answer = decoded(dicom_object(DEEP, RescaleSlope=0.5, RescaleIntercept=-100))
    np.testing.assert_allclose(answer.pixels, DEEP * 0.5 - 100)


def test_a_modality_lookup_table_is_applied() -> None:
    table = np.arange(256, dtype=np.uint16)[::-1] * 7
    lookup = Dataset()
    lookup.LUTDescriptor = [256, 0, 16]
    lookup.ModalityLUTType = "US"
    lookup.LUTData = table.tobytes()
    lookup["LUTDescriptor"].VR, lookup["LUTData"].VR = "US", "OW"
    np.testing.assert_array_equal(decoded(dicom_object(GRAY, ModalityLUTSequence=[lookup])).pixels, table[GRAY])


def test_monochrome1_is_turned_over_so_that_bright_is_bright() -> None:
    answer = decoded(dicom_object(DEEP, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(answer.pixels, DEEP.max() - (DEEP - DEEP.min()))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("padding", "stored"), [(-2000, -2000), (63536, -2000), (32767, 32767)])
def test_padding_is_as_dark_as_the_background_and_does_not_stretch_the_range(
    photometric: str, padding: int, stored: int
) -> None:
    """63536 is what -2000 looks like to writers that take the padding of signed pixels for unsigned."""
    pixels = SIGNED.copy()
    pixels[:, :5] = stored
    dataset = dicom_object(pixels, PhotometricInterpretation=photometric)
    dataset.add_new("PixelPaddingValue", "US" if padding > 32767 else "SS", padding)
    answer = decoded(dataset).pixels
    inside = SIGNED[:, 5:]
    assert (answer[:, :5] == inside.min()).all()
    assert (answer.min(), answer.max()) == (inside.min(), inside.max())


def test_a_range_of_padding_values_is_padding_throughout() -> None:
    pixels = DEEP + np.uint16(10)
    pixels[0, :4] = 1, 2, 3, 4
    answer = decoded(dicom_object(pixels, PixelPaddingValue=1, PixelPaddingRangeLimit=3)).pixels
    assert answer[0, :4].tolist() == [4, 4, 4, 4]


def test_colour_becomes_luminance() -> None:
    colour = np.zeros((4, 6, 3), np.uint8)
    colour[..., 0], colour[:2, :, 1] = 200, 100
    answer = decoded(dicom_object(colour)).pixels
    assert answer.dtype == np.uint8
    assert answer[0, 0] == round(0.299 * 200 + 0.587 * 100)
    assert answer[3, 0] == round(0.299 * 200)


def test_each_frame_has_its_own_pixels_rescale_and_spacing() -> None:
    def macro(slope: float, spacing: float) -> Dataset:
        groups, values, measures = Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = slope, 0
        measures.PixelSpacing = [spacing, spacing]
        groups.PixelValueTransformationSequence = [values]
        groups.PixelMeasuresSequence = [measures]
        return groups

    frames = np.stack([DEEP, DEEP[::-1]])
    dataset = dicom_object(DEEP, NumberOfFrames=2)
    dataset.PerFrameFunctionalGroupsSequence = [macro(2, 0.5), macro(3, 0.6)]
    dataset.PixelData = frames.tobytes()
    assert count_frames(dicom_bytes(dataset), Kind.DICOM, LIMITS) == 2
    for frame, (slope, spacing) in enumerate([(2, 0.5), (3, 0.6)]):
        answer = decoded(dataset, frame)
        np.testing.assert_array_equal(answer.pixels, frames[frame] * float(slope))
        assert answer.spacing_mm == (spacing, spacing)


def test_more_frames_than_the_limit_are_refused() -> None:
    data = dicom_bytes(dicom_object(GRAY, NumberOfFrames=10**6))
    with pytest.raises(ScanError) as refused:
        count_frames(data, Kind.DICOM, LIMITS)
    assert refused.value.reason is Reason.TOO_MANY_ENTRIES


def test_run_length_and_jpeg_2000_are_decoded() -> None:
    run_length = dicom_object(DEEP)
    run_length.compress(RLELossless)
    jpeg_2000 = dicom_object(DEEP)
    jpeg_2000.PixelData = encapsulate([picture(DEEP, "JPEG2000", no_jp2=True)])
    for dataset, transfer_syntax in ((run_length, RLELossless), (jpeg_2000, JPEG2000Lossless)):
        answer = decode(dicom_bytes(dataset, transfer_syntax), Kind.DICOM, LIMITS)
        np.testing.assert_array_equal(answer.pixels, DEEP)


def test_a_compression_without_decoder_is_unsupported() -> None:
    dataset = dicom_object(GRAY)
    dataset.PixelData = encapsulate([picture(GRAY, "JPEG")])
    assert refusal(dicom_bytes(dataset, MPEG2MPML)).reason is Reason.UNSUPPORTED_ENCODING


def test_a_window_is_applied_as_the_standard_says() -> None:
    answer = decoded(dicom_object(DEEP, WindowCenter=[1500, 50], WindowWidth=[1601, 10])).pixels
    low, high = DEEP <= 1500 - 0.5 - 800, DEEP > 1500 - 0.5 + 800
    assert (answer[low] == 0).all()
    assert (answer[high] == 65535).all()
    inside = ~low & ~high
    np.testing.assert_allclose(answer[inside], ((DEEP[inside] - 1499.5) / 1600 + 0.5) * 65535, rtol=1e-5)


def test_a_voi_lookup_table_goes_before_a_window() -> None:
    lookup = Dataset()
    lookup.LUTDescriptor = [256, 0, 16]
    lookup.LUTData = (np.arange(256, dtype=np.uint16) ** 2).tobytes()
    lookup["LUTDescriptor"].VR, lookup["LUTData"].VR = "US", "OW"
    answer = decoded(dicom_object(GRAY, VOILUTSequence=[lookup], WindowCenter=10, WindowWidth=2, RescaleSlope=1))
    np.testing.assert_array_equal(answer.pixels, GRAY.astype(np.uint16) ** 2)


@pytest.mark.parametrize(("center", "width"), [(10**6, 10), (0, 0), ("", ""), (-5000, 2)])
def test_a_window_that_shows_nothing_is_passed_over(center: Any, width: Any) -> None:
    np.testing.assert_array_equal(decoded(dicom_object(DEEP, WindowCenter=center, WindowWidth=width)).pixels, DEEP)


def mosaic(count: int | None) -> Dataset:
    dataset = dicom_object(DEEP, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])
    if count is not None:
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", count)
    return dataset


def test_a_mosaic_comes_apart_into_its_slices() -> None:
    data = dicom_bytes(mosaic(3))
    assert count_frames(data, Kind.DICOM, LIMITS) == 3
    for place, tile in enumerate([DEEP[:12, :16], DEEP[:12, 16:], DEEP[12:, :16]]):
        np.testing.assert_array_equal(decode(data, Kind.DICOM, LIMITS, place).pixels, tile)
    with pytest.raises(ScanError):
        decode(data, Kind.DICOM, LIMITS, 3)


@pytest.mark.parametrize("count", [None, 0, 30])
def test_a_mosaic_that_does_not_say_its_number_of_slices_is_unsupported(count: int | None) -> None:
    assert refusal(dicom_bytes(mosaic(count))).reason is Reason.UNSUPPORTED_ENCODING


def deflated(dataset: Dataset, padding: int = 0) -> bytes:
    body = dicom_bytes(dataset)
    at = body.index(b"\x08\x00\x16\x00")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    head = dicom_bytes(dataset, DeflatedExplicitVRLittleEndian)
    meta_end = 132 + 12 + int.from_bytes(head[140:144], "little")
    return head[:meta_end] + compressor.compress(body[at:] + bytes(padding)) + compressor.flush()


def test_a_deflated_object_is_inflated_up_to_the_limit() -> None:
    data = deflated(dicom_object(DEEP))
    np.testing.assert_array_equal(decode(data, Kind.DICOM, LIMITS).pixels, DEEP)
    bomb = deflated(dicom_object(DEEP), padding=2**20)
    with pytest.raises(ScanError) as refused:
        decode(bomb, Kind.DICOM, Limits(scan_bytes=2**16))
    assert refused.value.reason is Reason.EXPANDED_TOO_LARGE
    assert refusal(data[:-9]).reason is Reason.UNREADABLE


@pytest.mark.parametrize("sop_class", [BasicTextSRStorage, MediaStorageDirectoryStorage, "1.3.12.2.1107.5.9.1"])
def test_objects_of_classes_without_pixels_are_not_images(sop_class: str) -> None:
    dataset = dicom_object(GRAY, SOPClassUID=sop_class)
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(dataset, keyword)
    data = dicom_bytes(dataset)
    assert refusal(data).reason is Reason.NOT_AN_IMAGE
    with pytest.raises(ScanError) as refused:
        count_frames(data, Kind.DICOM, LIMITS)
    assert refused.value.reason is Reason.NOT_AN_IMAGE


def test_an_image_object_that_lost_its_pixels_is_unreadable() -> None:
    dataset = dicom_object(GRAY)
    del dataset.PixelData
    assert refusal(dicom_bytes(dataset)).reason is Reason.UNREADABLE


def test_a_segmentation_keeps_its_rows_and_columns() -> None:
    bits = np.packbits(GRAY.ravel() > 60, bitorder="little")
    dataset = dicom_object(GRAY, SOPClassUID=SegmentationStorage, BitsAllocated=1, BitsStored=1, HighBit=0)
    dataset.PixelData = bits.tobytes()
    np.testing.assert_array_equal(decoded(dataset).pixels, (GRAY > 60).astype(np.uint8))


def test_no_refusal_or_log_quotes_the_header(caplog: pytest.LogCaptureFixture, recwarn: Any) -> None:
    """A name that slipped into another element, which is where decoders complain about it."""
    data = dicom_bytes(dicom_object(GRAY, NumberOfFrames=12345678)).replace(b"12345678", SECRET.encode())
    assert data.count(SECRET.encode()) == 2
    with caplog.at_level(logging.DEBUG):
        refused = refusal(data)
    assert refused.reason is Reason.UNREADABLE
    heard = [str(refused), *(record.getMessage() for record in caplog.records), *(str(w.message) for w in recwarn)]
    assert not any(SECRET in text for text in heard)
    assert refused.__suppress_context__


def test_an_empty_stream_is_no_object() -> None:
    assert refusal(io.BytesIO().getvalue()).reason is Reason.UNREADABLE


@pytest.mark.parametrize("slope", [b"", b"1,25", b"one", b"1.2.5", b"nan"])
def test_a_rescale_that_is_no_number_costs_no_scan_its_answer(slope: bytes) -> None:
    np.testing.assert_array_equal(decoded(in_form(slope, RescaleIntercept="0")).pixels, DEEP)


def test_in_unknown_units_a_window_says_nothing() -> None:
    window = {"WindowCenter": "400", "WindowWidth": "100"}
    assert decoded(in_form(b"1.25", RescaleIntercept="0", **window)).pixels.max() > DEEP.max()
    np.testing.assert_array_equal(decoded(in_form(b"1,25", RescaleIntercept="0", **window)).pixels, DEEP)
