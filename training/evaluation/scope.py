"""Fits the scope check: Gaussians of scans of the train part, their thresholds on scans that the weights never saw."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from brainscan.inference.scope import Gaussian, Scope
from training.datasets.samples import Sample
from training.evaluation.predictions import ServedPrediction

AXES: Final = 48
"""Principal axes that are kept, where there are so many: a tenth of a megabyte in the manifest."""
TEXTURE_BEYOND: Final = 0.01
FEATURES_BEYOND: Final = 0.03
"""Shares of in-scope scans, unseen by the weights, that the checks' thresholds give up: of what is no brain MR,
features tell photographs and ultrasound best, textures noise, text and drawings, which they tell from afar."""
OF_EACH_SET: Final = 400
"""Scans of each set and view that the Gaussians are fitted to: no set outweighs another."""

Features = npt.NDArray[np.float32]


def evenly(samples: Sequence[Sample], of_each: int = OF_EACH_SET) -> list[Sample]:
    """At most `of_each` samples of each set and view, evenly spaced in their order."""
    sets: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        sets[sample.source, sample.view].append(sample)
    chosen: list[Sample] = []
    for members in sets.values():
        places = np.unique(np.linspace(0, len(members) - 1, min(of_each, len(members))).astype(int))
        chosen.extend(members[place] for place in places)
    return chosen


def fit_scope(known: Iterable[ServedPrediction]) -> Scope:
    """Both Gaussians, fitted to `known`, with thresholds that give nothing up until `calibrate` sets them."""
    textures, features = textures_and_features(known)
    by_texture, by_features = fit_gaussian(textures), fit_gaussian(features)
    return Scope(texture=by_texture, features=by_features, beyond=0.0)


def calibrate(
    scope: Scope,
    unseen: Iterable[ServedPrediction],
    texture_beyond: float = TEXTURE_BEYOND,
    features_beyond: float = FEATURES_BEYOND,
) -> Scope:
    """The same Gaussians with the distances that given shares of in-scope scans exceed.

    Args:
        scope: of `fit_scope`.
        unseen: scans that the weights never learned from.
        texture_beyond: share of `unseen` that the check of textures gives up.
        features_beyond: share that the check of features gives up.
    """
    textures, features = textures_and_features(unseen)
    by_texture, by_features = (
        gaussian.model_copy(update={"threshold": float(np.quantile(gaussian.distances(own), 1 - beyond))})
        for gaussian, own, beyond in (
            (scope.texture, textures, texture_beyond),
            (scope.features, features, features_beyond),
        )
    )
    calibrated = Scope(texture=by_texture, features=by_features, beyond=0.0)
    outside = calibrated.distances_of(textures, features) > 1
    return calibrated.model_copy(update={"beyond": float(outside.mean())})


def fit_gaussian(known: Features, axes: int = AXES) -> Gaussian:
    """A Gaussian of `known` (n, F) by principal components, its threshold the largest distance of them.

    Args:
        known: (n, F), n at least 2.
        axes: principal axes to keep, if n and F are larger.
    """
    mean = known.mean(axis=0)
    deviations = (known - mean).astype(np.float64)
    covariance = deviations.T @ deviations / max(1, len(known) - 1)
    count = known.shape[1]
    kept = min(axes, min(known.shape) - 1)
    variances, directions = eigh(covariance, subset_by_index=[count - kept, count - 1])
    # The rest of the variance, spread evenly over the rest of the directions: probabilistic PCA.
    rest = max(float(np.trace(covariance) - variances.sum()) / max(1, count - kept), 1e-12)
    first = Gaussian.of(
        mean,
        directions.T[::-1].astype(np.float32),
        np.maximum(variances[::-1], rest).astype(np.float32),
        rest,
        threshold=1.0,
    )
    return first.model_copy(update={"threshold": float(first.distances(known).max())})


def textures_and_features(predictions: Iterable[ServedPrediction]) -> tuple[Features, Features]:
    """Textures (n, T) and pooled features (n, F) of the scans that are not blank."""
    pairs = [
        (each.texture, each.features) for each in predictions if each.texture is not None and each.features is not None
    ]
    textures, features = zip(*pairs, strict=True)
    return np.stack(textures), np.stack(features)
