"""The figures of an evaluation, on cases whose figures are known."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brainscan.domain import CLASSES, Outcome
from training.datasets.samples import Sample
from training.evaluate import figures
from training.evaluation import metrics, report
from training.evaluation.cases import Case
from training.evaluation.metrics import hausdorff_95_px


def a_case(label: str, said: str | None, confidence: float = 1.0, patient: str = "p", **changes: object) -> Case:
    probabilities = None
    if said is not None:
        rest = (1 - confidence) / 3
        probabilities = np.array([confidence if name == said else rest for name in CLASSES])
    sample = Sample(Path("kaggle_sartaj/x.png"), label, None, "kaggle_sartaj", patient)
    return replace(Case(sample, Outcome.ANALYZED, (), False, probabilities), **changes)


def test_a_blank_scan_is_wrong_and_any_tumor_will_do_where_the_type_is_unknown() -> None:
    cases = [
        a_case("glioma", "glioma"),
        a_case("glioma", "pituitary"),
        a_case("tumor", "meningioma"),
        a_case("tumor", "no_tumor"),
        a_case("no_tumor", None),
    ]
    assert metrics.mean_of(cases, "accuracy") == (0.4, 5)


def test_sensitivity_counts_any_tumor_and_specificity_none() -> None:
    cases = [
        a_case("glioma", "pituitary"),
        a_case("tumor", "no_tumor"),
        a_case("no_tumor", "no_tumor"),
        a_case("no_tumor", "no_tumor"),
        a_case("no_tumor", "glioma"),
    ]
    assert metrics.mean_of(cases, "sensitivity") == (0.5, 2)
    assert metrics.mean_of(cases, "specificity") == (pytest.approx(2 / 3), 3)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    sure = [a_case("glioma", "glioma" if i < 7 else "pituitary", 0.9) for i in range(10)]
    fair = [a_case("glioma", "glioma" if i < 5 else "pituitary", 0.5) for i in range(10)]
    assert metrics.calibration_error(sure + fair) == pytest.approx(0.1)


def test_a_small_lesion_is_found_when_the_mask_touches_it() -> None:
    cases = [
        a_case("glioma", "glioma", dice=0.1, truth_share=0.005),
        a_case("glioma", "glioma", dice=0.0, truth_share=0.005),
        a_case("glioma", "glioma", dice=0.9, truth_share=0.2),
    ]
    assert metrics.mean_of(cases, "small_lesions_found") == (0.5, 2)
    assert metrics.mean_of(cases, "dice") == (pytest.approx(1 / 3), 3)


def test_intervals_widen_when_slices_come_from_few_patients() -> None:
    alone = [a_case("glioma", "glioma" if i % 2 else "pituitary", patient=f"p{i}") for i in range(100)]
    together = [a_case("glioma", "glioma" if i % 100 < 50 else "pituitary", patient=f"p{i // 25}") for i in range(100)]
    low, high = metrics.interval(alone, "accuracy")
    assert low < 0.5 < high
    assert 0.15 < high - low < 0.25  # 2 x 1.96 x sqrt(0.25 / 100) = 0.196
    few_low, few_high = metrics.interval(together, "accuracy")
    assert few_high - few_low > 2 * (high - low)


def test_the_interval_of_the_calibration_error_holds_it() -> None:
    cases = [a_case("glioma", "glioma" if i % 10 < 7 else "pituitary", 0.9, f"p{i}") for i in range(200)]
    low, high = metrics.calibration_interval(cases)
    assert low < 0.2 < high
    assert high - low < 0.2


def test_abstaining_on_the_unsure_raises_accuracy_where_confidence_is_right() -> None:
    cases = [a_case("glioma", "glioma", 0.9)] * 6 + [a_case("glioma", "pituitary", 0.4)] * 4
    curve = dict(metrics.selective(cases))
    assert curve[0.0] == 0.6
    assert curve[0.4] == 1.0


def test_confusion_has_the_label_in_rows_and_leaves_unknown_types_out() -> None:
    table = metrics.confusion([a_case("glioma", "pituitary"), a_case("tumor", "glioma"), a_case("no_tumor", None)])
    assert table.sum() == 1
    assert table[CLASSES.index("glioma"), CLASSES.index("pituitary")] == 1  # type: ignore[arg-type]


def test_per_class_scores_and_areas() -> None:
    cases = [a_case("glioma", "glioma", 0.8), a_case("glioma", "no_tumor", 0.6), a_case("no_tumor", "no_tumor", 0.9)]
    scores = metrics.per_class(cases)
    assert (scores["glioma"]["precision"], scores["glioma"]["recall"]) == (1.0, 0.5)
    assert (scores["no_tumor"]["precision"], scores["no_tumor"]["recall"]) == (0.5, 1.0)
    assert metrics.roc_auc(cases)["glioma"] == 1.0
    assert "pituitary" not in metrics.roc_auc(cases)


def test_the_hausdorff_distance_of_shifted_squares_is_the_shift() -> None:
    first = np.zeros((60, 60), np.bool_)
    first[10:30, 10:30] = True
    second = np.roll(first, 7, axis=1)
    assert hausdorff_95_px(first, second) == pytest.approx(7)
    assert hausdorff_95_px(first, first) == 0
    assert hausdorff_95_px(first, np.zeros_like(first)) is None


def test_the_report_shows_intervals_and_says_nothing_where_nothing_is_known() -> None:
    cases = [a_case("glioma", "glioma", patient=f"p{i}") for i in range(5)]
    results = {"model_id": "0" * 64, "artifact": "tflite", "part": "test", "outsiders": {}, **figures(cases)}

    header, row, total = report.headline_rows(results)

    assert row[0] == "kaggle"
    assert row[header.index("accuracy")] == "1.000 [1.000, 1.000]"
    assert row[header.index("dice")] == row[header.index("specificity")] == "-"
    assert total[1] == "5"
    page = report.page(results, ["confusion.png"])
    assert "Research use only" in page
    assert "1.000 [1.000, 1.000]" in page
    assert "NaN" not in json.dumps(report.without_nan(results))
    assert math.isnan(metrics.mean_of(cases, "dice")[0])
