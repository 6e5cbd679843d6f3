"""Predictions keep their samples' order, and a cache gives back what the network said without asking it again."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscan.inference.runtime import Prediction
from training.datasets.samples import CHENG, Sample
from training.evaluation.predictions import BATCH, predict, predict_cached

SIZE = 32


class CountsScans:
    """A network that says of each scan its mean, and counts those it was asked about."""

    def __init__(self) -> None:
        self.scans = 0

    def __call__(self, batch: np.ndarray) -> Prediction:
        self.scans += len(batch)
        means = batch.mean(axis=(1, 2))
        return Prediction(cls=np.repeat(means, 4, axis=1), seg=batch[..., 0], features=means)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """More than a batch, the third one blank, each wider than the one before."""
    random = np.random.default_rng(0)
    made = []
    for index in range(BATCH + 3):
        pixels = random.integers(50, 200, (40, 40 + index)).astype(np.uint8)
        pixels[:, : 20 + index] //= 2
        Image.fromarray(pixels if index != 2 else np.zeros_like(pixels)).save(tmp_path / f"{index}.png")
        made.append(Sample(tmp_path / f"{index}.png", "glioma", None, CHENG, f"p{index}"))
    return made


def test_each_sample_gets_its_own_prediction_in_order_and_a_blank_one_gets_none(samples: list[Sample]) -> None:
    network = CountsScans()
    predictions = list(predict(samples, network, SIZE))
    assert [each.sample for each in predictions] == samples
    assert [each.shape for each in predictions] == [(40, 40 + index) for index in range(BATCH + 3)]
    assert [index for index, each in enumerate(predictions) if each.cls is None] == [2]
    assert predictions[2].crop is None
    assert network.scans == BATCH + 2
    for each in predictions:
        if each.seg is not None and each.features is not None:
            assert each.features[0] == pytest.approx(each.seg.mean(), abs=1e-6)


def test_what_was_said_once_is_read_the_second_time(samples: list[Sample], tmp_path: Path) -> None:
    network = CountsScans()
    first = predict_cached(samples, network, SIZE, "a" * 64, tmp_path / "cache")
    again = predict_cached(samples, network, SIZE, "a" * 64, tmp_path / "cache")

    assert network.scans == BATCH + 2
    for one, other in zip(first, again, strict=True):
        assert (one.sample, one.shape, one.crop) == (other.sample, other.shape, other.crop)
        for name in ("cls", "seg", "features", "texture"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    direct = list(predict(samples, network, SIZE))
    np.testing.assert_array_equal(direct[0].seg, again[0].seg)


def test_another_model_or_other_samples_are_asked_anew(samples: list[Sample], tmp_path: Path) -> None:
    network = CountsScans()
    for model, chosen in (("a" * 64, samples), ("b" * 64, samples), ("a" * 64, samples[:1])):
        predict_cached(chosen, network, SIZE, model, tmp_path / "cache")
    assert network.scans == 2 * (BATCH + 2) + 1


def test_blank_scans_alone_are_kept_too(samples: list[Sample], tmp_path: Path) -> None:
    for _ in range(2):
        (only,) = predict_cached(samples[2:3], CountsScans(), SIZE, "a" * 64, tmp_path / "cache")
        assert only.cls is None
