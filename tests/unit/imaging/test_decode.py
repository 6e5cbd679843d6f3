"""Decoding PNG, JPEG and TIFF: depth, grayness, limits, damage."""

import io
import struct
import tracemalloc
import warnings
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import count_frames, decode
from brainscan.imaging.sniff import sniff
from brainscan.settings import Limits
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient, picture, png_header

LIMITS = Limits()
GRAY = gradient()
DEEP = (gradient(dtype=np.uint16) * 200).astype(np.uint16)
COLOUR = np.stack([GRAY, GRAY[::-1], np.full_like(GRAY, 9)], axis=-1)


def refusal(data: bytes, kind: Kind, limits: Limits = LIMITS, frame: int = 0) -> Reason:
    with pytest.raises(ScanError) as refused:
        decode(data, kind, limits, frame)
    return refused.value.reason


def answer_or_reason(data: bytes, kind: Kind) -> npt.NDArray[Any] | Reason:
    """Anything but a `ScanError` fails the test that asks."""
    try:
        count_frames(data, kind, LIMITS)
        return decode(data, kind, LIMITS).pixels
    except ScanError as refused:
        return refused.reason


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        pytest.param(picture(GRAY), Kind.PNG, GRAY, id="PNG, 8 bits"),
        pytest.param(picture(DEEP), Kind.PNG, DEEP, id="PNG, 16 bits"),
        pytest.param(picture(GRAY, "TIFF"), Kind.TIFF, GRAY, id="TIFF, 8 bits"),
        pytest.param(picture(DEEP, "TIFF"), Kind.TIFF, DEEP, id="TIFF, 16 bits"),
        pytest.param(picture(DEEP.astype(">u2"), "TIFF"), Kind.TIFF, DEEP, id="TIFF, 16 bits, big endian"),
        pytest.param(picture(DEEP, "TIFF", big_tiff=True), Kind.TIFF, DEEP, id="BigTIFF"),
        pytest.param(picture(DEEP, "TIFF", compression="tiff_lzw"), Kind.TIFF, DEEP, id="TIFF, LZW"),
        pytest.param(
            picture(GRAY.astype(np.float32) / 7, "TIFF"), Kind.TIFF, GRAY.astype(np.float32) / 7, id="TIFF, float"
        ),
        pytest.param(
            picture(DEEP.astype(np.int32) - 9999, "TIFF"), Kind.TIFF, DEEP.astype(np.float32) - 9999, id="TIFF, signed"
        ),
        pytest.param(picture(GRAY > 60), Kind.PNG, (GRAY > 60) * np.uint8(255), id="PNG, 1 bit"),
    ],
)
def test_gray_keeps_its_values_and_depth(data: bytes, kind: Kind, expected: npt.NDArray[Any]) -> None:
    decoded = decode(data, kind, LIMITS)
    assert decoded.pixels.dtype == expected.dtype
    np.testing.assert_array_equal(decoded.pixels, expected)
    assert decoded.spacing_mm is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(picture(COLOUR), Kind.PNG, id="RGB"),
        pytest.param(picture(COLOUR, mode="RGBA"), Kind.PNG, id="alpha"),
        pytest.param(picture(COLOUR, mode="P"), Kind.PNG, id="palette"),
        pytest.param(picture(GRAY, mode="LA"), Kind.PNG, id="gray with alpha"),
        pytest.param(picture(COLOUR, "JPEG", mode="CMYK"), Kind.JPEG, id="CMYK"),
        pytest.param(picture(COLOUR, "TIFF"), Kind.TIFF, id="RGB TIFF"),
    ],
)
def test_all_that_is_not_gray_becomes_8_bit_luminance(data: bytes, kind: Kind) -> None:
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
    decoded = decode(data, kind, LIMITS)
    assert decoded.pixels.dtype == np.uint8
    np.testing.assert_array_equal(decoded.pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [Kind.JPEG, Kind.TIFF, Kind.PNG])
