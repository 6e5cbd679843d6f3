"""A volume is what its slices stand for, whatever their direction and distances, or it is withheld."""

import math
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainscan.domain import Reason
from brainscan.series.planes import Plane, positions_mm
from brainscan.series.volume import volume_mm3, widths_mm
from tests.series import OBLIQUE, TRANSVERSE


def plane(position: Any, orientation: Any = TRANSVERSE, frame: str = "1.2") -> Plane:
    return Plane(tuple(float(value) for value in position), orientation, frame)


def stack(heights: Any, orientation: Any = TRANSVERSE) -> Any:
    normal = np.cross(orientation[:3], orientation[3:])
    return [plane(np.array([5.0, -7.0, 11.0]) + height * normal, orientation) for height in heights]


@pytest.mark.parametrize("orientation", [TRANSVERSE, OBLIQUE], ids=["transverse", "oblique"])
def test_positions_are_measured_across_the_slices_from_the_first(orientation: Any) -> None:
    assert positions_mm(stack([6, 0, 3], orientation)) == pytest.approx([6, 0, 3])


def test_a_shift_within_the_plane_is_no_distance() -> None:
    planes = [plane((0, 0, 0)), plane((40, -25, 3)), plane((-9, 2, 6))]
    assert positions_mm(planes) == pytest.approx([0, 3, 6])


def test_slices_of_different_directions_or_frames_of_reference_are_not_parallel() -> None:
    [one], [other] = stack([0]), stack([6], OBLIQUE)
    assert not one.parallel_to(other)
    assert not plane((0, 0, 0)).parallel_to(plane((0, 0, 3), frame="1.3"))


def test_directions_that_differ_in_their_last_digits_or_point_backwards_are_parallel() -> None:
    tilted = (1.0, 0.0, 0.0, 0.0, math.cos(1e-3), math.sin(1e-3))
    assert plane((0, 0, 0)).parallel_to(plane((0, 0, 6), tilted))
    assert plane((0, 0, 0)).parallel_to(plane((0, 0, 6), (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)))


def test_equal_distances_give_equal_widths() -> None:
    assert widths_mm(np.array([0.0, 5.5, 11.0])) == pytest.approx([5.5, 5.5, 5.5])


def test_unequal_distances_are_weighed_by_what_they_are() -> None:
    assert widths_mm(np.array([0.0, 2.0, 6.0])) == pytest.approx([2, 3, 4])


def test_a_hole_leaves_the_slices_beside_it_without_a_width() -> None:
    widths = widths_mm(np.array([0.0, 3, 6, 15, 18, 21]))
    assert np.isnan(widths).tolist() == [False, False, True, True, False, False]


def test_one_slice_without_an_answer_is_bridged() -> None:
    assert widths_mm(np.array([0.0, 3, 6, 12, 15, 18])) == pytest.approx([3, 3, 4.5, 4.5, 3, 3])


def test_a_lone_slice_has_no_width() -> None:
    assert widths_mm(np.array([0.0])) is Reason.SINGLE_SLICE


def test_a_volume_beside_a_hole_or_without_spacing_is_withheld() -> None:
    assert volume_mm3([10.0, 20.0], [3.0, math.nan]) is Reason.MISSING_SLICES
    assert volume_mm3([10.0, None], [3.0, 3.0]) is Reason.NO_SPACING
    assert volume_mm3([10.0, 20.0], [3.0, 4.0]) == pytest.approx(110)


@given(st.lists(st.floats(1, 2), min_size=2, max_size=40), st.randoms())
def test_a_column_through_all_slices_has_the_volume_of_its_height(distances: list[float], random: Any) -> None:
    heights = np.concatenate([[0.0], np.cumsum(distances)])
    order = list(range(len(heights)))
    random.shuffle(order)
    widths = widths_mm(heights[order])
    ends = (distances[0] + distances[-1]) / 2
    assert volume_mm3([7.0] * len(heights), list(cast(Iterable[float], widths))) == pytest.approx(
        7 * (heights[-1] + ends)
    )


def test_a_sphere_is_measured_within_two_percent_on_slices_with_gaps() -> None:
    heights = np.arange(-30, 30.1, 4.0)
    areas = [math.pi * max(0.0, 25**2 - height**2) for height in heights]
    assert volume_mm3(areas, list(cast(Iterable[float], widths_mm(heights)))) == pytest.approx(
        4 / 3 * math.pi * 25**3, rel=0.02
    )
