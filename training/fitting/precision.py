"""Which arithmetic is fast on this machine: measured, because what a processor can differs more than its name."""

import time
from typing import Final

import keras
import numpy as np

SHAPE: Final = (8, 32, 32, 128)
KERNEL: Final = (3, 3, 128, 128)
"""A convolution of the encoder's kind."""
REPEATS: Final = 5
WORTH: Final = 1.2
"""How many times as fast bfloat16 must be before its rounding is accepted."""


def choose_dtype(requested: str) -> str:
    """A Keras dtype policy: the one asked for, or for "auto" `mixed_bfloat16` where it pays."""
    if requested != "auto":
        return requested
    return "mixed_bfloat16" if seconds("float32") > WORTH * seconds("bfloat16") else "float32"


def seconds(dtype: str) -> float:
    """The shortest of a few convolutions, after one that is not timed."""
    random = np.random.default_rng(0)
    inputs, kernel = (keras.ops.cast(random.normal(size=shape), dtype) for shape in (SHAPE, KERNEL))
    taken = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        float(keras.ops.cast(keras.ops.sum(keras.ops.conv(inputs, kernel, padding="same")), "float32"))
        taken.append(time.perf_counter() - started)
    return min(taken[1:])