def test_orientation_tags_do_not_turn_the_pixels(kind: Kind, orientation: int) -> None:
    plain = decode(picture(GRAY, kind.name), kind, LIMITS).pixels
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = decode(picture(GRAY, kind.name, exif=exif.tobytes()), kind, LIMITS).pixels
    np.testing.assert_array_equal(turned, plain)


@pytest.mark.parametrize("pixels", [GRAY, DEEP], ids=["8 bits", "16 bits"])
def test_a_tiff_whose_zero_is_white_is_turned_over(pixels: npt.NDArray[Any]) -> None:
    data = bytearray(picture(pixels, "TIFF"))
    at = data.index(struct.pack("<HHI", 262, 3, 1)) + 8
    data[at] = 0
    top = np.iinfo(pixels.dtype).max
    np.testing.assert_array_equal(decode(bytes(data), Kind.TIFF, LIMITS).pixels, top - pixels)


def test_pixels_that_are_no_number_become_the_darkest() -> None:
    values = GRAY.astype(np.float32) + 5
    values[0, :3] = np.nan, np.inf, -np.inf
    decoded = decode(picture(values, "TIFF"), Kind.TIFF, LIMITS)
    assert decoded.pixels[0, :3].tolist() == [decoded.pixels.min()] * 3
    assert np.isfinite(decoded.pixels).all()


def test_the_pages_of_a_tiff_are_counted_and_decoded_one_by_one() -> None:
    pages = [Image.fromarray(GRAY + page) for page in range(3)]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    assert count_frames(file.getvalue(), Kind.TIFF, LIMITS) == 3
    for page in range(3):
        np.testing.assert_array_equal(decode(file.getvalue(), Kind.TIFF, LIMITS, page).pixels, GRAY + page)
    assert refusal(file.getvalue(), Kind.TIFF, frame=3) is Reason.UNREADABLE
    with pytest.raises(ScanError) as refused:
        count_frames(file.getvalue(), Kind.TIFF, Limits(frames=2))
    assert refused.value.reason is Reason.TOO_MANY_ENTRIES


def test_a_tiff_whose_pages_form_a_ring_ends() -> None:
    data = bytearray(picture(GRAY, "TIFF"))
    (first,) = struct.unpack_from("<I", data, 4)
    (tags,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * tags, first)
    assert count_frames(bytes(data), Kind.TIFF, LIMITS) == 1


@pytest.mark.parametrize("kind", [Kind.PNG, Kind.JPEG])
def test_a_file_of_one_image_has_one_frame(kind: Kind) -> None:
    data = picture(GRAY, kind.name)
    assert count_frames(data, kind, LIMITS) == 1
    assert refusal(data, kind, frame=1) is Reason.UNREADABLE


def jpeg_header(columns: int, rows: int) -> bytes:
    data = bytearray(picture(GRAY, "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, rows, columns)
    return bytes(data)


def tiff_header(columns: int, rows: int) -> bytes:
    data = picture(GRAY, "TIFF")
    for tag, size in ((256, columns), (257, rows)):
        at = data.index(struct.pack("<HH", tag, 4) if struct.pack("<HH", tag, 4) in data else struct.pack("<H", tag))
        data = data[:at] + struct.pack("<HHII", tag, 4, 1, size) + data[at + 12 :]
    return data


def dicom_header(columns: int, rows: int) -> bytes:
    return dicom_bytes(dicom_object(GRAY, Rows=rows, Columns=columns))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(png_header, Kind.PNG, id="PNG"),
        pytest.param(jpeg_header, Kind.JPEG, id="JPEG"),
        pytest.param(tiff_header, Kind.TIFF, id="TIFF"),
        pytest.param(dicom_header, Kind.DICOM, id="DICOM"),
    ],
)
def test_a_huge_image_is_refused_by_its_header_alone(make: Any, kind: Kind) -> None:
    data = make(40_000, 40_000)
    assert sniff(data) is kind
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracemalloc.start()
        assert refusal(data, kind) is Reason.TOO_MANY_PIXELS
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**20


