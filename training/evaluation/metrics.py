"""What a model is measured by: numbers from cases, and how sure they are."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, distance_transform_edt
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from brainscan.domain import CLASSES, Outcome, TumorClass
from training.evaluation.cases import Case

BINS: Final = 15
"""Bins of equal width for the calibration error."""
REPEATS: Final = 1000
"""Bootstrap draws of patients."""
INTERVAL: Final = 0.95
SMALL_LESION: Final = 0.01
"""Share of the head's crop below which a lesion is small."""

NO_TUMOR: Final = CLASSES.index(TumorClass.NO_TUMOR)
Floats = npt.NDArray[np.float64]


VALUES: Final[dict[str, Callable[[Case], float | None]]] = {
    "accuracy": lambda case: case.correct,
    "dice": lambda case: case.dice,
    "iou": lambda case: case.iou,
    "sensitivity": lambda case: None if case.sample.label == TumorClass.NO_TUMOR else case.says_tumor,
    "specificity": lambda case: not case.says_tumor if case.sample.label == TumorClass.NO_TUMOR else None,
    "small_lesions_found": lambda case: bool(case.dice) if is_small(case) else None,
    "abstained": lambda case: case.outcome is Outcome.ABSTAINED,
    "needs_review": lambda case: case.needs_review,
}
"""Metrics that are means over the cases to which they apply.

accuracy: the most probable class is the label's, a blank scan is wrong; dice, iou: over tumor scans with a drawn
mask; sensitivity, specificity: any tumor against none, by the most probable class; small_lesions_found: the mask
touches a lesion smaller than `SMALL_LESION`.
"""


def is_small(case: Case) -> bool:
    """Whether the drawn mask is below `SMALL_LESION` of the head's crop."""
    return case.truth_share is not None and 0 < case.truth_share < SMALL_LESION


def mean_of(cases: Sequence[Case], name: str) -> tuple[float, int]:
    """A metric of `VALUES` and the number of cases to which it applies; NaN of none."""
    values = [value for value in map(VALUES[name], cases) if value is not None]
    return (float(np.mean(values)) if values else float("nan")), len(values)


def hausdorff_95(cases: Sequence[Case]) -> float:
    """Median of the 95th-percentile Hausdorff distances, in source pixels, over scans where both masks are there."""
    values = [case.hausdorff_95_px for case in cases if case.hausdorff_95_px is not None]
    return float(np.median(values)) if values else float("nan")


def calibration_error(cases: Sequence[Case]) -> float:
    """Expected calibration error of the most probable class."""
    bins = reliability(cases)
    total = sum(count for _, _, count in bins)
    return sum(abs(sure - right) * count for sure, right, count in bins) / total if total else float("nan")


def reliability(cases: Sequence[Case]) -> list[tuple[float, float, int]]:
    """(mean confidence, accuracy, count) of each bin of confidence that has cases."""
    seen = [case for case in cases if case.probabilities is not None and case.type_known]
    sure = np.array([case.confidence for case in seen])
    right = np.array([case.correct for case in seen], np.float64)
    index = np.array([_bin(confidence) for confidence in sure])
    return [
        (float(sure[index == b].mean()), float(right[index == b].mean()), int((index == b).sum()))
        for b in range(BINS)
        if (index == b).any()
    ]


