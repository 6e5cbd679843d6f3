"""Constants that labels and drawn masks were made with are found again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from brainscan.domain import CLASSES
from brainscan.imaging.prepare import Crop
from brainscan.inference.calibration import probabilities
from training.datasets.samples import CHENG, Sample
from training.evaluation.evaluated import dice, mask_of
from training.evaluation.predictions import ServedPrediction
from training.evaluation.thresholds import UNTUNED, choose_thresholds, fit_temperature, score

RANDOM = np.random.default_rng(0)
SIDE = 64


def prediction(label: str, cls: Any, seg: Any = None, mask: Any = None) -> ServedPrediction:
    """A prediction of a network whose grid is the scan's own."""
    crop = Crop(0, 0, SIDE, SIDE, 0, 0, SIDE)
    empty = np.full((SIDE, SIDE), -5, np.float32)
    sample = Sample(Path("scan.png"), label, mask, CHENG, "cheng/1")
    return ServedPrediction(sample, (SIDE, SIDE), crop, np.asarray(cls, np.float32), empty if seg is None else seg)


def drawn_from(temperature: Any, count: int = 4000) -> Any:
    """Predictions whose labels are drawn from the softmax at a temperature."""
    logits = RANDOM.normal(size=(count, 4)) * 3
    labels = [RANDOM.choice(4, p=p) for p in probabilities(logits.astype(np.float32), temperature)]
    return [prediction(CLASSES[label], scan) for label, scan in zip(labels, logits, strict=True)]


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature: float) -> None:
    assert fit_temperature(drawn_from(temperature)) == pytest.approx(temperature, rel=0.1)


def test_scans_below_the_thresholds_are_right_as_seldom_as_they_promise() -> None:
    predictions = drawn_from(1.0)
    thresholds = choose_thresholds(score(predictions), 1.0)
    certain = np.array([probabilities(each.cls, 1.0).max() for each in predictions])
    right = np.array([each.sample.label == CLASSES[each.cls.argmax()] for each in predictions])
    assert 0.3 < thresholds.min_confidence < thresholds.review_confidence < 0.95
    assert right[certain < thresholds.min_confidence].mean() < 0.5
    assert right[certain < thresholds.review_confidence].mean() < 0.6
    assert right[certain < thresholds.review_confidence + 0.02].mean() > 0.58


def test_a_model_that_is_always_right_abstains_only_where_it_doubts_itself() -> None:
    always = [prediction(name, np.eye(4)[place] * 3) for place, name in enumerate(CLASSES) for _ in range(5)]
    thresholds = choose_thresholds(score(always), 1.0)
    assert thresholds.min_confidence == thresholds.review_confidence == 0.5


def test_masks_that_nobody_drew_leave_the_mask_thresholds_untuned() -> None:
    thresholds = choose_thresholds(score(drawn_from(1.0, count=20)), 1.0)
    assert thresholds.seg_logit == UNTUNED.seg_logit
    assert thresholds.min_component_fraction == UNTUNED.min_component_fraction
    assert thresholds.large_mask_fraction == UNTUNED.large_mask_fraction


def test_mask_thresholds_fit_the_drawn_masks(tmp_path: Path) -> None:
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[20:40, 20:40] = 255
    Image.fromarray(truth).save(tmp_path / "mask.png")
    seg = np.where(truth > 0, 3.0, -3.0)
    seg[10:50, 10:50] = np.maximum(seg[10:50, 10:50], 0.7)  # a halo that a logit of 1 cuts off
    seg[60, 60:62] = 3.0  # a speck of 2 pixels, a share of 0.0005
    said = prediction("glioma", [3, 0, 0, 0], seg.astype(np.float32), tmp_path / "mask.png")
    thresholds = choose_thresholds(score([said] * 3), 1.0)
    assert 0.7 <= thresholds.seg_logit < 3
    assert dice(mask_of(said, thresholds), truth > 0) == 1
    assert thresholds.large_mask_fraction == pytest.approx(400 / SIDE**2)


def test_stray_masks_count_where_a_tumor_is_called_and_not_where_none_is(tmp_path: Path) -> None:
    """A cut at 2 empties the stray masks, but costs the tumor half of its own."""
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[20:40, 20:40] = 255
    Image.fromarray(truth).save(tmp_path / "mask.png")
    seg = np.where(truth > 0, 1.2, -3.0)
    seg[20:40, 20:25] = 4.0
    tumor = prediction("glioma", [3, 0, 0, 0], seg.astype(np.float32), tmp_path / "mask.png")
    stray = np.full((SIDE, SIDE), -3, np.float32)
    stray[5:10, 5:10] = 1.7

    def chosen(logits: Any) -> Any:
        return choose_thresholds(
            score([tumor, *[prediction("no_tumor", logits, stray) for _ in range(50)]]), 1.0
        ).seg_logit

    assert chosen([0, 0, 3, 0]) < 1.2
    assert chosen([3, 0, 0, 0]) == 2.0
