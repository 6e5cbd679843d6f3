"""Which slices are drawn, and that an epoch can be taken up anywhere."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.training import tiny
from training.datasets.prepared import PreparedSlices
from training.datasets.samples import CHENG, LGG, Sample, with_views
from training.fitting.batches import EpochBatches, draw_weights, network_input
from training.fitting.hyperparameters import Hyperparameters

SETTINGS = Hyperparameters(size=32, batch_size=4, slices_per_epoch=12)


def test_an_epoch_is_the_same_every_time_and_differs_from_the_next() -> None:
    first, again, following = (EpochBatches(tiny.slices(), SETTINGS, epoch) for epoch in (3, 3, 4))
    assert len(first) == 3
    assert all(first.make(i, 32).inputs.shape == (4, 32, 32, 1) for i in range(3))
    np.testing.assert_array_equal(first.make(2, 32).inputs, again.make(2, 32).inputs)
    np.testing.assert_array_equal(first.make(1, 32).targets["seg"], again.make(1, 32).targets["seg"])
    assert not np.array_equal(first.make(0, 32).inputs, following.make(0, 32).inputs)


def test_batches_made_ahead_are_those_made_one_by_one_from_any_on_in_the_side_asked_for() -> None:
    batches = EpochBatches(tiny.slices(), SETTINGS, 0)
    ahead = list(batches.ahead(1, lambda index: 32 if index == 1 else 64))
    assert [batch.inputs.shape[1] for batch in ahead] == [32, 64]
    np.testing.assert_array_equal(ahead[0].inputs, batches.make(1, 32).inputs)
    np.testing.assert_array_equal(ahead[1].targets["cls"], batches.make(2, 64).targets["cls"])


def test_about_as_many_batches_are_mixed_as_the_settings_say_the_larger_share_first() -> None:
    settings = SETTINGS.model_copy(update={"slices_per_epoch": 400, "mixup": 0.3})
    batches = EpochBatches(tiny.slices(), settings, 0)
    shares = np.array([batches.make(index, 32).targets["cls"][:, -1].min() for index in range(100)])
    assert 0.15 < (shares < 1).mean() < 0.45
    assert shares.min() >= 0.5


def test_a_fault_in_the_making_of_a_batch_reaches_the_loop() -> None:
    data = tiny.slices()
    broken = PreparedSlices(data.samples, data.images[:1], data.masks, data.allowed)
    with pytest.raises(IndexError):
        list(EpochBatches(broken, SETTINGS, 0).ahead(0, lambda _: 32))


def test_balance_draws_from_every_slice_alike_to_every_stratum_alike() -> None:
    data = tiny.slices(12).subset([0, 2, 4, 6, 8, 10, 1])
    even = {"draw_weights": {CHENG: 1, f"{LGG}/luma": 1}}
    np.testing.assert_allclose(draw_weights(data, Hyperparameters(balance=1, **even)), 1 / 7)
    weights = draw_weights(data, Hyperparameters(balance=0, **even))
    strata = [(sample.source, sample.label) for sample in data.samples]
    shares = {stratum: sum(w for w, s in zip(weights, strata, strict=True) if s == stratum) for stratum in set(strata)}
    assert list(shares.values()) == pytest.approx([1 / len(shares)] * len(shares))


def test_a_source_is_drawn_by_its_weight_and_a_view_by_its_own() -> None:
    files = [Sample(Path(name), "glioma", None, source, name) for name, source in (("a", LGG), ("b", CHENG))]
    samples = with_views(files)
    pixels = np.zeros((len(samples), 8, 8), np.uint8)
    data = PreparedSlices(samples, pixels, pixels, np.ones((len(samples), 4), np.float32))
    recipe, changed = (
        draw_weights(data, Hyperparameters()),
        draw_weights(data, Hyperparameters(draw_weights=f"{CHENG}:4")),
    )
    np.testing.assert_allclose(recipe, np.array([0.7, 0.7, 0.5, 2]) / 3.9)
    np.testing.assert_allclose(changed, np.array([0.7, 0.7, 0.5, 4]) / 5.9)


def test_the_networks_input_spans_what_serving_gives() -> None:
    span = network_input(np.array([[[0, 255]]], np.uint8))
    assert span.min() == -1
    assert span.max() == 1