def selective(cases: Sequence[Case]) -> list[tuple[float, float]]:
    """(share of scans abstained, accuracy on the rest), abstaining on the least confident first."""
    ordered = sorted(cases, key=lambda case: case.confidence, reverse=True)
    right = np.cumsum([case.correct for case in ordered])
    total = len(ordered)
    return [(1 - kept / total, float(right[kept - 1] / kept)) for kept in range(max(1, total // 2), total + 1)]


def per_class(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class, over the scans whose tumor type is known."""
    known = [case for case in cases if case.type_known and case.predicted is not None]
    labels = [str(name) for name in CLASSES]
    scores = precision_recall_fscore_support(
        [case.sample.label for case in known], [case.predicted for case in known], labels=labels, zero_division=np.nan
    )
    names = ("precision", "recall", "f1", "support")
    return {
        label: {name: float(values[i]) for name, values in zip(names, scores, strict=True)}
        for i, label in enumerate(labels)
    }


def roc_auc(cases: Sequence[Case]) -> dict[str, float]:
    """One class against the rest, for each class that has both."""
    known = [case for case in cases if case.type_known and case.probabilities is not None]
    areas = {}
    for index, name in enumerate(CLASSES):
        truth = [case.sample.label == name for case in known]
        if any(truth) and not all(truth):
            areas[str(name)] = float(roc_auc_score(truth, [case.probabilities[index] for case in known]))  # type: ignore[index]
    return areas


def confusion(cases: Sequence[Case]) -> npt.NDArray[np.int64]:
    """(4, 4) counts, rows the label, columns the most probable class, over the scans whose tumor type is known."""
    names, table = [str(name) for name in CLASSES], np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for case in cases:
        if case.type_known and case.predicted is not None:
            table[names.index(case.sample.label), names.index(case.predicted)] += 1
    return table


def interval(cases: Sequence[Case], name: str, repeats: int = REPEATS, seed: int = 0) -> tuple[float, float]:
    """Bootstrap confidence interval of a metric of `VALUES`, drawing patients (groups), not slices.

    Returns:
        Lower and upper bound at `INTERVAL`; NaN where the metric applies to no case.
    """
    kept = [(case.sample.group, value) for case in cases if (value := VALUES[name](case)) is not None]
    if not kept:
        return float("nan"), float("nan")
    sums = _group_sums([group for group, _ in kept], np.array([[value, 1.0] for _, value in kept]))
    drawn = _draws(len(sums), repeats, seed) @ sums
    return _bounds(drawn[:, 0] / drawn[:, 1])


def calibration_interval(cases: Sequence[Case], repeats: int = REPEATS, seed: int = 0) -> tuple[float, float]:
    """The same for the expected calibration error."""
    seen = [case for case in cases if case.probabilities is not None and case.type_known]
    if not seen:
        return float("nan"), float("nan")
    gaps = np.zeros((len(seen), BINS))
    gaps[np.arange(len(seen)), [_bin(case.confidence) for case in seen]] = [
        case.confidence - case.correct for case in seen
    ]
    counts = np.ones((len(seen), 1))
    sums = _group_sums([case.sample.group for case in seen], np.hstack([gaps, counts]))
    drawn = _draws(len(sums), repeats, seed) @ sums
    return _bounds(np.abs(drawn[:, :BINS]).sum(axis=1) / drawn[:, BINS])


def _group_sums(groups: Sequence[str], values: Floats) -> Floats:
    """(n, k) values -> (groups, k) sums."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def _draws(groups: int, repeats: int, seed: int) -> Floats:
    """(repeats, groups): how often each group is drawn, with replacement."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), repeats).astype(np.float64)


def _bounds(values: Floats) -> tuple[float, float]:
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(values[np.isfinite(values)], [tail, 1 - tail])
    return float(low), float(high)


def _bin(confidence: float) -> int:
    return min(int(confidence * BINS), BINS - 1)


def hausdorff_95_px(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float | None:
    """95th percentile of the distances between two masks' edges, both ways, in pixels; None if one is empty.

    Args:
        first: (rows, columns).
        second: of the same shape.
    """
    if not first.any() or not second.any():
        return None
    either = first | second
    rows, columns = np.flatnonzero(either.any(axis=1)), np.flatnonzero(either.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    edges = [np.pad(mask[box], 1) ^ binary_erosion(np.pad(mask[box], 1)) for mask in (first, second)]
    distances = np.concatenate(
        [distance_transform_edt(~edges[1])[edges[0]], distance_transform_edt(~edges[0])[edges[1]]]
    )
    return float(np.percentile(distances, 95))
