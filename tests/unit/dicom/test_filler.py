"""Filler that no header speaks of is as dark as the background, and background is no filler."""

from typing import Any

import numpy as np
import pytest

from brainscan.dicom.unstated_padding import unstated_padding
from brainscan.domain import Kind
from brainscan.imaging.decode import decode
from brainscan.settings import Limits
from tests import series as mr

ROWS, COLUMNS = np.mgrid[: mr.ROWS, : mr.COLUMNS]
HEAD = np.hypot(ROWS - 24, COLUMNS - 32) < 20
PICTURE = np.where(HEAD, 500 + 10 * ROWS, 3 + COLUMNS % 5)
CORNER = ROWS + COLUMNS < 20


@pytest.mark.parametrize(("filler", "signed"), [(65_535, 0), (4_095, 0), (32_767, 1), (-2_000, 1), (-32_768, 1)])
def test_filler_far_from_every_value_does_not_set_the_brightness(filler: int, signed: int) -> None:
    [image] = mr.mr_series(1, PixelRepresentation=signed, BitsStored=16, HighBit=15)
    image.PixelData = np.where(CORNER, filler, PICTURE).astype("<i4").astype("<u2").tobytes()
    pixels = decode(mr.file_bytes(image), Kind.DICOM, Limits()).pixels
    np.testing.assert_array_equal(pixels[~CORNER], PICTURE[~CORNER])
    assert PICTURE.min() - 4 <= pixels[CORNER].min() == pixels[CORNER].max() <= PICTURE.min()


@pytest.mark.parametrize(("top", "filler"), [(4_095, 0), (60_000, 0), (60_000, 7), (3_000, 65_535)])
def test_filler_of_a_picture_that_is_turned_over_is_dark_too(top: int, filler: int) -> None:
    [image] = mr.mr_series(1, PhotometricInterpretation="MONOCHROME1", BitsStored=16, HighBit=15)
    image.PixelData = np.where(CORNER, filler, top - PICTURE).astype("<u2").tobytes()
    pixels = decode(mr.file_bytes(image), Kind.DICOM, Limits()).pixels.astype(int)
    np.testing.assert_array_equal(pixels[~CORNER] - pixels[~CORNER].min(), (PICTURE - PICTURE[~CORNER].min())[~CORNER])
    assert (pixels[CORNER] - pixels[~CORNER].min() <= 0).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.where(HEAD, 1000 + ROWS, 0),
        np.where(HEAD, 255, 0),
        np.where(HEAD, ROWS, 60),
        np.where(HEAD, PICTURE, 4095 - PICTURE),
        np.full(HEAD.shape, 7),
        np.where((ROWS == 5) & (COLUMNS == 5), 60_000, PICTURE),
    ],
    ids=["stripped", "binary", "bright background", "turned over", "blank", "one bright pixel"],
)
def test_background_and_bright_pixels_are_none(picture: Any) -> None:
    assert unstated_padding(picture) is None


@pytest.mark.parametrize("edge", [ROWS == 0, ROWS == mr.ROWS - 1, COLUMNS == 0, COLUMNS == mr.COLUMNS - 1])
def test_filler_along_any_one_edge_is_found(edge: Any) -> None:
    found = unstated_padding(np.where(edge, 60_000, PICTURE))
    assert found is not None
    np.testing.assert_array_equal(found, edge)
