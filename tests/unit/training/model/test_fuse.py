"""Fusing and int8: the same function before and after."""

from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from keras import layers

from tests.unit.training import tiny
from training.model.fuse import fuse
from training.model.network import build
from training.model.quantize import to_int8


def unsettled(model: Any) -> Any:
    """The model with batch norms and biases far from what a new one has."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.gamma.shape
            low, high = (0.5, 1.5)
            layer.set_weights(
                [
                    random.uniform(low, high, shape),
                    random.normal(size=shape) * 0.3,
                    random.normal(size=shape) * 0.3,
                    random.uniform(low, high, shape),
                ]
            )
    return model


@pytest.fixture(scope="module")
def trained() -> Any:
    """The real network at a small size."""
    keras.utils.set_random_seed(0)
    return unsettled(build(32, weights=None))


@pytest.fixture(scope="module")
def fused(trained: Any) -> Any:
    """The same, fused."""
    return fuse(trained)


def test_the_fused_network_answers_as_before(trained: Any, fused: Any) -> None:
    scans = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 1)).astype(np.float32)
    before, after = trained(scans, training=False), fused(scans, training=False)
    for name in ("cls", "seg", "features"):
        expected = np.asarray(before[name])
        np.testing.assert_allclose(np.asarray(after[name]), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_only_pre_activation_batch_norms_are_left(fused: Any) -> None:
    left = [layer.name for layer in fused.layers if isinstance(layer, layers.BatchNormalization)]
    assert len(left) == 34
    assert all(name.endswith("_preact_bn") or name == "post_bn" for name in left)


def test_padding_is_left_only_where_a_stride_follows(fused: Any) -> None:
    left = {layer.name for layer in fused.layers if isinstance(layer, layers.ZeroPadding2D)}
    strided = {"conv2_block3_2_pad", "conv3_block4_2_pad", "conv4_block23_2_pad"}
    assert left == {"conv1_pad", "pool1_pad"} | strided


def test_the_first_convolution_takes_one_channel(fused: Any) -> None:
    assert fused.get_layer("conv1_conv").get_weights()[0].shape == (7, 7, 1, 64)


def test_fusing_leaves_the_trained_network_as_it_was() -> None:
    model = unsettled(tiny.network())
    before = model.get_weights()
    fuse(model)
    for expected, weight in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(Keras, LiteRT) of one tiny network."""
    model = unsettled(tiny.network())
    folder = tmp_path_factory.mktemp("saved") / "1"
    fuse(model).export(folder, verbose=False)
    return model, Interpreter(model_content=to_int8(folder), num_threads=1)


def test_int8_stays_close_to_float32(served: Any) -> None:
    model, interpreter = served
    scans = np.random.default_rng(1).uniform(-1, 1, (4, tiny.SIZE, tiny.SIZE, 1)).astype(np.float32)
    said, expected = interpreter.get_signature_runner()(scan=scans), model(scans, training=False)
    assert set(said) == {"cls", "seg", "features"}
    for name, value in said.items():
        reference = np.asarray(expected[name])
        assert value.dtype == np.float32
        assert np.abs(value - reference).max() < 0.05 * np.abs(reference).max()


def test_large_kernels_are_int8_with_a_scale_per_channel(served: Any) -> None:
    _, interpreter = served
    kernels = [t for t in interpreter.get_tensor_details() if len(t["shape"]) == 4 and t["dtype"] == np.int8]
    assert kernels
    assert all(len(kernel["quantization_parameters"]["scales"]) == kernel["shape"][0] for kernel in kernels)
