"""int8 by ranges of each scan, as it is served, beside fixed ranges: the tables of decision 0003 in docs/decisions.

`python -m tests.bench.static_int8 --weights WEIGHTS --data DATA` converts a network to float32, to int8 that takes its
ranges from each scan, and to int8 by ranges from slices of the train part: from the smallest to the largest value, and
those of least squared error. It prints accuracy, Dice and milliseconds a slice of each on slices of the test part, with
the constants of the served model; how long the network's multiplications alone would take at the rate of one large int8
convolution, which is taken for the processor's limit; and the layers with the longest tails, in standard deviations of
what they give.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.tools import flatbuffer_utils

from brainscan.domain import ScanError
from brainscan.imaging.prepare import prepare
from brainscan.inference.runtime import Model, Prediction
from training.datasets.samples import Sample, read_gray
from training.datasets.splits import read_data
from training.evaluation.evaluated import evaluate
from training.evaluation.figures import brief
from training.evaluation.predictions import predict
from training.evaluation.scope import evenly
from training.evaluation.tables import with_interval
from training.model.fuse import fuse
from training.model.network import build, load_npz
from training.model.quantize import to_int8
from training.model.ranges import Histogram

CALIBRATED = 20
"""Slices of each set of the train part that fixed ranges are taken from."""
TAILS = 32
"""Slices of those by which ranges are found, whose tails are measured."""
SHOWN = 8
"""Layers with the longest tails that are printed."""


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--weights", type=Path, required=True)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--model", type=Path, default=Path("functions/analyze/model"), help="constants are of it")
    arguments.add_argument("--of-each-set", type=int, default=30, help="slices of the test part")
    told = arguments.parse_args()
    served = Model.load(told.model)
    size = served.manifest.input.size
    samples = read_data(told.data)
    train = [sample for sample in samples if sample.part == "train"]
    known = inputs(evenly(train, CALIBRATED), size)
    test = evenly([sample for sample in samples if sample.part == "test"], told.of_each_set)
    network = build(size, weights=None)
    load_npz(network, told.weights)
    fused = fuse(network)
    with tempfile.TemporaryDirectory() as folder:
        fused.export(folder, verbose=False)
        files = {
            "float32": tf.lite.TFLiteConverter.from_saved_model(folder).convert(),
            "int8, ranges of each scan": to_int8(Path(folder)),
            "int8, fixed, smallest to largest": mlir_quantize(calibrate(Path(folder), known)),
            "int8, fixed, least error": to_static_int8(Path(folder), known),
        }
    print(f"\n{len(known)} slices calibrate, {len(test)} are measured\n")
    print("| arithmetic | accuracy | Dice | ms a slice | MB |\n|---|---:|---:|---:|---:|")
    for name, flatbuffer in files.items():
        run, seconds = runner(flatbuffer)
        figures = brief(list(evaluate(predict(test, run, size), served.manifest)))
        shown = [with_interval(figures[metric]) for metric in ("accuracy", "dice")]
        print(f"| {name} | {' | '.join(shown)} | {1000 * min(seconds):.1f} | {len(flatbuffer) / 1e6:.1f} |", flush=True)
    per_second = multiplications(convolution := large_convolution()) / fastest(convolution)
    limit = multiplications(files["int8, fixed, least error"]) / per_second
    print(f"\nthe limit: {1000 * limit:.1f} ms a slice, at {per_second / 1e9:.0f} G multiplications a second")
    print("\n| layer | largest, sigma | a step of int8, sigma |\n|---|---:|---:|")
    for name, tail in tails(fused, known[:: max(1, len(known) // TAILS)])[:SHOWN]:
        print(f"| `{name}` | {tail:.0f} | {2 * tail / 255:.2f} |")


def to_static_int8(saved_model: Path, known: Sequence[np.ndarray]) -> bytes:
    """int8 by fixed ranges, each of least squared error; the head that tells the classes stays float32."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(calibrate(saved_model, known)))
    ranges = {
        tensor.name: tensor.quantization
        for tensor in model.subgraphs[0].tensors
        if tensor.quantization is not None and tensor.quantization.min is not None
    }
    histograms = {name: Histogram(float(ends.min[0]), float(ends.max[0])) for name, ends in ranges.items()}
    for values in layer_values(bytes(flatbuffer_utils.convert_object_to_bytearray(model)), list(ranges), known):
        for name, array in values.items():
            histograms[name].add(array)
    for name, ends in ranges.items():
        low, high = histograms[name].best_range()
        ends.min, ends.max = [low], [high]
    changed = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    flatbuffer: bytes = mlir_quantize(changed, denylisted_ops={"FULLY_CONNECTED"})
    return flatbuffer


