"""The trained network -> LiteRT with int8 convolutions, float32 between them.

Weights are int8 with a scale per output channel. A convolution takes its input's range from each scan as it comes,
multiplies in int8 and answers in float32.

Fixed ranges for everything (the converter's full-integer mode) hang on the weights: where what a residual block adds
has a tail of 57 standard deviations, one step of a fixed int8 scale swallows most of it, and Cheng's accuracy fell by 8
percentage points. `tests/bench/static_int8.py` measures both, and the tails, for given weights.
"""

from pathlib import Path

import tensorflow as tf


def to_int8(saved_model: Path) -> bytes:
    """Convert a SavedModel of the fused network.

    Returns:
        A flatbuffer with one signature, from `scan` (B, N, N, 1) to `cls`, `seg` and `features`, for any B.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    flatbuffer: bytes = converter.convert()
    return flatbuffer
