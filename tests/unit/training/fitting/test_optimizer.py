"""The rate over a run, rates by depth, and the moving average of weights."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.unit.training import tiny
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.optimizer import (
    AVERAGE_EVERY,
    DepthwiseAdamW,
    WeightAverage,
    depth_share,
    freeze,
    learning_rate,
    make_optimizer,
)
from training.fitting.validation import recompute_batch_norms
from training.model.trainable import FusedBatchNormalization


def test_the_rate_rises_by_steps_and_falls_to_nothing_by_what_is_done() -> None:
    settings = Hyperparameters(learning_rate=1.0, warmup_steps=10, decay=0.2)
    places = [(0.0, 0), (0.0, 9), (0.5, 50), (0.8, 80), (0.9, 90), (1.0, 100)]
    assert [round(learning_rate(settings, *place), 3) for place in places] == [0.1, 1.0, 1.0, 1.0, 0.5, 0.0]
    whole = settings.model_copy(update={"decay": 1.0})
    assert learning_rate(whole, 0.5, 50) == pytest.approx(0.5)


def test_variables_move_by_their_share() -> None:
    fast, slow = (keras.Variable(np.ones(3, np.float32), name=name) for name in ("fast", "slow"))
    optimizer = DepthwiseAdamW(learning_rate=0.1, weight_decay=0.0, shares={slow.path: 0.25})
    optimizer.apply([np.ones(3, np.float32)] * 2, [fast, slow])
    moved = [1 - float(np.asarray(variable)[0]) for variable in (fast, slow)]
    assert moved[1] == pytest.approx(moved[0] / 4, rel=1e-3)


def test_depth_is_told_by_the_layers_name() -> None:
    settings = Hyperparameters(early_rate=0.1, middle_rate=0.5)
    layers = ("conv1_conv", "conv3_block4_2_bn", "conv4_block23_1_conv", "conv5_block1_1_conv", "decoder0_up_conv")
    assert [depth_share(f"{layer}/kernel", settings) for layer in layers] == [0.1, 0.1, 0.5, 1, 1]


def test_the_average_follows_the_weights_and_forgets_where_they_began() -> None:
    model = tiny.network()
    average = WeightAverage(model, 0.998)
    for variable in model.trainable_variables:
        variable.assign(np.full(variable.shape, 3.0, np.float32))
    average.follow(AVERAGE_EVERY - 1)
    assert not np.allclose(average.values[0], 3)
    for steps in range(AVERAGE_EVERY, 801, AVERAGE_EVERY):
        average.follow(steps)
    np.testing.assert_allclose(average.values[0], 3, atol=0.05)
    model.trainable_variables[0].assign(np.zeros(model.trainable_variables[0].shape, np.float32))
    average.apply_average()
    np.testing.assert_array_equal(np.asarray(model.trainable_variables[0]), average.values[0])


def test_an_average_looks_at_once_where_told_to_and_goes_on_from_where_it_was_left() -> None:
    model = tiny.network()
    average, again = WeightAverage(model, 0.5), WeightAverage(model, 0.5)
    first = model.trainable_variables[0]
    first.assign(np.full(first.shape, 3.0, np.float32))
    average.follow(3, at_once=True)
    again.restore([value.copy() for value in average.values], 3)
    first.assign(np.full(first.shape, 5.0, np.float32))
    average.follow(3 + AVERAGE_EVERY)
    again.follow(3 + AVERAGE_EVERY)
    np.testing.assert_array_equal(average.values[0], again.values[0])
    assert np.abs(again.values[0] - 5).max() < 0.05


def test_what_has_no_share_of_the_rate_is_frozen_with_its_moments() -> None:
    inputs = keras.Input((8, 8, 1))
    early = FusedBatchNormalization(name="conv1_bn")(layers.Conv2D(2, 3, name="conv1_conv")(inputs))
    late = FusedBatchNormalization(name="decoder0_bn")(layers.Conv2D(2, 3, name="decoder0_conv")(early))
    model = keras.Model(inputs, late)
    freeze(model, Hyperparameters(early_rate=0.0))
    model.compile(optimizer=make_optimizer(Hyperparameters(), model), loss="mse", run_eagerly=True)
    model.optimizer.learning_rate = 0.1
    before = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    random = np.random.default_rng(0)
    pixels = random.normal(3, 2, (4, 8, 8, 1)).astype(np.float32)
    model.train_on_batch(pixels, random.normal(size=(4, 4, 4, 2)))
    recompute_batch_norms(model, [pixels])
    moved = {path.split("/")[0] for path, value in before.items() if not np.array_equal(value, own(model, path))}
    assert moved == {"decoder0_conv", "decoder0_bn"}


def own(model: keras.Model, path: str) -> np.ndarray:
    """The values of a model's weight."""
    return next(keras.ops.convert_to_numpy(weight) for weight in model.weights if weight.path == path)
