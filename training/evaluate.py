"""`python -m training.evaluate`: an artifact, as served, on one part of the data -> report with figures and plots.

With `--beside`, a second artifact on the same scans: every figure of the two in one report.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brainscan.inference.manifest import Manifest
from brainscan.inference.runtime import Model, Prediction
from training.datasets.readers import read_folder
from training.datasets.samples import Sample, with_views
from training.datasets.splits import read_data
from training.evaluation import protocols, report
from training.evaluation.crossfit import evaluate_fairly
from training.evaluation.evaluated import EvaluatedScan, evaluate
from training.evaluation.evidence import ActivationMaps, evidence_shares, summary
from training.evaluation.figures import figures
from training.evaluation.out_of_distribution import refusal_rates
from training.evaluation.predictions import RunnableModel, ServedPrediction, predict, predict_cached
from training.evaluation.source_classifier import source_accuracies


class KerasNetwork:
    """An artifact's `model.keras`, behind the manifest of the same folder."""

    def __init__(self, folder: Path) -> None:
        import keras  # an evaluation of the served model alone needs no TensorFlow

        self.manifest = Manifest.read(folder)
        self._model = keras.models.load_model(folder / "model.keras", compile=False)

    def run(self, batch: np.ndarray) -> Prediction:
        """(B, N, N, 1) -> what the network says."""
        said = {name: np.asarray(value) for name, value in self._model.predict_on_batch(batch).items()}
        return Prediction(cls=said["cls"], seg=said["seg"][..., 0], features=said["features"])


def main(arguments: Sequence[str]) -> int:
    """Writes the report and prints the headline figures of each source."""
    options = _parser().parse_args(arguments)
    network: RunnableModel = KerasNetwork(options.model) if options.keras else Model.load(options.model)
    everything = read_data(options.data)
    samples = with_views([sample for sample in everything if sample.part == options.part])
    predictions = predictions_of(samples, network, options.predictions, keras=options.keras)
    scans = evaluate_fairly(predictions, network.manifest)
    results = measure_artifact(network, scans) | {
        "artifact": "keras" if options.keras else "tflite",
        "part": options.part,
    }
    results["sources_told_apart"] = source_accuracies(predictions)
    if not options.keras:
        maps = ActivationMaps(options.model)
        results["evidence"] = summary(evidence_shares(maps, samples, network.manifest.input.size))
    if options.protocols:
        results["protocols"] = compare_protocols(everything, scans, network, options.data)
    if options.beside is not None:
        results["beside"] = measure_artifact(*evaluated_artifact(options.beside, samples, options.predictions))
    report.write(options.out, results, scans, predictions, network.manifest)
    print(report.headline(results))
    return 0


def predictions_of(
    samples: Sequence[Sample], network: RunnableModel, cache: Path | None, keras: bool = False
) -> list[ServedPrediction]:
    """Predictions of a network, from the cache where it has them."""
    manifest = network.manifest
    name = f"keras-{manifest.model_id}" if keras else manifest.model_id
    return predict_cached(samples, network.run, manifest.input.size, name, cache)


def evaluated_artifact(
    folder: Path, samples: Sequence[Sample], cache: Path | None
) -> tuple[RunnableModel, list[EvaluatedScan]]:
    """An artifact's network, and the samples as it is served."""
    network = Model.load(folder)
    return network, evaluate_fairly(predictions_of(samples, network, cache), network.manifest)


def measure_artifact(network: RunnableModel, scans: Sequence[EvaluatedScan]) -> dict[str, Any]:
    """Everything that is stated of one artifact."""
    return {
        "model_id": network.manifest.model_id,
        "size": network.manifest.input.size,
        **figures(scans),
        "out_of_distribution": refusal_rates(network),
    }


def compare_protocols(
    everything: Sequence[Sample], scans: Sequence[EvaluatedScan], network: RunnableModel, data: Path
) -> dict[str, Any]:
    """The honest protocol beside the two usual ones."""
    manifest = network.manifest
    return protocols.compare(
        everything,
        [scan for scan in scans if scan.sample.view == "luma"],
        read_folder(data).samples,
        lambda chosen: list(evaluate(predict(chosen, network.run, manifest.input.size), manifest)),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("functions/analyze/model"), help="an artifact's folder")
    parser.add_argument("--beside", type=Path, help="another artifact's folder, measured on the same scans")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with splits.csv")
    parser.add_argument("--out", type=Path, default=Path("out/report"))
    parser.add_argument("--part", choices=("train", "test"), default="test")
    parser.add_argument("--predictions", type=Path, help="folder that keeps what a model said, for the next time")
    parser.add_argument("--protocols", action="store_true", help="compare with the two usual protocols, which leak")
    parser.add_argument("--keras", action="store_true", help="measure model.keras instead of model.tflite")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
