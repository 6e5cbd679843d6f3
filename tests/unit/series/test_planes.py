"""Spacing is believed where pictures of a patient can have it."""

from typing import Any

import pytest

from brainscan.series.planes import plausible_spacing


@pytest.mark.parametrize("stated", [(0.5, 0.75), (0.01, 100.0), (3.0, 0.9)])
def test_spacing_of_a_picture_of_a_patient_is_believed(stated: tuple[float, ...]) -> None:
    assert plausible_spacing(stated) == stated


@pytest.mark.parametrize(
    "stated",
    [None, (), (1.0,), (1.0, 1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, 0.009), (100.1, 1.0), (1.0, 1000.0)],
)
def test_what_no_picture_of_a_patient_has_is_not(stated: tuple[Any, ...] | tuple[float, ...] | None) -> None:
    assert plausible_spacing(stated) is None
