"""Volumes over time are compared where series lie alike; where not, the history says why."""

from typing import Any

import pytest

from brainscan.domain import Geometry, study_of
from brainscan.domain.follow_up import FollowUp, NotCompared, follow_ups, incomparable_reason
from tests.summaries import a_series

AXIAL = Geometry(spacing_mm=(0.5, 0.5), distance_mm=5.0, normal=(0.0, 0.0, 1.0))


def history(*of_studies: Any) -> list[FollowUp]:
    """Follow-ups of studies, each given by its series."""
    series = {each.series_id: each for study in of_studies for each in study}
    studies = [study_of(f"{place}" * 32, each, None) for place, each in enumerate(of_studies)]
    return follow_ups(studies, series)


def with_volume(number: int, volume: Any, geometry: Any = AXIAL) -> Any:
    return a_series(number, volume_mm3=volume, geometry=geometry)


def test_a_growing_tumor_is_told_in_percent_of_the_study_before() -> None:
    first, second, third = history([with_volume(0, 1000.0)], [with_volume(1, 1500.0)], [with_volume(2, 750.0)])
    assert (first.change_percent, first.not_compared) == (None, NotCompared.FIRST)
    assert second.change_percent == pytest.approx(50)
    assert third.change_percent == pytest.approx(-50)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"normal": (0.0, 0.0, -1.0)}, None),
        ({"spacing_mm": (0.53, 0.53)}, None),
        ({"normal": (0.0, 1.0, 0.0)}, NotCompared.OTHER_PLANE),
        ({"spacing_mm": (1.0, 1.0)}, NotCompared.OTHER_PIXELS),
        ({"distance_mm": 1.0}, NotCompared.OTHER_DISTANCE),
        ({"spacing_mm": None}, NotCompared.UNKNOWN_GEOMETRY),
    ],
)
def test_series_of_unlike_geometry_say_nothing_about_each_other(
    changes: dict[str, Any], reason: NotCompared | None
) -> None:
    other = AXIAL.model_copy(update=changes)
    assert incomparable_reason(AXIAL, other) is reason
    assert history([with_volume(0, 1000.0)], [with_volume(1, 900.0, other)])[1].not_compared is reason


def test_a_study_is_compared_by_that_of_its_series_which_lies_as_one_before() -> None:
    sagittal = AXIAL.model_copy(update={"normal": (1.0, 0.0, 0.0)})
    second = history([with_volume(0, 1000.0)], [with_volume(1, 5000.0, sagittal), with_volume(2, 1100.0)])[1]
    assert second.change_percent == pytest.approx(10)
    assert second.volume_mm3 == 1100.0


def test_the_volume_compared_with_is_told_though_another_series_stands_for_the_study_before() -> None:
    coronal = AXIAL.model_copy(update={"normal": (0.0, 1.0, 0.0)})
    first, second = history(
        [with_volume(0, 50_000.0), with_volume(1, 10_000.0, coronal)], [with_volume(2, 20_000.0, coronal)]
    )
    assert first.volume_mm3 == 50_000.0
    assert second.compared_with == with_volume(1, 10_000.0).series_id != first.series_id
    assert second.compared_volume_mm3 == 10_000.0
    assert second.change_percent == pytest.approx(100)


def test_without_a_volume_or_a_tumor_before_there_is_no_percentage() -> None:
    assert history([with_volume(0, None)], [with_volume(1, 900.0)])[1].not_compared is NotCompared.NO_VOLUME
    assert history([with_volume(0, 0.0)], [with_volume(1, 900.0)])[1].not_compared is NotCompared.NO_TUMOR_BEFORE
