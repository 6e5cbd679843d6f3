"""Static int8 beside the int8 that is served: the table of docs/decisions/0003-dynamic-range-int8.md.

`python -m tests.bench.static_int8 --weights WEIGHTS --data DATA` converts a network twice: as it is served, with ranges
taken from each scan, and with fixed ranges, per channel for weights and per tensor for activations, from slices of the
train part. It prints accuracy, Dice and milliseconds a slice of both on slices of the test part, with the constants of
the served model, and the layers with the longest tails, in standard deviations of what they give.
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

CALIBRATED = 20
"""Slices of each set of the train part that fixed ranges are taken from."""
TAILS = 32
"""Of them, those whose tails are measured."""
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
    known = inputs(evenly([sample for sample in samples if sample.part == "train"], CALIBRATED), size)
    test = evenly([sample for sample in samples if sample.part == "test"], told.of_each_set)
    network = build(size, weights=None)
    load_npz(network, told.weights)
    fused = fuse(network)
    with tempfile.TemporaryDirectory() as folder:
        fused.export(folder, verbose=False)
        files = {"ranges of each scan": to_int8(Path(folder)), "fixed ranges": to_static_int8(Path(folder), known)}
    print(f"\n{len(known)} slices calibrate, {len(test)} are measured\n")
    print("| int8 | accuracy | Dice | ms a slice | MB |\n|---|---:|---:|---:|---:|")
    for name, flatbuffer in files.items():
        run, seconds = runner(flatbuffer)
        figures = brief(list(evaluate(predict(test, run, size), served.manifest)))
        shown = [with_interval(figures[metric]) for metric in ("accuracy", "dice")]
        print(f"| {name} | {' | '.join(shown)} | {1000 * min(seconds):.0f} | {len(flatbuffer) / 1e6:.1f} |", flush=True)
    print("\n| layer | largest, sigma | a step of int8, sigma |\n|---|---:|---:|")
    for name, tail in tails(fused, known[:: max(1, len(known) // TAILS)])[:SHOWN]:
        print(f"| `{name}` | {tail:.0f} | {2 * tail / 255:.2f} |")


def to_static_int8(saved_model: Path, known: Sequence[np.ndarray]) -> bytes:
    """The converter's full-integer mode; operations without an int8 kernel stay float32."""

    def representative() -> Iterator[list[np.ndarray]]:
        for pixels in known:
            yield [pixels[np.newaxis]]

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    flatbuffer: bytes = converter.convert()
    return flatbuffer


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
