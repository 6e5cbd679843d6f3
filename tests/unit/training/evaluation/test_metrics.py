"""The figures of an evaluation, on scans whose figures are known."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainscan.domain import CLASSES, Finding, Outcome, Reason
from training.datasets.samples import Sample
from training.evaluation import metrics, report, tables
from training.evaluation.evaluated import EvaluatedScan
from training.evaluation.figures import figures, operating_points
from training.evaluation.hausdorff import hausdorff_95_px
from training.evaluation.operating_points import sensitivity_at


def a_scan(label: str, said: str | None, confidence: float = 1.0, patient: str = "p", **changes: Any) -> EvaluatedScan:
    """A scan that is called `said`, the other classes sharing what is left; blank if it is called nothing."""
    finding = Finding(outcome=Outcome.ABSTAINED, reasons=(Reason.BLANK_IMAGE,))
    if said is not None:
        named = {name: confidence if name == said else (1 - confidence) / 3 for name in CLASSES}
        finding = Finding(outcome=Outcome.ANALYZED, predicted=said, probabilities=named, confidence=max(named.values()))
    sample = Sample(Path("kaggle_sartaj/x.png"), label, None, "kaggle_sartaj", patient)
    return replace(EvaluatedScan(sample, finding), **changes)


def test_a_blank_scan_is_wrong_and_any_tumor_will_do_where_the_type_is_unknown() -> None:
    scans = [
        a_scan("glioma", "glioma"),
        a_scan("glioma", "pituitary"),
        a_scan("tumor", "meningioma"),
        a_scan("tumor", "no_tumor"),
        a_scan("no_tumor", None),
    ]
    assert metrics.mean_of(scans, "accuracy") == (0.4, 5)


def test_sensitivity_counts_any_tumor_and_specificity_none() -> None:
    scans = [
        a_scan("glioma", "pituitary"),
        a_scan("tumor", "no_tumor"),
        a_scan("no_tumor", "no_tumor"),
        a_scan("no_tumor", "no_tumor"),
        a_scan("no_tumor", "glioma"),
    ]
    assert metrics.mean_of(scans, "sensitivity") == (0.5, 2)
    assert metrics.mean_of(scans, "specificity") == (pytest.approx(2 / 3), 3)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    sure = [a_scan("glioma", "glioma" if i < 7 else "pituitary", 0.9) for i in range(10)]
    fair = [a_scan("glioma", "glioma" if i < 5 else "pituitary", 0.5) for i in range(10)]
    assert metrics.calibration_error(sure + fair) == pytest.approx(0.1)


def test_a_small_lesion_is_found_when_the_mask_touches_it() -> None:
    scans = [
        a_scan("glioma", "glioma", dice=0.1, truth_share=0.005),
        a_scan("glioma", "glioma", dice=0.0, truth_share=0.005),
        a_scan("glioma", "glioma", dice=0.9, truth_share=0.2),
    ]
    assert metrics.mean_of(scans, "small_lesions_found") == (0.5, 2)
    assert metrics.mean_of(scans, "dice") == (pytest.approx(1 / 3), 3)


def test_intervals_widen_when_slices_come_from_few_patients() -> None:
    alone = [a_scan("glioma", "glioma" if i % 2 else "pituitary", patient=f"p{i}") for i in range(100)]
    together = [a_scan("glioma", "glioma" if i % 100 < 50 else "pituitary", patient=f"p{i // 25}") for i in range(100)]
    low, high = metrics.interval(alone, "accuracy")
    assert low < 0.5 < high
    assert 0.15 < high - low < 0.25  # 2 x 1.96 x sqrt(0.25 / 100) = 0.196
    few_low, few_high = metrics.interval(together, "accuracy")
    assert few_high - few_low > 2 * (high - low)


def test_the_interval_of_the_calibration_error_holds_it() -> None:
    scans = [a_scan("glioma", "glioma" if i % 10 < 7 else "pituitary", 0.9, f"p{i}") for i in range(200)]
    low, high = metrics.calibration_interval(scans)
    assert low < 0.2 < high
    assert high - low < 0.2


def test_abstaining_on_the_unsure_raises_accuracy_where_confidence_is_right() -> None:
    scans = [a_scan("glioma", "glioma", 0.9)] * 6 + [a_scan("glioma", "pituitary", 0.4)] * 4
    curve = dict(metrics.selective(scans))
    assert curve[0.0] == 0.6
    assert curve[0.4] == 1.0


def test_confusion_has_the_label_in_rows_and_leaves_unknown_types_out() -> None:
    table = metrics.confusion([a_scan("glioma", "pituitary"), a_scan("tumor", "glioma"), a_scan("no_tumor", None)])
    assert table.sum() == 1
    assert table[CLASSES.index("glioma"), CLASSES.index("pituitary")] == 1


def test_per_class_scores_and_areas() -> None:
    scans = [a_scan("glioma", "glioma", 0.8), a_scan("glioma", "no_tumor", 0.6), a_scan("no_tumor", "no_tumor", 0.9)]
    scores = metrics.per_class(scans)
    assert (scores["glioma"]["precision"], scores["glioma"]["recall"]) == (1.0, 0.5)
    assert (scores["no_tumor"]["precision"], scores["no_tumor"]["recall"]) == (0.5, 1.0)
    assert metrics.roc_auc(scans)["glioma"] == 1.0
    assert "pituitary" not in metrics.roc_auc(scans)


def test_the_hausdorff_distance_of_shifted_squares_is_the_shift() -> None:
    first = np.zeros((60, 60), np.bool_)
    first[10:30, 10:30] = True
    second = np.roll(first, 7, axis=1)
    assert hausdorff_95_px(first, second) == pytest.approx(7)
    assert hausdorff_95_px(first, first) == 0
    assert hausdorff_95_px(first, np.zeros_like(first)) is None


def test_the_report_shows_intervals_and_says_nothing_where_nothing_is_known() -> None:
    scans = [a_scan("glioma", "glioma", patient=f"p{i}") for i in range(5)]
    results = {"model_id": "0" * 64, "artifact": "tflite", "part": "test", "out_of_distribution": {}, **figures(scans)}

    header, row, total = tables.headline_rows(results)

    assert row[0] == "kaggle"
    assert row[header.index("accuracy")] == "1.000 [1.000, 1.000]"
    assert row[header.index("dice")] == row[header.index("specificity")] == "-"
    assert total[1] == "5"
    page = report.page(results, ["confusion.png"])
    assert "Research use only" in page
    assert "1.000 [1.000, 1.000]" in page
    assert "NaN" not in json.dumps(tables.without_nan(results))
    assert math.isnan(metrics.mean_of(scans, "dice")[0])


def test_sensitivity_is_measured_where_the_healthy_scans_leave_the_asked_specificity() -> None:
    """Healthy scans at tumor probabilities 0.0 to 0.9: nine of ten stay at 0.8 or below."""
    healthy = [a_scan("no_tumor", "no_tumor", 1 - i / 10, f"h{i}") for i in range(10)]
    tumors = [a_scan("glioma", "no_tumor", 1 - chance, f"t{chance}") for chance in (0.75, 0.85, 0.95)]

    assert sensitivity_at(healthy + tumors, 0.90)["value"] == pytest.approx(2 / 3)
    assert sensitivity_at(healthy + tumors, 0.85)["value"] == pytest.approx(2 / 3)
    assert sensitivity_at(healthy + tumors, 0.80)["value"] == 1
    assert sensitivity_at(healthy + tumors, 1.00)["value"] == pytest.approx(1 / 3)


def test_a_sets_tumors_are_found_at_the_threshold_that_all_sets_share() -> None:
    healthy = [a_scan("no_tumor", "no_tumor", 1 - i / 10, f"h{i}") for i in range(10)]
    found, missed = (
        a_scan("glioma", "no_tumor", chance, sample=Sample(Path(f"{source}/x.png"), "glioma", None, source, source))
        for source, chance in (("radiopaedia_44", 0.05), ("rsna_miccai_t1c_boxes", 0.25))
    )
    points = operating_points([*healthy, found, missed])
    assert points["0.90"]["value"] == 0.5
    assert points["0.90, tumors of radiopaedia_44"]["value"] == 1
    assert points["0.90, tumors of rsna_miccai_t1c_boxes"]["value"] == 0
    assert points["0.90, tumors of rsna_miccai_t1c_boxes"]["n"] == 1


def test_the_interval_of_the_sensitivity_holds_it_and_one_kind_alone_has_none() -> None:
    random = np.random.default_rng(0)
    healthy = [a_scan("no_tumor", "no_tumor", 1 - random.beta(1, 4), f"h{i}") for i in range(60)]
    tumors = [a_scan("glioma", "no_tumor", 1 - random.beta(4, 2), f"t{i}") for i in range(60)]

    found = sensitivity_at(healthy + tumors, 0.90)

    assert found["low"] < found["value"] < found["high"]
    assert found["n"] == 60
    assert math.isnan(sensitivity_at(tumors, 0.90)["value"])


def test_a_manifest_states_what_the_scans_are() -> None:
    scans = [
        a_scan("glioma", "glioma", dice=0.5),
        a_scan("glioma", "pituitary", dice=0.0),
        a_scan("no_tumor", None),
        a_scan("no_tumor", "no_tumor"),
    ]
    stated = metrics.source_metrics(scans)
    assert (stated.scans, stated.accuracy, stated.masks, stated.mean_dice) == (4, 0.5, 2, 0.25)
    assert (stated.blank, stated.abstained, stated.needs_review) == (1, 1, 0)
    assert metrics.source_metrics(scans[2:]).mean_dice is None


def test_a_reader_gets_what_is_answered_and_is_asked_to_review_a_part_of_it() -> None:
    doubted = a_scan("glioma", "pituitary")
    doubted = replace(doubted, finding=doubted.finding.model_copy(update={"needs_review": True}))
    whole = figures([doubted, a_scan("no_tumor", None), *[a_scan("glioma", "glioma")] * 2])["all"]
    assert {name: figure["value"] for name, figure in whole["answered"].items()} == {
        "answered": 0.75,
        "accuracy_answered": pytest.approx(2 / 3),
        "review_load": 0.25,
        "accuracy_without_review": 1.0,
    }


def test_of_tumors_outside_the_classes_it_is_told_what_they_are_called() -> None:
    def other(said: str | None, confidence: float = 1.0) -> EvaluatedScan:
        scan = a_scan("other_tumor", said, confidence)
        return replace(scan, sample=replace(scan.sample, detail="schwannoma"))

    results = figures([other("meningioma", 0.8), other("meningioma", 0.6), other("no_tumor", 1.0), other(None)])

    said = results["other_tumors"]["schwannoma"]
    assert said["called"] == {"meningioma": 2, "no_tumor": 1}
    assert said["confidence"] == pytest.approx(0.6)
    assert said["abstained"] == 0.25
    row = tables.other_tumor_rows(results)[1]
    assert row[3] == "meningioma 2, no_tumor 1"
