"""The form that is trained is the same network: same names, same answers, statistics as Keras keeps them."""

import keras
import numpy as np
import pytest

from tests.unit.training import tiny
from training.fitting.validation import recompute_batch_norms
from training.model.trainable import FusedBatchNormalization, ResidualAdd, trainable


def scans(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, 32, 32, 1)).astype(np.float32)


def test_names_weights_and_answers_are_those_of_the_plain_network() -> None:
    plain = tiny.network()
    for weight in plain.weights:
        weight.assign(np.abs(np.asarray(weight)) + 0.05)
    clone = trainable(plain)
    assert [weight.path for weight in clone.weights] == [weight.path for weight in plain.weights]
    assert any(isinstance(layer, FusedBatchNormalization) for layer in clone.layers)
    for own, other in zip(clone(scans()).values(), plain(scans()).values(), strict=True):
        np.testing.assert_allclose(np.asarray(own), np.asarray(other), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_fused_kernel_gives_what_keras_batch_norm_gives_gradients_included(training: bool) -> None:
    import tensorflow as tf

    x = tf.constant(np.random.default_rng(0).normal(2, 3, (8, 6, 6, 5)).astype(np.float32))
    results = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9)
        layer.build(x.shape)
        layer.set_weights([np.linspace(0.5, 2, 5), np.linspace(-1, 1, 5), np.full(5, 0.3), np.full(5, 2.0)])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            total = tf.reduce_sum(y * tf.cos(x))
        results.append([y, *tape.gradient(total, [x, layer.gamma.value, layer.beta.value]), *layer.get_weights()])
    for own, other in zip(*results, strict=True):
        np.testing.assert_allclose(np.asarray(own), np.asarray(other), rtol=2e-2, atol=1e-3)


def test_a_frozen_fused_norm_keeps_its_statistics() -> None:
    layer = FusedBatchNormalization()
    layer.build((None, 4, 4, 2))
    layer.trainable = False
    layer(np.random.default_rng(0).normal(5, 1, (3, 4, 4, 2)).astype(np.float32), training=True)
    np.testing.assert_array_equal(layer.get_weights()[2], 0)


def test_branches_drop_out_in_training_alone_as_often_as_told_and_are_made_up_for() -> None:
    add = ResidualAdd(0.25)
    shortcut, branch = np.zeros((4000, 1, 1, 1), np.float32), np.ones((4000, 1, 1, 1), np.float32)
    in_use, learning = (np.asarray(add([shortcut, branch], training=training)).ravel() for training in (False, True))
    np.testing.assert_array_equal(in_use, 1)
    assert (learning == 0).mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_allclose(learning[learning > 0], 1 / 0.75, rtol=1e-6)


def test_recomputed_statistics_are_those_of_a_network_that_drops_nothing() -> None:
    inputs = keras.Input((4, 4, 1))
    x = ResidualAdd(0.5, name="conv2_block1_out")([inputs, inputs])
    model = keras.Model(inputs, FusedBatchNormalization(name="bn")(x))
    batch = np.random.default_rng(0).normal(size=(64, 4, 4, 1)).astype(np.float32)
    recompute_batch_norms(model, [batch])
    assert float(model.get_layer("bn").moving_variance[0]) == pytest.approx(4 * batch.var(), rel=0.01)
    assert model.get_layer("conv2_block1_out").rate == 0.5


def test_deeper_branches_drop_out_more_often() -> None:
    inputs = keras.Input((4, 4, 1))
    x = inputs
    for block in (1, 2):
        x = keras.layers.Add(name=f"conv2_block{block}_out")([x, x])
    clone = trainable(keras.Model(inputs, x), path_drop=0.2)
    assert [layer.rate for layer in clone.layers if isinstance(layer, ResidualAdd)] == [0.1, 0.2]
