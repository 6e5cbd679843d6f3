"""Each loss costs what its definition says, unknown truth costs nothing, and mixed slices pay both truths."""

from typing import Any

import keras
import numpy as np
import pytest

from training.datasets.prepared import UNKNOWN, allowed_classes
from training.fitting.batches import mask_target, mixture
from training.fitting.losses import AllowedClasses, KnownMask


def class_cost(label: str, logits: np.ndarray, other: str | None = None, share: float = 1.0) -> float:
    truth = np.concatenate([allowed_classes(label), allowed_classes(other or label), [share]]).astype(np.float32)
    return float(AllowedClasses()(truth[np.newaxis], logits[np.newaxis]))


def mask_cost(mask: np.ndarray, logits: np.ndarray, **weights: Any) -> float:
    target = mask_target(mask[np.newaxis])
    whole = np.concatenate([target, target, np.ones_like(target)], axis=-1)
    return float(KnownMask(**weights)(whole, logits[np.newaxis, ..., np.newaxis].astype(np.float32)))


def square() -> np.ndarray:
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 2:6] = 1
    return mask


def test_a_known_class_costs_its_cross_entropy() -> None:
    logits = np.array([2.0, 0.0, -1.0, 0.5], np.float32)
    plain = keras.losses.CategoricalCrossentropy(from_logits=True)
    expected = float(plain(allowed_classes("glioma")[np.newaxis], logits[np.newaxis]))
    assert class_cost("glioma", logits) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("label", ["tumor", "other_tumor"])
def test_a_tumor_of_unknown_type_costs_what_is_left_for_no_tumor(label: str) -> None:
    assert class_cost(label, np.log(np.array([0.5, 0.2, 0.2, 0.1], np.float32))) == pytest.approx(
        -np.log(0.8), rel=1e-4
    )


def test_a_slice_of_unknown_mask_weighs_nothing() -> None:
    for logit in (-5.0, 5.0):
        assert mask_cost(np.full((8, 8), UNKNOWN, np.uint8), np.full((8, 8), logit)) == 0


def test_within_a_box_nothing_is_punished_and_outside_all_that_is_found() -> None:
    boxed = square() * np.uint8(UNKNOWN)
    inside = np.where(boxed > 0, 8.0, -8.0)
    assert mask_cost(boxed, inside) < 0.01
    assert mask_cost(boxed, -inside) > 5


def test_an_empty_mask_punishes_what_is_found_in_it() -> None:
    quiet, loud = (mask_cost(np.zeros((8, 8), np.uint8), np.full((8, 8), logit)) for logit in (-8.0, 8.0))
    assert quiet < 0.01 < 5 < loud


def test_the_right_mask_costs_nothing_and_the_wrong_one_both_parts() -> None:
    sure = np.where(square() > 0, 12.0, -12.0)
    assert mask_cost(square(), sure) < 0.001
    assert mask_cost(square(), -sure) > 10


def test_at_half_a_share_the_overlap_is_dice() -> None:
    logits = np.random.default_rng(0).normal(size=(8, 8))
    p, truth = 1 / (1 + np.exp(-logits)), square() > 0
    dice = 1 - 2 * p[truth].sum() / (p.sum() + truth.sum())
    assert mask_cost(square(), logits, pixel_weight=0.0) == pytest.approx(dice, rel=1e-4)


def test_a_larger_share_of_misses_punishes_a_mask_too_small_more_than_one_too_large() -> None:
    small, large = np.zeros((8, 8)), np.zeros((8, 8))
    small[3:5, 2:6], large[1:7, 1:7] = 1, 1
    costs = [
        [
            mask_cost(square(), np.where(mask > 0, 12.0, -12.0), pixel_weight=0.0, miss_share=share)
            for share in (0.5, 0.7)
        ]
        for mask in (small, large)
    ]
    assert costs[0][1] > costs[0][0]
    assert costs[1][1] < costs[1][0]


def test_a_mixture_pays_each_truth_by_its_share() -> None:
    random = np.random.default_rng(0)
    masks = mask_target(np.stack([square(), np.zeros((8, 8), np.uint8)]))
    allowed = np.stack([allowed_classes("glioma"), allowed_classes("no_tumor")])
    inputs = random.normal(size=(2, 8, 8, 1)).astype(np.float32)
    batch = mixture(inputs, allowed, masks, np.array([1, 0]), 0.7)
    cls, seg = random.normal(size=4).astype(np.float32), random.normal(size=(8, 8))

    np.testing.assert_allclose(batch.inputs[0], 0.7 * inputs[0] + 0.3 * inputs[1], rtol=1e-5)
    expected = 0.7 * class_cost("glioma", cls) + 0.3 * class_cost("no_tumor", cls)
    assert float(AllowedClasses()(batch.targets["cls"][:1], cls[np.newaxis])) == pytest.approx(expected, rel=1e-5)
    expected = 0.7 * mask_cost(square(), seg) + 0.3 * mask_cost(np.zeros((8, 8), np.uint8), seg)
    both = KnownMask()(batch.targets["seg"][:1], seg[np.newaxis, ..., np.newaxis].astype(np.float32))
    assert float(both) == pytest.approx(expected, rel=1e-5)
