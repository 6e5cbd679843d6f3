"""The export's decisions: temperature, thresholds, parity, and what the data's digest covers."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscan.domain import CLASSES
from brainscan.imaging.prepare import Crop
from brainscan.inference.calibration import probabilities
from brainscan.inference.manifest import Metrics, SourceMetrics
from training.datasets.samples import BR35H, CHENG, LGG, Sample
from training.evaluation.served import Answer, dice, source_name
from training.evaluation.thresholds import UNTUNED, choose, fit_temperature
from training.export import ParityError, check_parity, data_digest

RANDOM = np.random.default_rng(0)
SIDE = 64


def answer(label, cls, seg=None, mask=None):
    """An answer of a network whose grid is the scan's own."""
    crop = Crop(0, 0, SIDE, SIDE, 0, 0, SIDE)
    empty = np.full((SIDE, SIDE), -5, np.float32)
    sample = Sample(Path("scan.png"), label, mask, CHENG, "cheng/1")
    return Answer(sample, (SIDE, SIDE), crop, np.asarray(cls, np.float32), empty if seg is None else seg)


def drawn_from(temperature, count=4000):
    """Answers whose labels are drawn from the softmax at a temperature."""
    logits = RANDOM.normal(size=(count, 4)) * 3
    labels = [RANDOM.choice(4, p=p) for p in probabilities(logits.astype(np.float32), temperature)]
    return [answer(CLASSES[label], scan) for label, scan in zip(labels, logits, strict=True)]


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature):
    assert fit_temperature(drawn_from(temperature)) == pytest.approx(temperature, rel=0.1)


def test_scans_below_the_thresholds_are_right_as_seldom_as_they_promise():
    answers = drawn_from(1.0)
    thresholds = choose(answers, 1.0)
    certain = np.array([probabilities(each.cls, 1.0).max() for each in answers])
    right = np.array([each.correct for each in answers])
    assert 0.3 < thresholds.min_confidence < thresholds.review_confidence < 0.95
    assert right[certain < thresholds.min_confidence].mean() < 0.5
    assert right[certain < thresholds.review_confidence].mean() < 0.6
    assert right[certain < thresholds.review_confidence + 0.02].mean() > 0.58


def test_a_model_that_is_always_right_abstains_only_where_it_doubts_itself():
    always = [answer(name, np.eye(4)[place] * 3) for place, name in enumerate(CLASSES) for _ in range(5)]
    thresholds = choose(always, 1.0)
    assert thresholds.min_confidence == thresholds.review_confidence == 0.5


def test_masks_that_nobody_drew_leave_the_mask_thresholds_untuned():
    thresholds = choose(drawn_from(1.0, count=20), 1.0)
    assert thresholds.seg_logit == UNTUNED.seg_logit
    assert thresholds.min_component_fraction == UNTUNED.min_component_fraction
    assert thresholds.large_mask_fraction == UNTUNED.large_mask_fraction


def test_mask_thresholds_fit_the_drawn_masks(tmp_path):
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[20:40, 20:40] = 255
    Image.fromarray(truth).save(tmp_path / "mask.png")
    seg = np.where(truth > 0, 3.0, -3.0)
    seg[10:50, 10:50] = np.maximum(seg[10:50, 10:50], 0.7)  # a halo that a logit of 1 cuts off
    seg[60, 60:62] = 3.0  # a speck of 2 pixels, a share of 0.0005
    said = answer("glioma", [3, 0, 0, 0], seg.astype(np.float32), tmp_path / "mask.png")
    thresholds = choose([said] * 3, 1.0)
    assert 0.7 <= thresholds.seg_logit < 3
    assert dice(said.mask(thresholds), truth > 0) == 1
    assert thresholds.large_mask_fraction == pytest.approx(400 / SIDE**2)


def measured(accuracy, mean_dice, scans=1000):
    """Metrics of one source; a channel of its own, which does not count."""
    counts = {"scans": scans, "blank": 0, "abstained": 0, "needs_review": 0, "masks": 50}
    return {
        "cheng": SourceMetrics(accuracy=accuracy, mean_dice=mean_dice, **counts),
        "lgg_flair": SourceMetrics(accuracy=0.0, mean_dice=0.0, **counts),
    }


@pytest.mark.parametrize(("accuracy", "mean_dice"), [(0.80, 0.60), (0.7901, 0.5801), (0.9, 0.9)])
def test_int8_within_the_tolerances_passes(accuracy, mean_dice):
    check_parity(Metrics(split="test", sources=measured(accuracy, mean_dice), float32=measured(0.8, 0.6)))


@pytest.mark.parametrize(("accuracy", "mean_dice"), [(0.78, 0.60), (0.80, 0.57)])
def test_int8_that_falls_behind_is_an_error(accuracy, mean_dice):
    with pytest.raises(ParityError, match="falls behind"):
        check_parity(Metrics(split="test", sources=measured(accuracy, mean_dice), float32=measured(0.8, 0.6)))


def test_of_few_scans_two_may_differ():
    check_parity(Metrics(split="test", sources=measured(0.76, 0.6, scans=50), float32=measured(0.8, 0.6, scans=50)))
    with pytest.raises(ParityError, match=r"more than 0\.04 in accuracy"):
        check_parity(Metrics(split="test", sources=measured(0.74, 0.6, scans=50), float32=measured(0.8, 0.6, scans=50)))


def test_the_data_digest_changes_with_bytes_labels_and_parts(tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")

    def digest(label="glioma", part="train"):
        return data_digest(tmp_path, [Sample(tmp_path / "a.png", label, None, CHENG, "cheng/1", part)])

    before = digest()
    assert digest() == before
    assert digest(label="pituitary") != before
    assert digest(part="test") != before
    (tmp_path / "a.png").write_bytes(b"other pixels")
    assert digest() != before


def test_any_tumor_class_is_right_where_only_the_presence_of_a_tumor_is_known():
    def says(place):
        sample = Sample(Path("scan.png"), "tumor", None, BR35H, "br35h/1")
        return Answer(sample, (SIDE, SIDE), cls=np.eye(4, dtype=np.float32)[place])

    assert [says(CLASSES.index(name)).correct for name in CLASSES] == [name != "no_tumor" for name in CLASSES]


def test_a_blank_scan_counts_as_wrong_and_has_an_empty_mask():
    blank = Answer(Sample(Path("scan.png"), "no_tumor", None, LGG, "lgg/1"), (5, 7))
    assert not blank.correct
    assert not blank.mask(UNTUNED).any()
    assert blank.mask(UNTUNED).shape == (5, 7)


def test_a_channel_is_a_source_of_its_own():
    luma = Sample(Path("scan.jpg"), "glioma", None, LGG, "lgg/1")
    flair = Sample(Path("scan.jpg"), "glioma", None, LGG, "lgg/1", view="flair")
    assert (source_name(luma), source_name(flair)) == ("lgg", "lgg_flair")
