"""The trained network -> LiteRT, int8 inside, float32 at its ends."""

import tempfile
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from training.fold import fold


def to_int8(model: keras.Model, calibration: np.ndarray) -> bytes:
    """Fold batch norms, then quantise weights per channel and activations per tensor.

    Args:
        model: as `network.build` makes it, with a fixed size N.
        calibration: (scans, N, N, 1) prepared scans; the ranges of the activations come from them.

    Returns:
        A flatbuffer with one signature, from `scan` (B, N, N, 1) to `cls`, `seg` and `features`, for any B.
    """

    def scans() -> Iterator[list[np.ndarray]]:
        for scan in calibration:
            yield [scan[np.newaxis]]

    with tempfile.TemporaryDirectory() as folder:
        fold(model).export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = scans
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    flatbuffer: bytes = converter.convert()
    return flatbuffer
