"""Answers to scans that are not for testing -> the temperature and the thresholds of a manifest."""

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from brainscan.domain import CLASSES
from brainscan.imaging.mask import to_mask
from brainscan.inference.calibration import probabilities
from brainscan.inference.manifest import Thresholds
from training.datasets.samples import read_mask
from training.evaluation.served import Answer, dice, is_label

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
SEG_LOGITS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
COMPONENT_FRACTIONS: Final = (0.0, 0.0005, 0.001, 0.002, 0.004)


def fit_temperature(answers: Sequence[Answer]) -> float:
    """The temperature at which the labels are the most likely, blank scans left out."""
    logits, admitted = _logits_and_labels(answers)

    def surprise(log_temperature: float) -> float:
        likely = (probabilities(logits, float(np.exp(log_temperature))) * admitted).sum(axis=1)
        return float(-np.log(np.maximum(likely, 1e-12)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-2.0, 2.0), method="bounded").x))


def choose(answers: Sequence[Answer], temperature: float) -> Thresholds:
    """Thresholds by how often such scans are right, and by how their masks fit the drawn ones."""
    logits, admitted = _logits_and_labels(answers)
    calibrated = probabilities(logits, temperature)
    right = admitted[np.arange(len(calibrated)), calibrated.argmax(axis=1)]
    certain = calibrated.max(axis=1)
    seg_logit, component = _mask_thresholds(answers)
    return Thresholds(
        min_confidence=_confidence_below_which(certain, right, ABSTAIN_BELOW),
        review_confidence=_confidence_below_which(certain, right, REVIEW_BELOW),
        seg_logit=seg_logit,
        min_component_fraction=component,
        large_mask_fraction=_large_mask(answers),
    )


def _logits_and_labels(answers: Sequence[Answer]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4) logits, and (n, 4) True where the label admits the class."""
    seen = [answer for answer in answers if answer.cls is not None]
    admitted = [[is_label(name, answer.sample.label) for name in CLASSES] for answer in seen]
    return np.stack([answer.cls for answer in seen if answer.cls is not None]), np.array(admitted)


def _confidence_below_which(certain: np.ndarray, right: np.ndarray, share: float) -> float:
    """The largest confidence such that, of the scans below it, less than a share is right; the least one if none is."""
    chosen = [c for c in CONFIDENCES if (certain < c).any() and right[certain < c].mean() < share]
    return round(float(max(chosen, default=CONFIDENCES[0])), 2)


def _mask_thresholds(answers: Sequence[Answer]) -> tuple[float, float]:
    """Mask logit and least component with the best mean Dice; a scan without tumor counts 1 or 0 like any other."""
    known = [answer for answer in answers if answer.sample.mask_known]
    drawn = [_truth(answer) for answer in known]
    if not any(truth.any() for truth in drawn):
        return UNTUNED.seg_logit, UNTUNED.min_component_fraction

    def mean_dice(pair: tuple[float, float]) -> float:
        return float(np.mean([dice(_cut(answer, *pair), truth) for answer, truth in zip(known, drawn, strict=True)]))

    return max(product(SEG_LOGITS, COMPONENT_FRACTIONS), key=mean_dice)


def _large_mask(answers: Sequence[Answer]) -> float:
    """A share of the head that most drawn tumors exceed."""
    shares = [_truth(answer).sum() / answer.crop.area for answer in answers if answer.crop and answer.sample.mask]
    tumors = [share for share in shares if share > 0]
    return float(np.quantile(tumors, SMALL_TUMORS)) if tumors else UNTUNED.large_mask_fraction


def _truth(answer: Answer) -> np.ndarray:
    mask = read_mask(answer.sample)
    return np.zeros(answer.shape, np.bool_) if mask is None else mask


def _cut(answer: Answer, seg_logit: float, component: float) -> np.ndarray:
    if answer.crop is None or answer.seg is None:
        return np.zeros(answer.shape, np.bool_)
    return to_mask(answer.seg, answer.crop, answer.shape, seg_logit, component)
