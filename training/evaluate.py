"""`python -m training.evaluate`: an artifact, as served, on one part of the data -> report with figures and plots."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from brainscan.domain import ScanError
from brainscan.imaging.prepare import prepare
from brainscan.inference.manifest import Manifest
from brainscan.inference.runtime import Network, Prediction
from training.datasets.readers import read_folder
from training.datasets.samples import Sample, read_mask, with_views
from training.datasets.splits import read_data
from training.evaluation import metrics, protocols, report
from training.evaluation.cases import Case
from training.evaluation.out_of_distribution import outsiders
from training.evaluation.served import Answer, answers, source_name


class Served(Protocol):
    """What an evaluation needs of a network: `Network`, or Keras behind the same manifest."""

    manifest: Manifest

    def run(self, batch: np.ndarray) -> Prediction:
        """(B, N, N, 1) -> what the network says."""


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
    network: Served = KerasNetwork(options.model) if options.keras else Network.load(options.model)
    everything = read_data(options.data)
    samples = [sample for sample in everything if sample.part == options.part]
    samples = with_views(samples)
    cases = list(cases_of(samples, network))
    results = {
        "model_id": network.manifest.model_id,
        "artifact": "keras" if options.keras else "tflite",
        "part": options.part,
        **figures(cases),
        "outsiders": refused(network),
    }
    if options.protocols:
        results["protocols"] = protocols.compare(
            everything,
            [case for case in cases if case.sample.view == "luma"],
            read_folder(options.data).samples,
            lambda chosen: list(cases_of(chosen, network)),
        )
    report.write(options.out, results, cases, network)
    for name, source in results["sources"].items():
        print(f"{name}: accuracy {source['accuracy']['value']:.3f}, Dice {source['dice']['value']:.3f}")
    return 0


def cases_of(samples: Sequence[Sample], network: Served) -> Iterator[Case]:
    """Each sample through the code that serves it."""
    for answer in answers(samples, network.run, network.manifest.input.size):
        yield case_of(answer, network.manifest)


def case_of(answer: Answer, manifest: Manifest) -> Case:
    """One answer, compared with what is true."""
    mask = answer.mask(manifest.thresholds)
    finding = answer.finding(mask, manifest)
    area = answer.crop.area if answer.crop else None
    drawn = read_mask(answer.sample)
    tumor = drawn is not None and bool(drawn.any())
    both = int((mask & drawn).sum()) if tumor and drawn is not None else 0
    either = int((mask | drawn).sum()) if tumor and drawn is not None else 0
    probabilities = finding.probabilities
    return Case(
        sample=answer.sample,
        outcome=finding.outcome,
        reasons=finding.reasons,
        needs_review=finding.needs_review,
        probabilities=None if probabilities is None else np.array(list(probabilities.values())),
        distance=answer.distance(manifest),
        dice=2 * both / (both + either) if tumor else None,
        iou=both / either if tumor else None,
        hausdorff_95_px=metrics.hausdorff_95_px(mask, drawn) if tumor and drawn is not None else None,
        truth_share=float(drawn.sum()) / area if tumor and drawn is not None and area else None,
        mask_share=float(mask.sum()) / area if area else None,
    )


def figures(cases: Sequence[Case]) -> dict[str, object]:
    """All metrics, per source and, over each file once, together."""
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        by_source.setdefault(source_name(case.sample), []).append(case)
    whole = [case for case in cases if case.sample.view == "luma"]
    return {
        "sources": {name: summary(members) for name, members in sorted(by_source.items())},
        "all": summary(whole),
    }


def summary(cases: Sequence[Case]) -> dict[str, object]:
    """The metrics of one list of cases, those with an interval as value, low, high and n."""
    results: dict[str, object] = {"scans": len(cases), "patients": len({case.sample.group for case in cases})}
    for name in metrics.VALUES:
        value, count = metrics.mean_of(cases, name)
        low, high = metrics.interval(cases, name)
        results[name] = {"value": value, "low": low, "high": high, "n": count}
    low, high = metrics.calibration_interval(cases)
    results["calibration_error"] = {
        "value": metrics.calibration_error(cases),
        "low": low,
        "high": high,
        "n": len(cases),
    }
    results["hausdorff_95_px"] = metrics.hausdorff_95(cases)
    results["per_class"] = metrics.per_class(cases)
    results["roc_auc"] = metrics.roc_auc(cases)
    results["confusion"] = metrics.confusion(cases).tolist()
    return results


def refused(network: Served) -> dict[str, dict[str, float]]:
    """Of pictures that are no brain MR: how many of each kind got no answer, and how many by the scope check."""
    counts: dict[str, dict[str, float]] = {}
    scope = network.manifest.scope
    for kind, pixels in outsiders():
        tally = counts.setdefault(kind, {"pictures": 0, "refused": 0, "out_of_scope": 0})
        tally["pictures"] += 1
        try:
            inputs = prepare(pixels, network.manifest.input.size).input[np.newaxis]
        except ScanError:
            tally["refused"] += 1
            continue
        said = network.run(inputs)
        outside = scope is not None and bool(scope.distances(inputs, said.features)[0] > 1)
        unsure = said_confidence(said, network.manifest) < network.manifest.thresholds.min_confidence
        tally["out_of_scope"] += outside
        tally["refused"] += outside or unsure
    return counts


def said_confidence(said: Prediction, manifest: Manifest) -> float:
    """Calibrated probability of the most probable class of a batch of one."""
    from brainscan.inference.calibration import probabilities

    return float(probabilities(said.cls, manifest.temperature).max())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("functions/analyze/model"), help="an artifact's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with splits.csv")
    parser.add_argument("--out", type=Path, default=Path("out/report"))
    parser.add_argument("--part", choices=("train", "test"), default="test")
    parser.add_argument("--protocols", action="store_true", help="compare with the two usual protocols, which leak")
    parser.add_argument("--keras", action="store_true", help="measure model.keras instead of model.tflite")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
