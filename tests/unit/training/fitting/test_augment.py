"""A changed slice is still a head with its tumor where the mask says."""

import numpy as np
import pytest

from training.datasets.prepared import UNKNOWN
from training.fitting import intensity
from training.fitting.augment import augment
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.occlusion import erase_patch, strip_skull

PLAIN = Hyperparameters(curves=0, bias_field=0, low_resolution=0, inversion=0, erasing=0, peeling=0)


def noise(side: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (side, side)).astype(np.uint8)


def head_with_skull(side: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """A bright scalp, a dark bone, a brain with a bright tumor; and the brain."""
    y, x = np.mgrid[:side, :side] - side / 2
    radius = np.hypot(y / 1.1, x) / (side / 2)
    image = np.zeros((side, side), np.uint8)
    image[radius < 0.85] = 200
    image[radius < 0.76] = 20
    image[radius < 0.66] = 120
    image[np.hypot(y - 20, x - 10) < 12] = 220
    return image, radius < 0.66


def test_the_mask_moves_with_its_image() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[20:40, 10:25] = 200
    mask = (image > 0).astype(np.uint8)
    for seed in range(30):
        moved, moved_mask = augment(image, mask, np.random.default_rng(seed), PLAIN)
        bright = moved > 60
        overlap = 2 * (bright & (moved_mask > 0)).sum() / (bright.sum() + moved_mask.sum())
        assert overlap > 0.8
        assert set(np.unique(moved_mask)) <= {0, 1}


@pytest.mark.parametrize("side", [32, 96])
def test_a_slice_comes_in_the_side_that_is_asked_for_with_its_mask(side: int) -> None:
    image = np.zeros((64, 64), np.uint8)
    image[20:40, 10:25] = 200
    mask = (image > 0).astype(np.uint8)
    small, small_mask = augment(image, mask, np.random.default_rng(0), PLAIN.model_copy(update={"augment": 0}), side)
    assert small.shape == small_mask.shape == (side, side)
    assert small_mask.sum() == pytest.approx(mask.sum() * (side / 64) ** 2, rel=0.15)
    assert 2 * ((small > 100) & (small_mask == 1)).sum() / ((small > 100).sum() + small_mask.sum()) > 0.9


def test_an_unknown_mask_stays_unknown_and_no_strength_changes_nothing() -> None:
    unknown = np.full((64, 64), UNKNOWN, np.uint8)
    still = PLAIN.model_copy(update={"augment": 0})
    same, kept = augment(noise(), unknown, np.random.default_rng(0), still)
    np.testing.assert_array_equal(same, noise())
    assert kept is unknown


def test_heads_are_never_turned_upside_down() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[:16] = 200
    for seed in range(40):
        moved, _ = augment(image, np.zeros_like(image), np.random.default_rng(seed), PLAIN)
        assert moved[:32].sum() > moved[32:].sum()


def test_every_change_shows_and_keeps_the_type() -> None:
    empty = np.zeros((64, 64), np.uint8)
    for name in ("curves", "bias_field", "low_resolution", "inversion", "erasing"):
        never, always = (
            augment(noise(), empty, np.random.default_rng(3), PLAIN.model_copy(update={name: share}))[0]
            for share in (0, 1)
        )
        assert always.dtype == np.uint8
        assert (never != always).mean() > 0.005, name


def test_a_curve_leaves_the_background_black_and_most_keep_the_order_of_grays() -> None:
    tables = [intensity.curve(np.random.default_rng(seed)) for seed in range(200)]
    assert all(table[: intensity.HEAD + 1].max() <= intensity.HEAD / 255 + 1e-6 for table in tables)
    assert all(table.min() >= 0 and table.max() <= 1 for table in tables)
    rising = np.mean([(np.diff(table[intensity.HEAD + 1 :]) >= -1e-6).all() for table in tables])
    assert 0.5 < rising < 0.75


def test_an_inverted_head_is_bright_where_it_was_dark_and_the_background_stays() -> None:
    table = intensity.inverted()
    assert table[0] == 0
    assert table[20] > table[128] > table[250] >= 0


def test_what_an_erased_patch_hides_is_unknown_and_no_tumor_stays_no_tumor() -> None:
    random = np.random.default_rng(0)
    mask = np.zeros((64, 64), np.uint8)
    mask[10:50, 10:50] = 1
    changed, hidden = erase_patch(noise(), mask, random)
    assert ((changed != noise()) <= (hidden == UNKNOWN)).all()
    assert (hidden == UNKNOWN).any()
    assert (mask != UNKNOWN).all()
    empty = np.zeros((64, 64), np.uint8)
    assert not erase_patch(noise(), empty, random)[1].any()


def test_peeling_takes_the_skull_and_leaves_the_brain_with_its_tumor() -> None:
    image, brain = head_with_skull()
    mask = (image == 220).astype(np.uint8)
    peeled = strip_skull(image, mask, np.random.default_rng(0))
    np.testing.assert_array_equal(peeled[mask == 1], image[mask == 1])
    assert (peeled[brain] == image[brain]).mean() > 0.97
    assert (peeled[~brain] > 0).mean() < 0.03


def test_a_head_without_skull_and_a_tumor_at_the_skull_are_not_peeled() -> None:
    image, brain = head_with_skull()
    stripped = np.where(brain, image, 0).astype(np.uint8)
    empty = np.zeros_like(image)
    assert strip_skull(stripped, empty, np.random.default_rng(0)) is stripped
    at_skull = np.zeros_like(image)
    at_skull[5:40, 60:100] = 1
    assert strip_skull(image, at_skull, np.random.default_rng(0)) is image
    blank = np.zeros_like(image)
    assert strip_skull(blank, empty, np.random.default_rng(0)) is blank