def calibrate(saved_model: Path, known: Sequence[np.ndarray]) -> bytes:
    """A float32 flatbuffer that knows the smallest and largest value of what each layer gives."""

    def representative() -> Iterator[list[np.ndarray]]:
        for pixels in known:
            yield [pixels[np.newaxis]]

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter._experimental_calibrate_only = True  # the two steps apart, to change the ranges between them
    flatbuffer: bytes = converter.convert()
    return flatbuffer


def layer_values(
    flatbuffer: bytes, names: Sequence[bytes], known: Sequence[np.ndarray]
) -> Iterator[dict[bytes, np.ndarray]]:
    """For each slice what the named tensors hold."""
    interpreter = Interpreter(model_content=flatbuffer, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    indices = {details["name"].encode(): details["index"] for details in interpreter.get_tensor_details()}
    given = interpreter.get_input_details()[0]["index"]
    for pixels in known:
        interpreter.set_tensor(given, pixels[np.newaxis])
        interpreter.invoke()
        yield {name: interpreter.get_tensor(indices[name]) for name in names}


def runner(flatbuffer: bytes) -> tuple[Callable[[np.ndarray], Prediction], list[float]]:
    """What answers a batch on one thread, and a list that gets its seconds a slice."""
    signature = Interpreter(model_content=flatbuffer, num_threads=1).get_signature_runner()
    seconds: list[float] = []

    def run(batch: np.ndarray) -> Prediction:
        begin = time.perf_counter()
        said = signature(scan=batch.astype(np.float32))
        seconds.append((time.perf_counter() - begin) / len(batch))
        return Prediction(cls=said["cls"], seg=said["seg"][..., 0], features=said["features"])

    return run, seconds


def large_convolution(side: int = 40, channels: int = 256) -> bytes:
    """A file of one 3 x 3 convolution with static int8, large enough for the runtime to reach its full rate."""
    scan = keras.Input((side, side, channels))
    model = keras.Model(scan, keras.layers.Conv2D(channels, 3, padding="same")(scan))
    known = list(np.random.default_rng(0).normal(size=(2, side, side, channels)).astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        return mlir_quantize(calibrate(Path(folder), known))


def multiplications(flatbuffer: bytes) -> float:
    """Of all convolutions, for one slice."""
    interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
    shapes = {each["index"]: each["shape"] for each in interpreter.get_tensor_details()}
    convolutions = [each for each in interpreter._get_ops_details() if each["op_name"] == "CONV_2D"]
    return float(
        sum(np.prod(shapes[each["outputs"][0]][1:3]) * np.prod(shapes[each["inputs"][1]]) for each in convolutions)
    )


def fastest(flatbuffer: bytes, runs: int = 50) -> float:
    """Seconds of one run on one thread, the least of some."""
    interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
    interpreter.allocate_tensors()
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        interpreter.invoke()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def tails(network: keras.Model, known: Sequence[np.ndarray]) -> list[tuple[str, float]]:
    """Layers that give a map, the longest tail first: the largest distance from the mean, in standard deviations."""
    layers = [layer for layer in network.layers if len(layer.output.shape) == 4]
    probe = keras.Model(network.input, [layer.output for layer in layers])
    sums = np.zeros((len(layers), 3))
    ends = np.zeros((len(layers), 2))
    for pixels in known:
        for place, each in enumerate(probe(pixels[np.newaxis])):
            values = np.asarray(each, np.float64)
            sums[place] += values.size, values.sum(), np.square(values).sum()
            ends[place] = min(ends[place, 0], values.min()), max(ends[place, 1], values.max())
    mean = sums[:, 1] / sums[:, 0]
    deviation = np.sqrt(np.maximum(sums[:, 2] / sums[:, 0] - mean**2, 1e-12))
    longest = np.abs(ends - mean[:, np.newaxis]).max(axis=1) / deviation
    return sorted(((layer.name, float(tail)) for layer, tail in zip(layers, longest, strict=True)), key=lambda x: -x[1])


def inputs(samples: Sequence[Sample], size: int) -> list[np.ndarray]:
    """(N, N, 1) each; blank scans are left out."""
    made = []
    for sample in samples:
        try:
            made.append(prepare(read_gray(sample), size).input)
        except ScanError:
            continue
    return made


if __name__ == "__main__":
    main()
