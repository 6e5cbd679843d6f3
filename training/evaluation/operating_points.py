"""Any tumor against none at other thresholds than the most probable class: sensitivity at a specificity."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from training.evaluation.bootstrap import Floats, bounds, draws
from training.evaluation.evaluated import EvaluatedScan

SPECIFICITIES: Final = (0.90, 0.95)
REPEATS: Final = 400
"""Bootstrap draws; each sorts all scans anew."""


def sensitivity_at(scans: Sequence[EvaluatedScan], specificity: float, repeats: int = REPEATS) -> dict[str, float]:
    """Share of tumor scans that are called at the threshold of tumor probability that leaves a specificity.

    Args:
        scans: with tumor and without; the figure is NaN where one kind is missing.
        specificity: share of the scans without tumor that must stay below the threshold.
        repeats: bootstrap draws of groups for the interval.

    Returns:
        `value`, `low`, `high` and `n`, the number of tumor scans.
    """
    probability = np.array([scan.tumor_probability for scan in scans])
    tumor = np.array([scan.is_tumor for scan in scans], np.bool_)
    if not tumor.any() or tumor.all():
        return {"value": float("nan"), "low": float("nan"), "high": float("nan"), "n": int(tumor.sum())}
    groups, index = np.unique([scan.sample.group for scan in scans], return_inverse=True)
    drawn = draws(len(groups), repeats, seed=0)[:, index]
    low, high = bounds(np.array([_weighted(probability, tumor, weights, specificity) for weights in drawn]))
    value = _weighted(probability, tumor, np.ones(len(scans)), specificity)
    return {"value": value, "low": low, "high": high, "n": int(tumor.sum())}


def _weighted(probability: Floats, tumor: np.ndarray, weights: Floats, specificity: float) -> float:
    """The same of scans that each count `weights` times; NaN where none of a kind is left."""
    healthy, ill = weights * ~tumor, weights * tumor
    if not healthy.any() or not ill.any():
        return float("nan")
    order = np.argsort(probability, kind="stable")
    below = np.cumsum(healthy[order]) / healthy.sum()
    threshold = probability[order][min(int(np.searchsorted(below, specificity - 1e-12)), len(order) - 1)]
    return float(ill[probability > threshold].sum() / ill.sum())
