"""The picture for the reader: the scan, and an outline that covers no tumor."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from brainscan.imaging.overlay import OUTLINE_COLOUR, overlay, picture, windowed
from brainscan.imaging.prepare import PERCENTILES
from tests.unit.imaging.files import gradient

SCAN = gradient(120, 100)
LESION = np.hypot(*(np.mgrid[:120, :100] - np.array([60, 40])[:, None, None])) <= 12


def drawn(pixels: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    image = Image.open(io.BytesIO(overlay(windowed(pixels), mask)))
    assert (image.format, image.mode) == ("PNG", "P")
    return np.asarray(image.convert("RGB"))


def outline(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return np.asarray((picture == OUTLINE_COLOUR).all(axis=-1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_scan_is_gray_windowed_and_of_its_own_size(dtype: type[np.generic]) -> None:
    picture = drawn(SCAN.astype(dtype), np.zeros(SCAN.shape, bool))
    black, white = np.percentile(SCAN, PERCENTILES)
    assert picture.shape == (*SCAN.shape, 3)
    assert (picture == picture[..., :1]).all()
    np.testing.assert_allclose(
        picture[..., 0], np.clip((SCAN.astype(float) - black) / (white - black) * 255, 0, 255), atol=1
    )


def test_the_outline_surrounds_the_lesion_and_covers_none_of_it() -> None:
    line = outline(drawn(SCAN, LESION))
    assert not (line & LESION).any()
    for axis in (0, 1):
        for shift in (-1, 1):
            touched = np.roll(LESION, shift, axis) & ~LESION
            assert line[touched].all()
    np.testing.assert_array_equal(drawn(SCAN, LESION)[~line], drawn(SCAN, LESION & False)[~line])


def test_the_outline_grows_with_the_scan() -> None:
    def width(size: int) -> int:
        mask = np.zeros((size, size), bool)
        mask[size // 4 : size // 2, size // 4 : size // 2] = True
        return int(outline(drawn(gradient(size, size), mask))[size // 3].sum()) // 2

    assert [width(size) for size in (64, 300, 1200)] == [1, 1, 4]


def test_a_lesion_at_the_border_keeps_the_picture_within_its_size() -> None:
    mask = np.zeros(SCAN.shape, bool)
    mask[:9, -9:] = True
    assert outline(drawn(SCAN, mask)).sum() == 9 + 9 + 1


def test_the_plain_picture_has_the_windowed_grays() -> None:
    gray = windowed(SCAN)
    assert gray.max() == 255
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(picture(gray)))), gray)


def test_a_flat_image_is_drawn_black() -> None:
    assert not drawn(np.full((9, 9), 77, np.uint16), np.zeros((9, 9), bool)).any()
