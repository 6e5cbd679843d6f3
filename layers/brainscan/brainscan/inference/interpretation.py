"""Probabilities and mask -> a finding: the class, whether it may be trusted, and what a reader should look at."""

from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.domain import Finding, Measurements, Outcome, Reason, TumorClass
from brainscan.inference.manifest import Manifest, Thresholds

LIKELY_TUMOR: Final = 0.5
"""Probability of any tumor from which on an abstained scan is for a reader: more likely than not."""


def interpret(
    probabilities: npt.NDArray[np.float64],
    tumor: Measurements | None,
    mask_fraction: float,
    manifest: Manifest,
    scope_distance: float | None = None,
) -> Finding:
    """Decide what the network's answer means.

    Args:
        probabilities: (classes,) calibrated, in the order of the manifest.
        tumor: measurements of the mask, None for an empty one.
        mask_fraction: the mask's share of the head's crop.
        manifest: of the model that answered.
        scope_distance: in units of the scope check's threshold, None where the model has no scope check.

    Returns:
        `analyzed`, or `abstained` with `OUT_OF_SCOPE` beyond the scope's threshold and `LOW_CONFIDENCE` below the
        model's least confidence; the probabilities are there in all cases.
    """
    thresholds = manifest.thresholds
    predicted = manifest.classes[int(probabilities.argmax())]
    confidence = float(probabilities.max())
    abstained = _abstentions(confidence, scope_distance, thresholds)
    no_tumor = float(probabilities[manifest.classes.index(TumorClass.NO_TUMOR)])
    review = _review_reasons(predicted, confidence, tumor, mask_fraction, thresholds)
    review += _doubtful_abstentions(abstained, 1 - no_tumor, tumor)
    return Finding(
        outcome=Outcome.ABSTAINED if abstained else Outcome.ANALYZED,
        reasons=abstained,
        predicted=predicted,
        probabilities={name: float(p) for name, p in zip(manifest.classes, probabilities, strict=True)},
        confidence=confidence,
        needs_review=bool(review),
        review_reasons=review,
        tumor=tumor,
    )


def _abstentions(confidence: float, scope_distance: float | None, thresholds: Thresholds) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    if scope_distance is not None and scope_distance > 1:
        reasons.append(Reason.OUT_OF_SCOPE)
    if confidence < thresholds.min_confidence:
        reasons.append(Reason.LOW_CONFIDENCE)
    return tuple(reasons)


def _review_reasons(
    predicted: TumorClass,
    confidence: float,
    tumor: Measurements | None,
    mask_fraction: float,
    thresholds: Thresholds,
) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    if predicted is TumorClass.NO_TUMOR:
        if mask_fraction >= thresholds.large_mask_fraction and tumor is not None:
            reasons.append(Reason.MASK_WITHOUT_TUMOR)
    elif tumor is None:
        reasons.append(Reason.TUMOR_WITHOUT_MASK)
    if confidence < thresholds.review_confidence:
        reasons.append(Reason.BORDERLINE_CONFIDENCE)
    return tuple(reasons)


def _doubtful_abstentions(
    abstained: tuple[Reason, ...], tumor_probability: float, tumor: Measurements | None
) -> tuple[Reason, ...]:
    """Why a reader should see a scan that the model will not call."""
    stated = {
        Reason.ABSTAINED_LIKELY_TUMOR: bool(abstained) and tumor_probability >= LIKELY_TUMOR,
        Reason.OUT_OF_SCOPE_WITH_MASK: Reason.OUT_OF_SCOPE in abstained and tumor is not None,
    }
    return tuple(reason for reason, holds in stated.items() if holds)
