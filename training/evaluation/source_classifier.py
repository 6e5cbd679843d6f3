"""How well do the pooled features still tell the data sets apart? What a network knows of the hospital.

A linear classifier of the data set, ridge regression on the standardised features, asked of groups that it has not
seen. Where it does no better than chance, the features say nothing of the hospital; where it does, the network could
answer by the hospital instead of the picture.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brainscan.domain import CLASSES
from training.evaluation.bootstrap import bounds, draws
from training.evaluation.evaluated import source_name
from training.evaluation.predictions import ServedPrediction

FOLDS: Final = 5
FEWEST_GROUPS: Final = FOLDS
"""Groups of a data set below which it is left out: each fold must hold some of it."""
OF_EACH_SET: Final = 200
"""Scans of a set that take part, evenly spaced: a set is not to be told by its size."""
PENALTY: Final = 1000.0
"""Of the ridge, on standardised features: there are as many features as scans."""
ALL: Final = "all classes"


def source_accuracies(predictions: Sequence[ServedPrediction]) -> dict[str, dict[str, Any]]:
    """Balanced accuracy of the data set, over all classes and within each, beside chance.

    Args:
        predictions: of whole files; a channel of a file and a blank scan are left out.

    Returns:
        By part, `value`, `low`, `high` (intervals draw groups), `n` scans, `groups`, `chance`, and `sets`, each with
        the share of its scans that is told rightly. A part with fewer than two sets of enough groups is left out.
    """
    seen = [each for each in predictions if each.features is not None and each.sample.view == "luma"]
    parts = {ALL: seen} | {str(label): [each for each in seen if each.sample.label == label] for label in CLASSES}
    results = {name: _source_accuracy(_balanced(members)) for name, members in parts.items()}
    return {name: result for name, result in results.items() if result is not None}


def _balanced(predictions: Sequence[ServedPrediction]) -> list[ServedPrediction]:
    """Sets with enough groups, of each `OF_EACH_SET` scans at most."""
    sets: dict[str, list[ServedPrediction]] = {}
    for each in predictions:
        sets.setdefault(source_name(each.sample), []).append(each)
    chosen = []
    for members in sets.values():
        if len({each.sample.group for each in members}) >= FEWEST_GROUPS:
            places = np.linspace(0, len(members) - 1, min(OF_EACH_SET, len(members))).astype(int)
            chosen += [members[place] for place in places]
    return chosen


def _source_accuracy(predictions: Sequence[ServedPrediction]) -> dict[str, Any] | None:
    """None where there are not two sets."""
    sets = np.array([source_name(each.sample) for each in predictions])
    if len(set(sets)) < 2:
        return None
    groups = np.array([each.sample.group for each in predictions])
    right = _cross_validated(np.stack([_features(each) for each in predictions]), sets, groups)
    _, index = np.unique(groups, return_inverse=True)
    weights = draws(int(index.max()) + 1, 400, seed=0)[:, index]
    names = sorted(set(sets))
    of_each = np.stack([(weights * right * (sets == name)).sum(1) / _some(weights * (sets == name)) for name in names])
    low, high = bounds(of_each.mean(axis=0))
    told = {name: float(right[sets == name].mean()) for name in names}
    return {
        "value": sum(told.values()) / len(told),
        "low": low,
        "high": high,
        "n": len(predictions),
        "groups": int(index.max()) + 1,
        "chance": 1 / len(names),
        "sets": {name: {"told": told[name], "scans": count} for name, count in sorted(Counter(sets.tolist()).items())},
    }


def _cross_validated(
    features: npt.NDArray[np.float32], sets: npt.NDArray[np.str_], groups: npt.NDArray[np.str_]
) -> npt.NDArray[np.float64]:
    """1 for every scan whose set a classifier that saw none of its group tells."""
    right = np.zeros(len(sets))
    for known, unseen in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(features, sets, groups):
        classifier = make_pipeline(StandardScaler(), RidgeClassifier(alpha=PENALTY, class_weight="balanced"))
        classifier.fit(features[known], sets[known])
        right[unseen] = classifier.predict(features[unseen]) == sets[unseen]
    return right


def _features(prediction: ServedPrediction) -> npt.NDArray[np.float32]:
    if prediction.features is None:
        raise ValueError("a blank scan has no features")
    return prediction.features


def _some(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums, NaN for none: such a draw lacks a set, and has no balanced accuracy."""
    total = weights.sum(axis=1)
    return np.where(total > 0, total, np.nan)
