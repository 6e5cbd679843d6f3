"""The trained network -> the same function with fewer operations, for inference alone."""

from typing import Any

import keras
import numpy as np
from keras import layers

from training.model.network import GRAY_TO_RGB

Weights = list[np.ndarray]


def fuse(model: keras.Model) -> keras.Model:
    """An equal model, up to rounding; each layer looks at what stands before it.

    - A batch norm after a convolution goes into its kernel and bias. A pre-activation batch norm has no convolution
      before it and stays: the converter makes a multiplication and an addition of it.
    - Zero padding before a 3x3 convolution of stride 1 becomes its own "same" padding.
    - The gray image is no longer repeated three times: the first kernel is summed over its inputs instead.
    """

    def call(layer: layers.Layer, x: Any, **kwargs: Any) -> Any:
        trained: Weights = model.get_layer(layer.name).get_weights()
        if layer.name == GRAY_TO_RGB:
            return x[0]
        if isinstance(layer, layers.BatchNormalization) and _follows_convolution(x):
            return _fuse_batch_norm(layer, trained, x)
        if type(layer) is layers.Conv2D:
            return _convolve(layer, trained, x)
        return _applied(layer, trained, x, **kwargs)

    fused: keras.Model = keras.models.clone_model(model, call_function=call)
    return fused


def _follows_convolution(x: keras.KerasTensor) -> bool:
    before = _producer(x)
    return type(before) is layers.Conv2D and before.activation is keras.activations.linear


def _fuse_batch_norm(norm: layers.BatchNormalization, trained: Weights, x: keras.KerasTensor) -> keras.KerasTensor:
    gamma, beta, mean, variance = trained
    scale = gamma / np.sqrt(variance + norm.epsilon)
    convolution = _producer(x)
    kernel, *bias = convolution.get_weights()
    shifted = ((bias[0] if bias else 0) - mean) * scale + beta
    fused = layers.Conv2D.from_config(convolution.get_config() | {"use_bias": True})
    return _applied(fused, [kernel * scale, shifted], convolution.input)


def _convolve(convolution: layers.Conv2D, trained: Weights, x: keras.KerasTensor) -> keras.KerasTensor:
    kernel, *bias = trained
    if kernel.shape[2] != x.shape[-1]:
        kernel = kernel.sum(axis=2, keepdims=True)
    before = _producer(x)
    if isinstance(before, layers.ZeroPadding2D) and _pads_like_same(before, convolution):
        same = layers.Conv2D.from_config(convolution.get_config() | {"padding": "same"})
        return _applied(same, [kernel, *bias], before.input)
    return _applied(convolution, [kernel, *bias], x)


def _pads_like_same(padding: layers.ZeroPadding2D, convolution: layers.Conv2D) -> bool:
    """With a longer stride, "same" would pad one side less than the other."""
    return (
        padding.padding == ((1, 1), (1, 1))
        and convolution.kernel_size == (3, 3)
        and convolution.strides == (1, 1)
        and convolution.padding == "valid"
    )


def _applied(layer: layers.Layer, weights: Weights, x: Any, **kwargs: Any) -> Any:
    y = layer(x, **kwargs)
    layer.set_weights(weights)
    return y


def _producer(tensor: keras.KerasTensor) -> layers.Layer:
    """The layer that gives this tensor."""
    return tensor._keras_history.operation
