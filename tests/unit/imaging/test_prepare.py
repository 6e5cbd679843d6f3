"""Preparing a scan: the crop, the intensities, the size, and the way back onto the source grid."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from brainscan.domain import Reason, ScanError
from brainscan.imaging.prepare import OUTSIDE_LOGIT, prepare, uncrop

ROWS, COLUMNS = np.mgrid[:200, :300]


def head(center: Any = (90, 140), radii: Any = (60, 40), dtype: Any = np.uint8) -> Any:
    """A bright ellipse with an inner gradient on a black 200 x 300 image."""
    inside = ((ROWS - center[0]) / radii[0]) ** 2 + ((COLUMNS - center[1]) / radii[1]) ** 2 <= 1
    return np.where(inside, 100 + COLUMNS // 3, 0).astype(dtype)


def test_input_is_square_float32_within_minus_one_and_one() -> None:
    for size in (32, 128, 224):
        prepared = prepare(head(), size).input
        assert prepared.shape == (size, size, 1)
        assert prepared.dtype == np.float32
        assert prepared.min() == -1
        assert prepared.max() == 1


def test_the_crop_is_the_head_and_the_padding_makes_it_a_square_with_margin() -> None:
    crop = prepare(head(), 128).crop
    # The ellipse spans rows 30..150 and columns 100..180; rows and columns with <= 2% foreground are cut off.
    assert 30 <= crop.top <= 33
    assert crop.left in (100, 101)
    assert 115 <= crop.height <= 121
    assert 79 <= crop.width <= 81
    assert crop.side == round(crop.height * 1.04)
    assert crop.pad_top == (crop.side - crop.height) // 2
    assert crop.pad_left == (crop.side - crop.width) // 2
    assert crop.area == crop.height * crop.width


def test_the_same_head_elsewhere_in_the_image_gives_the_same_input() -> None:
    shifted = np.roll(head(), (25, 60), axis=(0, 1))
    np.testing.assert_array_equal(prepare(shifted, 64).input, prepare(head(), 64).input)
    here, there = prepare(head(), 64).crop, prepare(shifted, 64).crop
    assert (there.top - here.top, there.left - here.left) == (25, 60)


def test_specks_outside_the_head_do_not_widen_the_crop() -> None:
    scan = head()
    scan[5, 5:7] = 255
    assert prepare(scan, 64).crop == prepare(head(), 64).crop


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_scale_and_offset_of_other_types_do_not_matter(dtype: Any) -> None:
    eight_bit = head()
    eight_bit[0, 0] = 255
    other = (eight_bit.astype(np.float64) * 16 - 1000 * np.issubdtype(dtype, np.signedinteger)).astype(dtype)
    np.testing.assert_allclose(prepare(other, 64).input, prepare(eight_bit, 64).input, atol=1e-4)


def test_pixels_that_are_not_finite_count_as_the_darkest() -> None:
    scan = head(dtype=np.float32)
    holed = scan.copy()
    holed[0, :10] = (np.nan, np.inf, -np.inf, *[np.nan] * 7)
    np.testing.assert_array_equal(prepare(holed, 64).input, prepare(scan, 64).input)


def test_area_averaging_keeps_the_mean_at_any_ratio() -> None:
    scan = np.zeros((203, 203), np.uint8)
    scan[2:201, 2:201] = np.random.default_rng(0).integers(30, 256, (199, 199))
    means = [prepare(scan, size).input.mean() for size in (32, 63, 128, 199)]
    np.testing.assert_allclose(means, means[0], atol=2e-5)


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((64, 64), np.uint8),
        np.full((64, 64), 200, np.uint8),
        np.full((64, 64), 7, np.uint16),
        np.full((64, 64), np.nan, np.float32),
        np.eye(1024, dtype=np.uint8) * 255,
        np.ones((1, 1), np.uint8),
    ],
    ids=["black", "flat", "flat 16 bits", "nothing finite", "thin line", "one pixel"],
)
def test_an_image_without_foreground_is_blank(blank: Any) -> None:
    with pytest.raises(ScanError) as caught:
        prepare(blank, 64)
    assert caught.value.reason is Reason.BLANK_IMAGE


@pytest.mark.parametrize("shape", [(10, 10, 3), (0, 10), (10,)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        prepare(np.zeros(shape, np.uint8), 64)


@pytest.mark.parametrize("size", [64, 224])
def test_a_map_comes_back_where_it_was_seen(size: int) -> None:
    scan = head()
    prepared = prepare(scan, size)
    back = uncrop(prepared.input[..., 0], prepared.crop, scan.shape)
    assert back.shape == scan.shape
    inside = scan > 0
    agreement = np.mean((back > -0.9) == inside)
    assert agreement > 0.99
    crop = prepared.crop
    seen = np.zeros(scan.shape, bool)
    seen[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width] = True
    assert (back[~seen] == OUTSIDE_LOGIT).all()
    assert (back[seen] >= -1).all()


def test_a_lesion_keeps_its_place_through_the_network_grid() -> None:
    scan = head()
    lesion = (ROWS - 100) ** 2 + (COLUMNS - 150) ** 2 <= 14**2
    prepared = prepare(np.where(lesion, 255, scan).astype(np.uint8), 128)
    back = uncrop(np.where(prepared.input[..., 0] > 0.5, 5, -5).astype(np.float32), prepared.crop, scan.shape) > 0
    overlap = 2 * (back & lesion).sum() / (back.sum() + lesion.sum())
    assert overlap > 0.95


def test_a_crop_of_another_image_is_refused() -> None:
    prepared = prepare(head(), 64)
    with pytest.raises(ValueError, match="exceeds"):
        uncrop(prepared.input[..., 0], prepared.crop, (50, 50))


@pytest.mark.parametrize("aspect", [0.4, 0.5, 2, 3])
def test_a_squeezed_head_looks_like_the_head(aspect: float) -> None:
    scan = np.asarray(Image.fromarray(head()).filter(ImageFilter.GaussianBlur(4)))  # sharp edges do not survive
    rows, columns = round(scan.shape[0] / max(1, aspect)), round(scan.shape[1] * min(1, aspect))
    squeezed = np.asarray(Image.fromarray(scan).resize((columns, rows), Image.Resampling.BOX))
    square, mended = prepare(scan, 128).input, prepare(squeezed, 128, aspect).input
    as_it_lies = prepare(squeezed, 128).input
    assert np.abs(mended - square).mean() < 0.03
    assert np.abs(as_it_lies - square).mean() > 10 * np.abs(mended - square).mean()


@pytest.mark.parametrize("aspect", [0.4, 3])
def test_a_map_of_a_squeezed_head_comes_back_on_the_rows_and_columns_of_its_file(aspect: float) -> None:
    rows, columns = np.mgrid[: round(200 / max(1, aspect)), : round(300 * min(1, aspect))]
    y, x = rows * max(1, aspect), columns / min(1, aspect)
    inside = ((y - 90) / 60) ** 2 + ((x - 140) / 40) ** 2 <= 1
    lesion = (y - 100) ** 2 + (x - 150) ** 2 <= 14**2
    scan = np.where(lesion, 255, np.where(inside, 130, 0)).astype(np.uint8)
    prepared = prepare(scan, 128, aspect)
    back = uncrop(np.where(prepared.input[..., 0] > 0.5, 5, -5).astype(np.float32), prepared.crop, scan.shape) > 0
    assert back.shape == scan.shape
    assert 2 * (back & lesion).sum() / (back.sum() + lesion.sum()) > 0.9


def test_pixels_as_long_as_a_needle_cost_no_memory() -> None:
    crop = prepare(head(), 64, 1e6).crop
    assert max(crop.resampled) <= 300


@pytest.mark.parametrize("aspect", [0, -1, np.nan, np.inf])
def test_an_aspect_that_no_pixel_has_is_refused(aspect: Any) -> None:
    with pytest.raises(ValueError, match="height over its width"):
        prepare(head(), 64, aspect)