def test_the_limit_itself_is_within_the_limit() -> None:
    data = picture(GRAY)
    assert decode(data, Kind.PNG, Limits(pixels=GRAY.size)).pixels.shape == GRAY.shape
    assert refusal(data, Kind.PNG, Limits(pixels=GRAY.size - 1)) is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(picture(GRAY), Kind.PNG, id="PNG"),
        pytest.param(picture(DEEP), Kind.PNG, id="PNG, 16 bits"),
        pytest.param(picture(GRAY, "JPEG", quality=95), Kind.JPEG, id="JPEG"),
        pytest.param(picture(GRAY, "JPEG", progressive=True), Kind.JPEG, id="JPEG, progressive"),
        pytest.param(picture(GRAY, "TIFF"), Kind.TIFF, id="TIFF"),
        pytest.param(picture(DEEP, "TIFF", compression="tiff_lzw"), Kind.TIFF, id="TIFF, LZW"),
        pytest.param(picture(GRAY, "TIFF", compression="tiff_adobe_deflate"), Kind.TIFF, id="TIFF, deflate"),
        pytest.param(picture(GRAY, "TIFF", compression="jpeg"), Kind.TIFF, id="TIFF, JPEG"),
        pytest.param(dicom_bytes(dicom_object(DEEP)), Kind.DICOM, id="DICOM"),
    ],
)
def test_a_file_cut_off_anywhere_is_unreadable_and_never_half_black(data: bytes, kind: Kind) -> None:
    whole = decode(data, kind, LIMITS).pixels
    lengths = sorted({*range(0, len(data), 4), *range(min(300, len(data))), *range(max(0, len(data) - 300), len(data))})
    answers = [answer_or_reason(data[:length], kind) for length in lengths]
    unreadable = [answer for answer in answers if answer is Reason.UNREADABLE]
    assert len(unreadable) >= len(lengths) * 0.9
    for answer in answers:
        # What is cut behind the last pixel may be missed, but then no pixel is.
        assert answer is Reason.UNREADABLE or np.array_equal(answer, whole)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.EMPTY, Reason.EMPTY_FILE),
        (Kind.OTHER, Reason.UNRECOGNIZED_CONTENT),
        (Kind.ZIP, Reason.UNRECOGNIZED_CONTENT),
        (Kind.NIFTI, Reason.UNREADABLE),
    ],
)
def test_what_is_no_image_is_refused_with_its_reason(kind: Kind, reason: Reason) -> None:
    assert refusal(b"", kind) is reason
    with pytest.raises(ScanError) as refused:
        count_frames(b"", kind, LIMITS)
    assert refused.value.reason is reason


def test_a_text_file_named_png_is_unrecognized() -> None:
    assert refusal(b"not a picture", sniff(b"not a picture")) is Reason.UNRECOGNIZED_CONTENT


SAMPLES = {
    Kind.PNG: picture(DEEP),
    Kind.JPEG: picture(GRAY, "JPEG"),
    Kind.TIFF: picture(DEEP, "TIFF", compression="tiff_lzw"),
    Kind.DICOM: dicom_bytes(dicom_object(DEEP, PixelSpacing=[1, 1], PixelPaddingValue=0)),
    Kind.NIFTI: nib.Nifti1Image(np.dstack([DEEP, DEEP]), np.eye(4)).to_bytes(),
}


@settings(deadline=None, max_examples=300)
@given(kind=st.sampled_from(sorted(SAMPLES)), data=st.data())
def test_mutated_files_decode_or_are_refused(kind: Kind, data: st.DataObject) -> None:
    content = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 8), label="mutations")):
        content[data.draw(st.integers(0, len(content) - 1), label="at")] = data.draw(st.integers(0, 255), label="byte")
    assert isinstance(answer_or_reason(bytes(content), kind), np.ndarray | Reason)


@settings(deadline=None, max_examples=200)
@given(kind=st.sampled_from(Kind), content=st.binary(max_size=300), keep=st.integers(0, 200))
def test_arbitrary_bytes_decode_or_are_refused(kind: Kind, content: bytes, keep: int) -> None:
    assert isinstance(answer_or_reason(SAMPLES.get(kind, b"")[:keep] + content, kind), np.ndarray | Reason)
