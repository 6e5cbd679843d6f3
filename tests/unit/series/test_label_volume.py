"""A label volume lies on the slices that it was made from, or says why it cannot."""

import gzip
from typing import Any, cast

import nibabel as nib
import numpy as np
import pytest

from brainscan.domain import RESEARCH_USE_STATEMENT, Reason
from brainscan.series.label_volume import label_volume
from brainscan.series.planes import Plane
from tests import series as mr

MARK = mr.disc(3, row=10, column=50).astype(np.uint8)


def volume_of(places_mm: Any, labels: Any, spacing_mm: Any = mr.SPACING) -> bytes | Reason:
    planes = [Plane((-30.0, -40.0, place), mr.TRANSVERSE, "1.2") for place in places_mm]
    return label_volume(planes, spacing_mm, 2.0, labels)


def read(data: Any) -> Any:
    return nib.Nifti1Image.from_bytes(gzip.decompress(data))


def test_a_slice_that_was_not_analyzed_is_empty_and_moves_no_other() -> None:
    volume = read(volume_of([0, 3, 9, 12], {1: MARK, 2: 2 * MARK}))
    pixels = np.asarray(volume.dataobj)
    assert [int(pixels[50, 10, place]) for place in range(5)] == [0, 1, 0, 2, 0]
    assert volume.header.get_zooms() == pytest.approx((mr.SPACING[1], mr.SPACING[0], 3))


def test_positions_that_scanners_round_are_even() -> None:
    rounded = [round(place * 1.0049, 2) for place in range(200)]
    volume = read(volume_of(rounded, {150: MARK}))
    assert volume.shape[2] == 200
    assert np.flatnonzero(np.asarray(volume.dataobj).any(axis=(0, 1))).tolist() == [150]


def test_a_single_slice_is_as_thick_as_it_says() -> None:
    assert read(volume_of([5], {0: MARK})).header.get_zooms()[2] == 2


def test_slices_that_no_grid_fits_have_no_volume() -> None:
    assert volume_of([0, 3, 7.2, 10.2], {0: MARK}) is Reason.UNEVEN_SLICES


def test_a_stack_that_the_gantry_tilts_is_sheared_and_not_straightened() -> None:
    planes = [Plane((-30.0 + 0.5 * n, -40.0, 3.0 * n), mr.TRANSVERSE, "1.2") for n in range(4)]
    affine = read(label_volume(planes, mr.SPACING, 2.0, {1: MARK})).affine
    assert affine @ [0, 0, 2, 1] == pytest.approx([29, 40, 6, 1])


def test_it_says_research_use() -> None:
    assert RESEARCH_USE_STATEMENT.encode() in gzip.decompress(cast(bytes, volume_of([0, 3], {0: MARK})))


def test_without_spacing_or_position_there_is_none() -> None:
    planes = [Plane((0.0, 0.0, 0.0), mr.TRANSVERSE, "1.2"), None]
    assert label_volume(planes, mr.SPACING, 2.0, {0: MARK}) is Reason.NO_POSITIONS
    assert volume_of([0, 3], {0: MARK}, spacing_mm=None) is Reason.NO_SPACING
