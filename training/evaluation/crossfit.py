"""Temperature, thresholds and scope from the test part without measuring on what was fitted: two halves of its groups.

Weights that learned from the whole train part leave only the test part to fit these few constants on. Each half of
its groups is measured with constants from the other half; what is shipped comes from both.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from brainscan.inference.manifest import Calibration, Manifest
from training.datasets.samples import Sample
from training.evaluation.evaluated import EvaluatedScan, evaluate, evaluate_one
from training.evaluation.predictions import ServedPrediction
from training.evaluation.scope import calibrate
from training.evaluation.thresholds import Scored, choose_thresholds, fit_temperature, score

SPLIT: Final = "test part"
FEWEST_GROUPS: Final = 2
"""Groups of a test part that can be halved."""


def fit(scored: Sequence[Scored], manifest: Manifest) -> Manifest:
    """The manifest with temperature, thresholds and the scope's thresholds fitted to predictions of its network."""
    predictions = [each.prediction for each in scored]
    temperature = fit_temperature(predictions)
    return manifest.model_copy(
        update={
            "temperature": temperature,
            "thresholds": choose_thresholds(scored, temperature),
            "scope": None if manifest.scope is None else calibrate(manifest.scope, predictions),
            "calibration": Calibration(
                split=SPLIT,
                scans=len(predictions),
                groups=len({prediction.sample.group for prediction in predictions}),
                cross_fitted=True,
            ),
        }
    )


def cross_fit(predictions: Sequence[ServedPrediction], manifest: Manifest) -> tuple[Manifest, list[EvaluatedScan]]:
    """The manifest with constants of all predictions, and each prediction with constants of the other half.

    Of fewer groups than `FEWEST_GROUPS` nothing can be fitted that another one measures: the manifest is as it was.
    """
    if len({prediction.sample.group for prediction in predictions}) < FEWEST_GROUPS:
        return manifest, list(evaluate(predictions, manifest))
    scored = score(predictions)
    first = first_half([prediction.sample for prediction in predictions])
    of_half = {
        half: fit([each for each in scored if (each.prediction.sample.group in first) is half], manifest)
        for half in (True, False)
    }
    evaluated = [evaluate_one(each, of_half[each.sample.group not in first]) for each in predictions]
    return fit(scored, manifest), evaluated


def evaluate_fairly(predictions: Sequence[ServedPrediction], manifest: Manifest) -> list[EvaluatedScan]:
    """Each prediction, evaluated with constants that were not fitted on its group.

    Those of the manifest, where they come from other scans; else those that the other half of the groups gives.
    """
    if not manifest.calibration.cross_fitted:
        return list(evaluate(predictions, manifest))
    return cross_fit(predictions, manifest)[1]


def first_half(samples: Sequence[Sample]) -> set[str]:
    """Groups of the first half: every second one of each source and label, in the order of a hash of their names.

    Raises:
        ValueError: there are not two groups to divide.
    """
    strata: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        strata[sample.source, sample.label].add(sample.group)
    first: set[str] = set()
    second: set[str] = set()
    for _, groups in sorted(strata.items()):
        for group in sorted(groups - first - second, key=lambda name: hashlib.sha256(name.encode()).digest()):
            (first if len(first) <= len(second) else second).add(group)
    if not first or not second:
        raise ValueError(f"a test part of fewer than {FEWEST_GROUPS} groups cannot be halved")
    return first
