"""Series are put together by file names and called by the service's own rule."""

from dataclasses import replace
from pathlib import Path

import pytest

from brainscan.domain import CLASSES, Finding, Measurements, Outcome
from training.datasets.samples import LGG, Sample, View
from training.evaluation.evaluated import EvaluatedScan
from training.evaluation.series_level import series_figures, volume_error


def scan(
    name: str, label: str, called: str, area: int = 0, drawn: int | None = None, source: str = LGG, view: View = "luma"
) -> EvaluatedScan:
    """A slice whose mask has `area` pixels where `drawn` are true."""
    tumor = Measurements(area_px=area, bounding_box=(0, 0, 1, 1), centroid=(0, 0), longest_diameter_px=1, components=1)
    finding = Finding(
        outcome=Outcome.ANALYZED,
        predicted=called,
        probabilities={each: float(each == called) for each in CLASSES},
        confidence=1.0,
        tumor=tumor if area else None,
    )
    return EvaluatedScan(Sample(Path(f"x/{name}.jpg"), label, None, source, "g", view=view), finding, truth_px=drawn)


def patient(name: str, calls: str, label: str = "glioma", source: str = LGG) -> list[EvaluatedScan]:
    """Slices in order, `+` called glioma with a mask, `-` called none."""
    return [
        scan(f"{name}_{place}", label, "glioma" if call == "+" else "no_tumor", 9 * (call == "+"), source=source)
        for place, call in enumerate(calls)
    ]


def test_two_neighbours_make_a_tumor_series_and_a_lone_slice_does_not() -> None:
    scans = [*patient("A", "-++-"), *patient("B", "-+-+"), *patient("C", "----")]
    row = series_figures(scans)["lgg_kaggle_3m, luma"]
    assert (row["tumor"], row["found"], row["healthy"], row["called_tumor"], row["volume_errors"]) == (3, 1, 0, 0, [])
    assert (row["right"]["value"], row["right"]["n"], row["right"]["groups"]) == (pytest.approx(1 / 3), 3, 1)


def test_slices_lie_by_their_numbers_not_by_their_names() -> None:
    """Slices 9 and 10 are neighbours."""
    numbered = [scan(f"A_{number}", "glioma", "glioma", 9) for number in (9, 10)]
    between = [scan(f"A_{number}", "glioma", "no_tumor") for number in (1, 2, 30, 11)]
    assert series_figures([*between, *numbered])["lgg_kaggle_3m, luma"]["found"] == 1


def test_healthy_series_that_are_called_tumor_are_counted() -> None:
    scans = [
        *patient("h1_axi", "++-", "no_tumor", "healthy_head"),
        *patient("h1_cor", "---", "no_tumor", "healthy_head"),
    ]
    row = series_figures(scans)["healthy_head, luma"]
    assert (row["healthy"], row["called_tumor"], row["tumor"]) == (2, 1, 0)


def test_a_run_of_positive_slices_that_touches_no_drawn_tumor_is_a_false_lesion() -> None:
    """The run at the end is on the tumor, the one in the middle beside it, and the lone slice does not count."""
    slices = patient("A", "+-++-++")
    on_it = [replace(each, dice=0.5) for each in slices[5:]]
    assert series_figures([*slices[:5], *on_it])["lgg_kaggle_3m, luma"]["false_lesions"] == 1
    assert series_figures(patient("h", "++-++", "no_tumor", "healthy_head"))["healthy_head, luma"]["false_lesions"] == 2


def test_the_volume_error_compares_summed_areas() -> None:
    series = [scan("A_1", "glioma", "glioma", 60, 50), scan("A_2", "glioma", "glioma", 30, 50)]
    assert volume_error(series) == pytest.approx(-0.1)
    assert volume_error([scan("A_1", "no_tumor", "no_tumor", 0, 0)]) is None


def test_sets_of_single_slices_have_no_series() -> None:
    assert series_figures(patient("A", "+++", source="radiopaedia_44")) == {}
