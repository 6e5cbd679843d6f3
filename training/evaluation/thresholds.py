"""Predictions of scans whose truth is known -> the temperature and the thresholds of a manifest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from brainscan.domain import CLASSES
from brainscan.imaging.mask import to_mask
from brainscan.inference.calibration import probabilities
from brainscan.inference.manifest import Thresholds
from training.datasets.samples import admissible_classes, read_mask
from training.evaluation.evaluated import dice
from training.evaluation.predictions import ServedPrediction

ABSTAIN_BELOW: Final = 0.5
"""The scans that are less certain than `min_confidence` would together be right less often than this."""
REVIEW_BELOW: Final = 0.6
"""The scans that are less certain than `review_confidence` are together right less often than this."""
SMALL_TUMORS: Final = 0.1
"""Share of the drawn tumors that are smaller than `large_mask_fraction`."""

UNTUNED: Final = Thresholds(
    min_confidence=0, review_confidence=0, seg_logit=0, min_component_fraction=0.001, large_mask_fraction=0.005
)
"""What stands where nothing says otherwise: no label to be certain of, no mask drawn."""

CONFIDENCES: Final = np.arange(0.50, 0.96, 0.01)
"""From a half on: what is less, is by its own calibrated account likelier wrong than right."""
MASK_OPTIONS: Final = tuple(product((-0.5, 0.0, 0.5, 1.0, 1.5, 2.0), (0.0005, 0.001, 0.002)))
"""Mask logits and least components that are tried."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A prediction with what its mask would be worth: measured once, for every fit that it has a part in.

    `dice` (options,) against the true mask at each of `MASK_OPTIONS`, None where the truth is unknown; `truth_share`
    of the head's crop, None where no tumor is drawn.
    """

    prediction: ServedPrediction
    dice: npt.NDArray[np.float64] | None
    truth_share: float | None


def score(predictions: Iterable[ServedPrediction]) -> list[Scored]:
    """Each prediction's mask, compared with the drawn one at all options."""
    return [_scored(prediction) for prediction in predictions]


def _scored(prediction: ServedPrediction) -> Scored:
    if not prediction.sample.mask_known:
        return Scored(prediction, None, None)
    drawn = read_mask(prediction.sample)
    truth = np.zeros(prediction.shape, np.bool_) if drawn is None else drawn
    scores = np.array([dice(_cut(prediction, *option), truth) for option in MASK_OPTIONS])
    share = float(truth.sum()) / prediction.crop.area if prediction.crop and truth.any() else None
    return Scored(prediction, scores, share)


def fit_temperature(predictions: Sequence[ServedPrediction]) -> float:
    """The temperature at which the labels are the most likely, blank scans left out."""
    logits, right_classes = _logits_and_labels(predictions)

    def surprise(log_temperature: float) -> float:
        likely = (probabilities(logits, float(np.exp(log_temperature))) * right_classes).sum(axis=1)
        return float(-np.log(np.maximum(likely, 1e-12)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-2.0, 2.0), method="bounded").x))


def choose_thresholds(scored: Sequence[Scored], temperature: float) -> Thresholds:
    """Thresholds by how often such scans are right, and by how their masks fit the drawn ones."""
    logits, right_classes = _logits_and_labels([each.prediction for each in scored])
    calibrated = probabilities(logits, temperature)
    right = right_classes[np.arange(len(calibrated)), calibrated.argmax(axis=1)]
    certain = calibrated.max(axis=1)
    seg_logit, component = _mask_thresholds(scored)
    return Thresholds(
        min_confidence=_confidence_below_which(certain, right, ABSTAIN_BELOW),
        review_confidence=_confidence_below_which(certain, right, REVIEW_BELOW),
        seg_logit=seg_logit,
        min_component_fraction=component,
        large_mask_fraction=_large_mask(scored),
    )


def _logits_and_labels(predictions: Sequence[ServedPrediction]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4) logits, and (n, 4) True where the label admits the class; blank scans left out."""
    seen = [(each.cls, admissible_classes(each.sample.label)) for each in predictions if each.cls is not None]
    right = [[str(name) in names for name in CLASSES] for _, names in seen]
    return np.stack([cls for cls, _ in seen]), np.array(right)


def _confidence_below_which(certain: np.ndarray, right: np.ndarray, share: float) -> float:
    """The largest confidence such that, of the scans below it, less than a share is right; the least one if none is."""
    chosen = [c for c in CONFIDENCES if (certain < c).any() and right[certain < c].mean() < share]
    return round(float(max(chosen, default=CONFIDENCES[0])), 2)


def _mask_thresholds(scored: Sequence[Scored]) -> tuple[float, float]:
    """Mask logit and least component with the best mean Dice over the scans whose mask is part of an answer.

    These are the scans that hold a tumor, and those that are called one: an empty mask counts 1 there, any other 0.
    A mask on a scan that is rightly called `no_tumor` is no finding, and draws attention only where it is large.
    """
    if all(each.truth_share is None for each in scored):
        return UNTUNED.seg_logit, UNTUNED.min_component_fraction
    scores = [each.dice for each in scored if each.dice is not None and (each.truth_share or _says_tumor(each))]
    return MASK_OPTIONS[int(np.mean(scores, axis=0).argmax())]


def _says_tumor(scored: Scored) -> bool:
    cls = scored.prediction.cls
    return cls is not None and CLASSES[int(cls.argmax())].is_tumor


def _large_mask(scored: Sequence[Scored]) -> float:
    """A share of the head that most drawn tumors exceed."""
    shares = [each.truth_share for each in scored if each.truth_share is not None]
    return float(np.quantile(shares, SMALL_TUMORS)) if shares else UNTUNED.large_mask_fraction


def _cut(prediction: ServedPrediction, seg_logit: float, component: float) -> np.ndarray:
    if prediction.crop is None or prediction.seg is None:
        return np.zeros(prediction.shape, np.bool_)
    return to_mask(prediction.seg, prediction.crop, prediction.shape, seg_logit, component)
