"""From logits to the mask on the scan's own pixels."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from brainscan.imaging.mask import bounding_box, encode_mask, to_mask
from brainscan.imaging.prepare import Crop, prepare

N = 64
CROP = Crop(top=40, left=20, height=100, width=120, pad_top=12, pad_left=2, side=124)
SHAPE = (200, 180)


def logits(*blobs: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    """(N, N): +4 inside discs of (row, column, radius), -4 outside."""
    rows, columns = np.mgrid[:N, :N]
    inside = np.zeros((N, N), bool)
    for row, column, radius in blobs:
        inside |= np.hypot(rows - row, columns - column) <= radius
    return np.where(inside, 4, -4).astype(np.float32)


def test_a_lesion_lands_where_the_crop_says() -> None:
    mask = to_mask(logits((30, 40, 8)), CROP, SHAPE, threshold=0, min_area_fraction=0)
    rows, columns = np.nonzero(mask)
    scale = CROP.side / N
    assert mask.shape == SHAPE
    assert rows.mean() == pytest.approx(CROP.top - CROP.pad_top + 30.5 * scale - 0.5, abs=0.5)
    assert columns.mean() == pytest.approx(CROP.left - CROP.pad_left + 40.5 * scale - 0.5, abs=0.5)
    assert mask.sum() == pytest.approx(np.pi * (8 * scale) ** 2, rel=0.1)


def test_nothing_outside_the_crop_is_tumor() -> None:
    mask = to_mask(np.full((N, N), 9, np.float32), CROP, SHAPE, threshold=0, min_area_fraction=0)
    assert bounding_box(mask) == (slice(40, 140), slice(20, 140))


def test_a_higher_threshold_never_adds_tumor() -> None:
    ramp = np.tile(np.linspace(-5, 5, N, dtype=np.float32), (N, 1))
    masks = [to_mask(ramp, CROP, SHAPE, threshold, min_area_fraction=0) for threshold in (-2, 0, 2, 6)]
    areas = [int(mask.sum()) for mask in masks]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > areas[-1] == 0


def test_specks_go_and_the_lesion_stays_as_it_was() -> None:
    alone = to_mask(logits((30, 40, 8)), CROP, SHAPE, threshold=0, min_area_fraction=0.01)
    beside_a_speck = to_mask(logits((30, 40, 8), (50, 10, 1)), CROP, SHAPE, threshold=0, min_area_fraction=0.01)
    np.testing.assert_array_equal(beside_a_speck, alone)
    kept = to_mask(logits((30, 40, 8), (50, 10, 1)), CROP, SHAPE, threshold=0, min_area_fraction=0)
    assert kept.sum() > alone.sum()


def test_a_region_of_exactly_the_least_area_is_kept() -> None:
    mask = to_mask(logits((30, 40, 8)), CROP, SHAPE, threshold=0, min_area_fraction=0)
    least = int(mask.sum()) / CROP.area
    assert to_mask(logits((30, 40, 8)), CROP, SHAPE, 0, least).sum() == mask.sum()
    assert to_mask(logits((30, 40, 8)), CROP, SHAPE, 0, least * 1.01).sum() == 0


@pytest.mark.parametrize("shape", [(300, 260), (90, 120), (64, 64)])
def test_it_fits_what_prepare_cropped_whether_the_scan_is_larger_or_smaller(shape: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    head = np.hypot((rows / shape[0] - 0.5) / 0.4, (columns / shape[1] - 0.5) / 0.35) <= 1
    lesion = np.hypot((rows / shape[0] - 0.6) / 0.12, (columns / shape[1] - 0.4) / 0.12) <= 1
    prepared = prepare(np.where(lesion, 250, head * 90).astype(np.uint8), N)
    found = np.where(prepared.input[..., 0] > 0.5, 4, -4).astype(np.float32)
    mask = to_mask(found, prepared.crop, shape, threshold=0, min_area_fraction=0.001)
    assert 2 * (mask & lesion).sum() / (mask.sum() + lesion.sum()) > 0.93


def test_the_png_holds_0_and_255_on_the_same_rows_and_columns() -> None:
    mask = to_mask(logits((30, 40, 8)), CROP, SHAPE, threshold=0, min_area_fraction=0)
    image = Image.open(io.BytesIO(encode_mask(mask)))
    assert (image.format, image.mode, image.size) == ("PNG", "L", SHAPE[::-1])
    np.testing.assert_array_equal(np.asarray(image), mask * 255)


def test_the_bounding_box_is_tight_and_none_for_nothing() -> None:
    mask = np.zeros((9, 12), bool)
    assert bounding_box(mask) is None
    mask[2, 5] = mask[7, 3] = True
    assert bounding_box(mask) == (slice(2, 8), slice(3, 6))
