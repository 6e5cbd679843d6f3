"""The network: a ResNet101V2 encoder that a classification head and a light U-Net decoder share."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import keras
import numpy as np
from keras import layers

from brainscan.domain import CLASSES

SKIPS: Final = ("conv4_block22_out", "conv3_block3_out", "conv2_block2_out", "conv1_conv")
"""Encoder layers that the decoder's blocks join, from deep (1/16) to shallow (1/2)."""
DEEPEST: Final = "post_relu"
"""Encoder output at 1/32 of the input."""
WIDTHS: Final = (128, 64, 48, 32)
"""Channels of the decoder's blocks, in the order of `SKIPS`."""
GRAY_TO_RGB: Final = "gray_to_rgb"
"""The one layer that makes three channels of one, as the encoder expects."""
DROPOUT: Final = 0.3
STRIDE: Final = 32
"""The input's side must be a multiple of it, or the skips would not fit the upsampled maps."""

Encoder = Callable[..., keras.Model]


class WeightsUnavailableError(RuntimeError):
    """The encoder's starting weights could not be had; the text says what to do."""


def build(
    size: int | None, weights: str | None = "imagenet", encoder: Encoder = keras.applications.ResNet101V2
) -> keras.Model:
    """The network, from gray scans to class and mask.

    Args:
        size: N, side of the input in pixels, a multiple of 32; None leaves it open.
        weights: what the encoder starts from: "imagenet", a Keras weights file of it, or None for random.
        encoder: one of `keras.applications` with the layers `SKIPS` and `DEEPEST`.

    Returns:
        A model from (B, N, N, 1) in [-1, 1] to a dict of `cls` (B, 4) logits in the order of `CLASSES`,
        `seg` (B, N, N, 1) logits and `features` (B, 2048).

    Raises:
        ValueError: `size` is not a multiple of 32.
        WeightsUnavailableError: `weights` could not be downloaded or read.
    """
    if size is not None and size % STRIDE:
        raise ValueError(f"size must be a multiple of {STRIDE}, got {size}")
    scan = keras.Input((size, size, 1), name="scan")
    gray_three_times = layers.Concatenate(name=GRAY_TO_RGB)([scan, scan, scan])
    trunk = _encoder(encoder, gray_three_times, weights)
    deepest = trunk.get_layer(DEEPEST).output
    features = layers.GlobalAveragePooling2D(name="features")(deepest)
    outputs = {
        "cls": layers.Dense(len(CLASSES), name="cls")(layers.Dropout(DROPOUT, name="cls_dropout")(features)),
        "seg": _decoder(deepest, [trunk.get_layer(name).output for name in SKIPS]),
        "features": features,
    }
    return keras.Model(scan, outputs, name="brainscan")


def load_npz(model: keras.Model, path: Path) -> None:
    """Set every weight of `model` from a file that `save_npz` or `save_float16` wrote.

    Raises:
        ValueError: the file's weights are not the model's, by name or by shape.
    """
    with np.load(path) as stored:
        names = {key.split("|")[0] for key in stored.files}
        own = {weight.path for weight in model.weights}
        if names != own:
            raise ValueError(
                f"the file lacks {sorted(own - names)[:4]}, the model lacks {sorted(names - own)[:4]}, ..."
            )
        for weight in model.weights:
            weight.assign(_unpacked(stored, weight.path))


def save_npz(model: keras.Model, path: Path) -> None:
    """Write the weights, kernels as int8 with a float32 scale per output channel: a quarter of the size.

    A key `NAME|int8` goes with `NAME|scale`, the weight is their product; all other keys are float32.
    """
    arrays: dict[str, np.ndarray] = {}
    for weight in model.weights:
        value = keras.ops.convert_to_numpy(weight.value).astype(np.float32)
        if weight.name != "kernel":
            arrays[weight.path] = value
            continue
        scale = np.abs(value).max(axis=tuple(range(value.ndim - 1))) / 127
        scale = np.where(scale == 0, 1, scale).astype(np.float32)
        arrays[f"{weight.path}|int8"] = np.round(value / scale).astype(np.int8)
        arrays[f"{weight.path}|scale"] = scale
    np.savez_compressed(path, allow_pickle=False, **arrays)


def save_float16(model: keras.Model, path: Path) -> None:
    """Write the weights, kernels as float16, all else as float32: to go on from with less loss than from int8."""
    arrays = {weight.path: keras.ops.convert_to_numpy(weight.value).astype(np.float32) for weight in model.weights}
    kernels = {weight.path for weight in model.weights if weight.name == "kernel"}
    halved = {name: value.astype(np.float16) if name in kernels else value for name, value in arrays.items()}
    np.savez_compressed(path, **halved)


def _encoder(encoder: Encoder, inputs: keras.KerasTensor, weights: str | None) -> keras.Model:
    try:
        return encoder(include_top=False, weights=weights, input_tensor=inputs)
    except Exception as error:  # Keras raises a bare Exception when a download fails
        if weights is None:
            raise
        raise WeightsUnavailableError(
            f"the encoder's weights {weights!r} could not be loaded ({error}). Connect to the internet once (Keras"
            " keeps them in ~/.keras/models), or start from a weights file, or from random weights (None)."
        ) from error


def _decoder(x: keras.KerasTensor, skips: list[keras.KerasTensor]) -> keras.KerasTensor:
    for i, (skip, width) in enumerate(zip(skips, WIDTHS, strict=True)):
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"decoder{i}_up")(x)
        x = _conv_bn(x, width, 1, f"decoder{i}_up")
        x = layers.Add(name=f"decoder{i}_add")([x, _conv_bn(skip, width, 1, f"decoder{i}_skip")])
        x = layers.ReLU(name=f"decoder{i}_add_relu")(x)
        x = layers.ReLU(name=f"decoder{i}_out_relu")(_conv_bn(x, width, 3, f"decoder{i}_out"))
    logits = layers.Conv2D(1, 1, name="seg_logits")(x)
    return layers.UpSampling2D(2, interpolation="bilinear", name="seg")(logits)


def _conv_bn(x: keras.KerasTensor, width: int, kernel: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(width, kernel, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x)


def _unpacked(stored: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    if name in stored:
        return stored[name].astype(np.float32)
    return stored[f"{name}|int8"].astype(np.float32) * stored[f"{name}|scale"]
