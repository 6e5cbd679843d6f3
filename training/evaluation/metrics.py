"""What a model is measured by: numbers from evaluated scans, and how sure they are."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from brainscan.domain import CLASSES, Outcome
from brainscan.domain import reliability as domain
from brainscan.inference.manifest import SourceMetrics
from training.evaluation.bootstrap import REPEATS, bounds, draws, group_sums
from training.evaluation.evaluated import EvaluatedScan

SMALL_LESION: Final = 0.01
"""Share of the head's crop below which a lesion is small."""

Floats = npt.NDArray[np.float64]


VALUES: Final[dict[str, Callable[[EvaluatedScan], float | None]]] = {
    "accuracy": lambda scan: scan.correct,
    "dice": lambda scan: scan.dice,
    "iou": lambda scan: scan.iou,
    "sensitivity": lambda scan: scan.says_tumor if scan.is_tumor else None,
    "specificity": lambda scan: None if scan.is_tumor else not scan.says_tumor,
    "small_lesions_found": lambda scan: bool(scan.dice) if is_small(scan) else None,
    "abstained": lambda scan: scan.outcome is Outcome.ABSTAINED,
    "needs_review": lambda scan: scan.finding.needs_review,
    "answered": lambda scan: scan.outcome is Outcome.ANALYZED,
    "answered_for_review": lambda scan: scan.outcome is Outcome.ANALYZED and scan.finding.needs_review,
}
"""Metrics that are means over the scans to which they apply.

accuracy: the most probable class is the label's, a blank scan is wrong; dice, iou: over tumor scans with a drawn
mask; sensitivity, specificity: any tumor against none, by the most probable class; small_lesions_found: the mask
touches a lesion smaller than `SMALL_LESION`.
"""


def is_small(scan: EvaluatedScan) -> bool:
    """Whether the drawn mask is below `SMALL_LESION` of the head's crop."""
    return scan.truth_share is not None and 0 < scan.truth_share < SMALL_LESION


def mean_of(scans: Sequence[EvaluatedScan], name: str) -> tuple[float, int]:
    """A metric of `VALUES` and the number of scans to which it applies; NaN of none."""
    values = [value for value in map(VALUES[name], scans) if value is not None]
    return (float(np.mean(values)) if values else float("nan")), len(values)


def hausdorff_95(scans: Sequence[EvaluatedScan]) -> float:
    """Median of the 95th-percentile Hausdorff distances, in source pixels, over scans where both masks are there."""
    values = [scan.hausdorff_95_px for scan in scans if scan.hausdorff_95_px is not None]
    return float(np.median(values)) if values else float("nan")


def calibration_error(scans: Sequence[EvaluatedScan]) -> float:
    """Expected calibration error of the most probable class."""
    error = domain.calibration_error(_confident(scans))
    return float("nan") if error is None else error


def reliability(scans: Sequence[EvaluatedScan]) -> list[tuple[float, float, int]]:
    """(mean confidence, accuracy, count) of each bin of confidence that has scans."""
    return domain.reliability(_confident(scans))


def _confident(scans: Sequence[EvaluatedScan]) -> list[tuple[float, bool]]:
    seen = [scan for scan in scans if scan.probabilities is not None and scan.type_known]
    return [(scan.confidence, scan.correct) for scan in seen]


def selective(scans: Sequence[EvaluatedScan]) -> list[tuple[float, float]]:
    """(share of scans abstained, accuracy on the rest), abstaining on the least confident first."""
    ordered = sorted(scans, key=lambda scan: scan.confidence, reverse=True)
    right = np.cumsum([scan.correct for scan in ordered])
    total = len(ordered)
    return [(1 - kept / total, float(right[kept - 1] / kept)) for kept in range(max(1, total // 2), total + 1)]


def per_class(scans: Sequence[EvaluatedScan]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class, over the scans whose tumor type is known; empty without any."""
    known = [scan for scan in scans if scan.type_known and scan.predicted is not None]
    if not known:
        return {}
    labels = [str(name) for name in CLASSES]
    scores = precision_recall_fscore_support(
        [scan.sample.label for scan in known], [scan.predicted for scan in known], labels=labels, zero_division=np.nan
    )
    names = ("precision", "recall", "f1", "support")
    return {
        label: {name: float(values[i]) for name, values in zip(names, scores, strict=True)}
        for i, label in enumerate(labels)
    }


def roc_auc(scans: Sequence[EvaluatedScan]) -> dict[str, float]:
    """One class against the rest, for each class that has both."""
    known = [scan for scan in scans if scan.type_known and scan.probabilities is not None]
    areas = {}
    for index, name in enumerate(CLASSES):
        truth = [scan.sample.label == name for scan in known]
        if any(truth) and not all(truth):
            areas[str(name)] = float(roc_auc_score(truth, [scan.probabilities[index] for scan in known]))  # type: ignore[index]
    return areas


def confusion(scans: Sequence[EvaluatedScan]) -> npt.NDArray[np.int64]:
    """(4, 4) counts, rows the label, columns the most probable class, over the scans whose tumor type is known."""
    labels = [str(name) for name in CLASSES]
    table = np.zeros((len(labels), len(labels)), np.int64)
    for scan in scans:
        if scan.type_known and scan.predicted is not None:
            table[labels.index(scan.sample.label), labels.index(scan.predicted)] += 1
    return table


def interval(scans: Sequence[EvaluatedScan], name: str, repeats: int = REPEATS, seed: int = 0) -> tuple[float, float]:
    """Bootstrap confidence interval of a metric of `VALUES`, drawing patients (groups), not slices.

    Returns:
        Lower and upper bound at `INTERVAL`; NaN where the metric applies to no scan.
    """
    kept = [(scan.sample.group, value) for scan in scans if (value := VALUES[name](scan)) is not None]
    if not kept:
        return float("nan"), float("nan")
    sums = group_sums([group for group, _ in kept], np.array([[value, 1.0] for _, value in kept]))
    drawn = draws(len(sums), repeats, seed) @ sums
    return bounds(drawn[:, 0] / drawn[:, 1])


def calibration_interval(scans: Sequence[EvaluatedScan], repeats: int = REPEATS, seed: int = 0) -> tuple[float, float]:
    """The same for the expected calibration error."""
    seen = [scan for scan in scans if scan.probabilities is not None and scan.type_known]
    if not seen:
        return float("nan"), float("nan")
    gaps = np.zeros((len(seen), domain.BINS))
    gaps[np.arange(len(seen)), [domain.bin_of(scan.confidence) for scan in seen]] = [
        scan.confidence - scan.correct for scan in seen
    ]
    counts = np.ones((len(seen), 1))
    sums = group_sums([scan.sample.group for scan in seen], np.hstack([gaps, counts]))
    drawn = draws(len(sums), repeats, seed) @ sums
    return bounds(np.abs(drawn[:, : domain.BINS]).sum(axis=1) / drawn[:, domain.BINS])


def source_metrics(scans: Sequence[EvaluatedScan]) -> SourceMetrics:
    """What a manifest states of the scans of one source, at least one."""
    mean_dice, masks = mean_of(scans, "dice")
    return SourceMetrics(
        scans=len(scans),
        accuracy=mean_of(scans, "accuracy")[0],
        blank=sum(scan.blank for scan in scans),
        abstained=sum(scan.outcome is Outcome.ABSTAINED for scan in scans),
        needs_review=sum(scan.finding.needs_review for scan in scans),
        masks=masks,
        mean_dice=mean_dice if masks else None,
    )
