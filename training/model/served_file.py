"""A served model file -> the weights of the network that it came of, to go on from.

What the export did is undone as far as it can be: kernels are what int8 left of them, a batch norm that went into a
kernel becomes the identity behind it, and its moments are estimated anew, so that training begins where serving ended.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter
from keras import layers, ops

CONVOLUTION: Final = "CONV_2D"
DENSE: Final = "FULLY_CONNECTED"
SCALING: Final = re.compile(r"([^/;]+)/batchnorm/mul_1$")
SHIFTING: Final = re.compile(r"([^/;]+)/batchnorm/add_1")
"""Names of what a batch norm without a convolution before it became: a multiplication and an addition."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the file: its kind, its result's name, and its constant inputs, dequantised, by their names."""

    kind: str
    result: str
    constants: list[tuple[str, Array]]


def load_served(model: keras.Model, path: Path) -> None:
    """Sets the weights of `model`, from `network.build`, so that it does what the served file does.

    Batch norms have mean 0 and variance 1; `estimate_moments` gives them their own.

    Raises:
        ValueError: the file lacks a layer of the model's.
    """
    names = {layer.name for layer in model.layers if layer.weights}
    kernels: dict[str, tuple[Array, Array]] = {}
    scales: dict[str, Array] = {}
    shifts: dict[str, Array] = {}
    for operation in operations(path):
        if operation.kind in (CONVOLUTION, DENSE):
            (name, kernel), *rest = operation.constants
            bias = rest[0][1] if rest else np.zeros(len(kernel), np.float32)  # the converter drops a bias of zeros
            kernels[layer_of(name.rsplit("/", 1)[0], names)] = kernel, bias
        elif operation.constants and (found := SCALING.search(operation.result)):
            scales[layer_of(found[1], names)] = operation.constants[0][1].ravel()
        elif operation.constants and (found := SHIFTING.search(operation.result)):
            shifts[layer_of(found[1], names)] = operation.constants[0][1].ravel()
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in model.layers:
        if isinstance(layer, (layers.Conv2D, layers.Dense)):
            _set_kernel(layer, *_known(kernels, layer.name))
    for norm in norms:
        before = norm.input._keras_history.operation
        if isinstance(before, layers.Conv2D):
            kernel, bias = kernels[before.name]
            _set_kernel(before, kernel, 0 * bias)  # the file's bias holds the norm's shift as well
            _set_norm(norm, np.ones_like(bias), bias)
        else:
            _set_norm(norm, _known(scales, norm.name), _known(shifts, norm.name))


def estimate_moments(model: keras.Model, batches: Iterable[Array]) -> None:
    """Gives every batch norm the mean and variance of what comes in over `batches`; what the model does stays.

    Args:
        model: whose batch norms have other moments.
        batches: (B, N, N, 1) each, all of one size.
    """
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    incoming = [ops.cast(norm.input, "float32") for norm in norms]
    probe = keras.Model(model.input, [[ops.mean(x, (0, 1, 2)), ops.mean(ops.square(x), (0, 1, 2))] for x in incoming])
    said = [[[np.asarray(value, np.float64) for value in pair] for pair in probe(batch)] for batch in batches]
    for index, norm in enumerate(norms):
        mean, square = (np.mean([batch[index][which] for batch in said], axis=0) for which in (0, 1))
        rebase(norm, mean, np.maximum(square - mean**2, 0))


def rebase(norm: layers.BatchNormalization, mean: npt.NDArray[Any], variance: npt.NDArray[Any]) -> None:
    """Other moments for a batch norm, its gamma and beta changed with them so that it does the same."""
    gamma, beta, old_mean, old_variance = (np.asarray(weight, np.float64) for weight in norm.get_weights())
    slope = gamma / np.sqrt(old_variance + norm.epsilon)
    gamma, beta = slope * np.sqrt(variance + norm.epsilon), beta + slope * (mean - old_mean)
    norm.set_weights([gamma, beta, mean, variance])


def operations(path: Path) -> Iterator[Operation]:
    """The operations of a file, in their order, with their constants as float32."""
    interpreter = Interpreter(model_path=str(path), experimental_preserve_all_tensors=True)
    tensors = {details["index"]: details for details in interpreter.get_tensor_details()}
    listed = interpreter._get_ops_details()
    results = {index for operation in listed for index in operation["outputs"]}
    inputs = {details["index"] for details in interpreter.get_input_details()}
    for operation in listed:
        constants = [index for index in operation["inputs"] if index >= 0 and index not in results | inputs]
        yield Operation(
            operation["op_name"],
            tensors[operation["outputs"][0]]["name"],
            [(tensors[i]["name"], _dequantised(tensors[i], interpreter.get_tensor(i))) for i in constants],
        )


def layer_of(name: str, names: set[str]) -> str:
    """The layer that a name in the file is of: its last part, without the number that the export adds."""
    last = name.rsplit("/", 1)[-1]
    return last if last in names else re.sub(r"_\d+$", "", last)


def _dequantised(details: dict[str, Any], values: npt.NDArray[Any]) -> Array:
    parameters = details["quantization_parameters"]
    scales = np.asarray(parameters["scales"], np.float32)
    if not scales.size:
        return np.asarray(values, np.float32)
    shape = [1] * values.ndim
    shape[int(parameters["quantized_dimension"])] = scales.size
    zeros = np.asarray(parameters["zero_points"], np.float32)
    result: Array = (values.astype(np.float32) - zeros.reshape(shape)) * scales.reshape(shape)
    return result


def _known(found: dict[str, Any], name: str) -> Any:
    if name not in found:
        raise ValueError(f"the model file lacks the layer {name}")
    return found[name]


def _set_kernel(layer: layers.Layer, kernel: Array, bias: Array) -> None:
    """LiteRT has the output channels first; a kernel for one gray image is shared out over its three copies."""
    kernel = kernel.transpose(1, 2, 3, 0) if kernel.ndim == 4 else kernel.T
    channels = layer.kernel.shape[-2]
    if kernel.shape[-2] != channels:
        kernel = np.repeat(kernel / channels, channels, axis=-2)
    layer.set_weights([kernel, bias] if layer.use_bias else [kernel])


def _set_norm(norm: layers.BatchNormalization, slope: Array, shift: Array) -> None:
    ones = np.ones_like(slope)
    norm.set_weights([slope * np.sqrt(1 + np.float32(norm.epsilon)), shift, 0 * ones, ones])
