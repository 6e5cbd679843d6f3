"""The network as it is trained for int8 by fixed ranges: what a layer gives is rounded as int8 will round it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from training.model.ranges import LEVELS, Histogram
from training.model.trainable import LOGITS, with_weights_of

Range = tuple[float, float]

KEEPS_RANGE: Final = (layers.MaxPooling2D, layers.ZeroPadding2D, layers.UpSampling2D, layers.Concatenate)
"""Layers whose values are those that they are given, or lie between them."""
RECTIFIES: Final = (layers.ReLU, layers.Activation)


@keras.saving.register_keras_serializable("brainscan")
class RoundedToInt8(layers.Layer):
    """Values of a fixed range in 255 steps, zero one of them; beyond its ends they are cut.

    The gradient of what lies in the range is passed on as if nothing were rounded (straight-through, Bengio et al.,
    2013), of what is cut there is none.

    Args:
        low: the range's lower end, 0 or less.
        high: its upper end, 0 or more, above `low`.
    """

    def __init__(self, low: float, high: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def call(self, inputs: Any) -> Any:
        """Any shape -> the same."""
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            values = tf.cast(inputs, "float32")
            return tf.cast(tf.quantization.fake_quant_with_min_max_args(values, self.low, self.high), inputs.dtype)
        step = (self.high - self.low) / LEVELS
        nudged = step * round(self.low / step)
        inside = ops.clip(inputs, nudged, nudged + LEVELS * step)
        return inside + ops.stop_gradient(ops.round((inside - nudged) / step) * step + nudged - inside)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What rebuilds this layer."""
        return {**super().get_config(), "low": self.low, "high": self.high}


def rounded(model: keras.Model, ranges: Mapping[str, Range]) -> keras.Model:
    """A model with the same weights that rounds what the named layers give.

    Args:
        model: from `network.build` or `trainable`.
        ranges: of layers by their names, as `int8_ranges` finds them.
    """

    def call(layer: layers.Layer, *inputs: Any, **kwargs: Any) -> Any:
        y = layer(*inputs, **kwargs)
        return RoundedToInt8(*ranges[layer.name], name=f"{layer.name}_int8")(y) if layer.name in ranges else y

    return with_weights_of(model, keras.models.clone_model(model, call_function=call))


def int8_ranges(model: keras.Model, batches: Sequence[np.ndarray]) -> dict[str, Range]:
    """The range of least squared error of each layer that int8 by fixed ranges rounds.

    Args:
        model: from `network.build` or `trainable`.
        batches: (B, N, N, 1) in [-1, 1] each; looked at twice.
    """
    known = [layer for layer in model.layers if _is_rounded(layer)]
    probe = keras.Model(model.input, [layer.output for layer in known])
    ends: dict[str, Range] = defaultdict(lambda: (0.0, 0.0))
    for name, values in _values(probe, known, batches):
        ends[name] = min(ends[name][0], float(values.min())), max(ends[name][1], float(values.max()))
    histograms = {name: Histogram(*both) for name, both in ends.items()}
    for name, values in _values(probe, known, batches):
        histograms[name].add(values)
    return {name: histogram.best_range() for name, histogram in histograms.items()}


def _values(
    probe: keras.Model, known: list[layers.Layer], batches: Iterable[np.ndarray]
) -> Iterable[tuple[str, np.ndarray]]:
    for batch in batches:
        for layer, values in zip(known, probe(batch, training=False), strict=True):
            yield layer.name, ops.convert_to_numpy(ops.cast(values, "float32"))


def _is_rounded(layer: layers.Layer) -> bool:
    """Whether the layer gives a map that is kept: no rectifier, nor batch norm after a convolution, goes into it."""
    if len(layer.output.shape) != 4 or layer.name in LOGITS or isinstance(layer, (layers.InputLayer, *KEEPS_RANGE)):
        return False
    users = [node.operation for node in layer._outbound_nodes]
    convolves = isinstance(layer, layers.Conv2D)
    return not any(
        isinstance(user, RECTIFIES) or (convolves and isinstance(user, layers.BatchNormalization)) for user in users
    )
