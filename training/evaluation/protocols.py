"""One model, measured by three protocols: the honest one, and the two usual ones that leak."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from training.datasets.duplicates import SAME, mirrored, thumbnail
from training.datasets.samples import Sample, read_gray
from training.datasets.splits import kaggle_folders, random_by_image
from training.evaluation import metrics
from training.evaluation.evaluated import EvaluatedScan

HONEST: Final = "patients and near-duplicates apart"
KAGGLE_TESTING: Final = "the Kaggle set's Testing folder"
BY_IMAGE: Final = "a random tenth of all images"

Measure = Callable[[Sequence[Sample]], list[EvaluatedScan]]


def compare(
    samples: Sequence[Sample], tested: Sequence[EvaluatedScan], raw: Sequence[Sample], measure: Measure
) -> dict[str, Any]:
    """Accuracy by each protocol, and the share of its scans that the train part holds as well.

    Args:
        samples: all of the honest split, with parts.
        tested: scans of its test part, each file once.
        raw: the public sets as their folders have them.
        measure: evaluates samples.
    """
    seen = _Seen([sample for sample in samples if sample.part == "train"])
    flawed = {KAGGLE_TESTING: kaggle_folders(raw)[1], BY_IMAGE: random_by_image(samples)[2]}
    compared = {HONEST: row(tested, seen)}
    return compared | {name: row(measure(chosen), seen) for name, chosen in flawed.items() if chosen}


def row(scans: Sequence[EvaluatedScan], seen: "_Seen") -> dict[str, Any]:
    """One protocol's figures."""
    value, count = metrics.mean_of(scans, "accuracy")
    low, high = metrics.interval(scans, "accuracy")
    return {
        "accuracy": {"value": value, "low": low, "high": high, "n": count},
        "in_train_part": float(np.mean([scan.sample in seen for scan in scans])) if scans else float("nan"),
    }


def rows(compared: Mapping[str, Any], shown: Callable[[Mapping[str, float]], str]) -> list[list[str]]:
    """The comparison as a table with a header."""
    table = [["tested on", "scans", "of them in the train part", "accuracy"]]
    for name, figures in compared.items():
        accuracy = figures["accuracy"]
        table.append([name, str(accuracy["n"]), f"{figures['in_train_part']:.0%}", shown(accuracy)])
    return table


class _Seen:
    """The pictures of the train part: asks whether a sample shows one of them."""

    def __init__(self, train: Sequence[Sample]) -> None:
        vectors = np.stack([thumbnail(read_gray(sample)) for sample in train])
        self._vectors = np.concatenate([vectors, mirrored(vectors)])

    def __contains__(self, sample: Sample) -> bool:
        return bool((self._vectors @ thumbnail(read_gray(sample))).max() >= SAME)
