"""What a reader is told: the call, when the model keeps silent, when somebody should look."""

from typing import Any

import numpy as np
import pytest

from brainscan.domain import CLASSES, Measurements, Outcome, Reason, TumorClass
from brainscan.inference.interpretation import interpret
from tests.making import present
from tests.unit.inference.making import manifest

TUMOR = Measurements(area_px=40, bounding_box=(2, 3, 8, 9), centroid=(5, 6), longest_diameter_px=8.5, components=1)
MANIFEST = manifest()


def certain_of(name: str, confidence: Any) -> Any:
    """(4,) probabilities with one at `confidence`, the others equal."""
    p = np.full(4, (1 - confidence) / 3)
    p[CLASSES.index(TumorClass(name))] = confidence
    return p


@pytest.mark.parametrize("name", ["glioma", "meningioma", "pituitary"])
def test_a_certain_tumor_with_a_mask_needs_no_review(name: str) -> None:
    finding = interpret(certain_of(name, 0.9), TUMOR, 0.01, MANIFEST)
    assert finding.outcome is Outcome.ANALYZED
    assert finding.predicted == name
    assert finding.confidence == pytest.approx(0.9)
    assert finding.tumor == TUMOR
    assert not finding.needs_review
    assert finding.reasons == finding.review_reasons == ()


def test_probabilities_carry_their_classes_names() -> None:
    finding = interpret(np.array([0.1, 0.2, 0.3, 0.4]), TUMOR, 0.01, MANIFEST)
    assert {str(name): p for name, p in present(finding.probabilities).items()} == pytest.approx(
        {"glioma": 0.1, "meningioma": 0.2, "no_tumor": 0.3, "pituitary": 0.4}
    )


@pytest.mark.parametrize("name", ["glioma", "meningioma", "pituitary"])
def test_a_tumor_class_without_a_mask_needs_review(name: str) -> None:
    finding = interpret(certain_of(name, 0.9), None, 0.0, MANIFEST)
    assert finding.outcome is Outcome.ANALYZED
    assert finding.review_reasons == (Reason.TUMOR_WITHOUT_MASK,)


@pytest.mark.parametrize(
    ("mask_fraction", "reasons"),
    [(0.0199, ()), (0.02, (Reason.MASK_WITHOUT_TUMOR,)), (0.5, (Reason.MASK_WITHOUT_TUMOR,))],
)
def test_no_tumor_with_a_large_mask_needs_review_and_with_a_small_one_does_not(
    mask_fraction: float, reasons: tuple[Any, ...] | tuple[Reason, ...]
) -> None:
    finding = interpret(certain_of("no_tumor", 0.9), TUMOR, mask_fraction, MANIFEST)
    assert finding.review_reasons == reasons
    assert finding.needs_review is bool(reasons)


def test_an_empty_mask_never_contradicts_no_tumor() -> None:
    every_mask_is_large = manifest(thresholds=MANIFEST.thresholds.model_copy(update={"large_mask_fraction": 0.0}))
    assert not interpret(certain_of("no_tumor", 0.9), None, 0.0, every_mask_is_large).needs_review


@pytest.mark.parametrize(
    ("confidence", "outcome", "review"),
    [
        (0.39, Outcome.ABSTAINED, (Reason.BORDERLINE_CONFIDENCE, Reason.ABSTAINED_LIKELY_TUMOR)),
        (0.4, Outcome.ANALYZED, (Reason.BORDERLINE_CONFIDENCE,)),
        (0.59, Outcome.ANALYZED, (Reason.BORDERLINE_CONFIDENCE,)),
        (0.6, Outcome.ANALYZED, ()),
    ],
)
def test_low_confidence_abstains_and_borderline_confidence_needs_review(
    confidence: float, outcome: Outcome, review: tuple[Any, ...] | tuple[Reason, ...]
) -> None:
    finding = interpret(certain_of("glioma", confidence), TUMOR, 0.01, MANIFEST)
    assert finding.outcome is outcome
    assert finding.reasons == ((Reason.LOW_CONFIDENCE,) if outcome is Outcome.ABSTAINED else ())
    assert finding.review_reasons == review


def test_an_abstained_scan_keeps_its_probabilities_and_measurements() -> None:
    finding = interpret(np.full(4, 0.25), TUMOR, 0.01, MANIFEST)
    assert finding.outcome is Outcome.ABSTAINED
    assert sum(present(finding.probabilities).values()) == pytest.approx(1)
    assert finding.tumor == TUMOR


def test_reasons_for_review_add_up() -> None:
    finding = interpret(certain_of("pituitary", 0.5), None, 0.0, MANIFEST)
    assert finding.review_reasons == (Reason.TUMOR_WITHOUT_MASK, Reason.BORDERLINE_CONFIDENCE)


def test_a_scan_far_from_the_training_scans_is_out_of_scope() -> None:
    assert interpret(certain_of("glioma", 0.9), TUMOR, 0.01, MANIFEST, 1.01).reasons == (Reason.OUT_OF_SCOPE,)
    assert interpret(certain_of("glioma", 0.9), TUMOR, 0.01, MANIFEST, 0.99).outcome is Outcome.ANALYZED
    assert interpret(certain_of("glioma", 0.9), TUMOR, 0.01, MANIFEST, None).outcome is Outcome.ANALYZED


@pytest.mark.parametrize(
    ("probabilities", "tumor", "distance", "reasons"),
    [
        (certain_of("glioma", 0.9), None, 1.5, {Reason.ABSTAINED_LIKELY_TUMOR}),
        (certain_of("glioma", 0.9), TUMOR, 1.5, {Reason.ABSTAINED_LIKELY_TUMOR, Reason.OUT_OF_SCOPE_WITH_MASK}),
        (certain_of("no_tumor", 0.9), TUMOR, 1.5, {Reason.OUT_OF_SCOPE_WITH_MASK}),
        (certain_of("no_tumor", 0.9), None, 1.5, set()),
        (np.array([0.3, 0.2, 0.2, 0.3]), None, 0.5, {Reason.ABSTAINED_LIKELY_TUMOR}),
        (certain_of("glioma", 0.9), TUMOR, 0.5, set()),
    ],
)
def test_an_abstained_scan_that_may_show_a_tumor_needs_review(
    probabilities: Any, tumor: Any, distance: float, reasons: Any
) -> None:
    finding = interpret(probabilities, tumor, 0.01, MANIFEST, distance)
    doubts = {Reason.ABSTAINED_LIKELY_TUMOR, Reason.OUT_OF_SCOPE_WITH_MASK}
    assert set(finding.review_reasons) & doubts == reasons
    assert not reasons or finding.needs_review
