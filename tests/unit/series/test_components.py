"""Regions of a stack are those that scikit-image finds in the volume, and lengths are those of the outline."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label

from brainscan.imaging.measure import measure
from brainscan.series.components import connected_regions
from brainscan.series.diameters import diameters
from tests.making import present
from tests.series import disc

STACKS = arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)))
SPACINGS = st.tuples(st.floats(0.2, 5), st.floats(0.2, 5))


@settings(deadline=None)
@given(STACKS)
def test_regions_are_those_of_the_volume_corners_touching(stack: Any) -> None:
    regions, count = connected_regions(list(stack), [place > 0 for place in range(len(stack))])
    expected, expected_count = label(stack, return_num=True, connectivity=3)
    assert count == expected_count
    pairs = set(zip(np.stack(regions).ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})


def test_slices_that_are_no_neighbours_share_no_region() -> None:
    mask = disc(5)
    assert connected_regions([mask, mask], [False, False])[1] == 2
    assert connected_regions([mask, mask], [False, True])[1] == 1


def test_a_region_that_branches_is_one() -> None:
    fork = np.zeros((2, 5, 5), bool)
    fork[0, 2, 1], fork[0, 2, 3] = True, True
    fork[1, 2, 1:4] = True
    regions, count = connected_regions(list(fork), [False, True])
    assert count == 1
    assert set(np.unique(regions[0])) == {0, 1}


@settings(deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(np.any), SPACINGS)
def test_the_longest_diameter_is_that_of_a_slices_own_measurement(region: Any, spacing: Any) -> None:
    whole = present(measure(region, spacing))
    assert diameters(region)[0] == pytest.approx(whole.longest_diameter_px)
    assert diameters(region, spacing)[0] == pytest.approx(whole.longest_diameter_mm)


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.5, 3))
def test_no_region_is_wider_than_long(rows: int, columns: int, spacing: float) -> None:
    longest, across = diameters(np.ones((rows, columns), bool), (spacing, spacing))
    assert 0 < across <= longest + 1e-9


def test_a_bar_is_as_long_and_as_wide_as_it_is() -> None:
    longest, across = diameters(np.ones((1, 20), bool), (2.0, 1.0))
    assert (longest, across) == pytest.approx((20, 2))


def test_a_disc_is_as_wide_as_long_whatever_its_pixels() -> None:
    rows, columns = np.mgrid[:80, :40]
    longest, across = diameters(np.hypot(rows - 40, 2.0 * (columns - 20)) <= 30, (0.5, 1.0))
    assert across == pytest.approx(longest, rel=0.05)
    assert longest == pytest.approx(30, abs=math.sqrt(2))
