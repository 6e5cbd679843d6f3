"""The network that is trained for fixed ranges: same weights, what layers give in the steps of int8."""

import keras
import numpy as np
import pytest

from tests.unit.training import tiny
from training.model.ranges import LEVELS
from training.model.rounded import RoundedToInt8, int8_ranges, rounded
from training.model.trainable import trainable


def scans(count: int = 4) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, 32, 32, 1)).astype(np.float32)


def test_values_are_whole_steps_of_the_range_with_zero_among_them_and_cut_at_its_ends() -> None:
    values = np.linspace(-3, 9, 1001, dtype=np.float32)
    given = np.asarray(RoundedToInt8(-1, 4)(np.append(values, 0)))
    step = 5 / LEVELS
    np.testing.assert_allclose(given / step, np.round(given / step), atol=1e-3)
    assert given[-1] == 0
    assert (given.min(), given.max()) == (pytest.approx(-1, abs=step / 2), pytest.approx(4, abs=step / 2))
    inside = (values > -1 + step) & (values < 4 - step)
    np.testing.assert_allclose(given[:-1][inside], values[inside], atol=step / 2 + 1e-5)


def test_both_ways_to_round_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(1, 3, 500).astype(np.float32)
    by_kernel = np.asarray(RoundedToInt8(-1.3, 4.1)(values))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    by_operations = np.asarray(RoundedToInt8(-1.3, 4.1)(values))
    np.testing.assert_allclose(by_operations, by_kernel, atol=1e-4)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_gradient_passes_what_lies_in_the_range_alone(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    values = tf.constant([-5.0, -0.5, 0.3, 2.0, 7.0])
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(RoundedToInt8(-1, 4)(values) * [1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_array_equal(tape.gradient(total, values), [0, 2, 3, 4, 0])


def test_a_rounded_network_has_the_weights_of_its_model_and_nearly_its_answers() -> None:
    model = trainable(tiny.network())
    ranges = int8_ranges(model, [scans(), scans()])
    clone = rounded(model, ranges)
    assert [weight.path for weight in clone.weights] == [weight.path for weight in model.weights]
    own, other = (network(scans(), training=False) for network in (clone, model))
    for name in ("cls", "seg"):
        assert np.any(np.asarray(own[name]) != np.asarray(other[name]))
        np.testing.assert_allclose(np.asarray(own[name]), np.asarray(other[name]), rtol=0.1, atol=0.05)


def test_what_goes_into_a_rectifier_or_a_batch_norm_is_not_rounded_apart() -> None:
    ranges = int8_ranges(trainable(tiny.network()), [scans()])
    assert {"conv1_conv", "post_relu", "decoder0_up_bn", "decoder0_skip_bn", "decoder3_out_relu"} <= set(ranges)
    assert not {"conv_0", "bn_0", "decoder0_out_bn", "decoder0_add", "seg_logits", "seg", "scan"} & set(ranges)


def test_ranges_hold_zero_and_cut_at_most_a_tail() -> None:
    for low, high in int8_ranges(trainable(tiny.network()), [scans()]).values():
        assert low <= 0 <= high
        assert low < high
