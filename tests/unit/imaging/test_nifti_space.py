"""Masks of a NIfTI's slices lie in its volume exactly where the slices were taken from, whatever its axes are."""

import gzip
import itertools
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff

from brainscan.imaging.nifti import read_slice, slice_count
from brainscan.imaging.nifti_space import space_of
from brainscan.settings import Limits
from tests.making import present

AXES = ["".join(signed) for order in itertools.permutations(("RL", "AP", "SI")) for signed in itertools.product(*order)]
"""All 48 ways in which a file's axes can run."""


def volume(axes: str, zooms: Any = (0.9, 1.1, 5.0), more: tuple[int, ...] = ()) -> bytes:
    """A volume whose voxels are all different; `zooms` of right, front and head."""
    shape = (7, 9, 4)
    plain = np.diag([*zooms, 1.0])
    plain[:3, 3] = (-3, 20, -11)
    orientation = axcodes2ornt(axes)
    lengths = [shape[int(axis)] for axis in orientation[:, 0]]
    data = np.random.default_rng(5).permutation(np.prod([*lengths, *more])).reshape(*lengths, *more)
    affine = plain @ np.linalg.inv(inv_ornt_aff(orientation, lengths))
    return nib.Nifti1Image(data.astype(np.float32), affine).to_bytes()


def mask_of(data: bytes, least: float) -> tuple[np.ndarray, nib.Nifti1Image]:
    """Where a file's voxels are at least so bright: of the file itself, and put together from masks of its slices."""
    masks = {
        index: np.asarray(read_slice(data, Limits(), index).pixels, np.float64) >= least
        for index in range(slice_count(data, Limits()))
    }
    made = nib.Nifti1Image.from_bytes(gzip.decompress(space_of(data, Limits()).mask_volume(masks)))
    return np.asanyarray(nib.Nifti1Image.from_bytes(data).dataobj) >= least, made


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("zooms", [(0.9, 1.1, 5.0), (6.0, 1.0, 1.0), (1.0, 1.0, 1.0)])
def test_a_mask_volume_marks_the_voxels_that_the_slices_showed(axes: Any, zooms: tuple[float, ...]) -> None:
    data = volume(axes, zooms)
    expected, made = mask_of(data, 120)
    np.testing.assert_array_equal(np.asanyarray(made.dataobj).astype(bool), expected)
    source = nib.Nifti1Image.from_bytes(data)
    np.testing.assert_allclose(made.affine, source.affine)
    assert made.header.get_zooms() == source.header.get_zooms()


def test_a_file_of_several_volumes_keeps_them_apart() -> None:
    expected, made = mask_of(volume("LPS", more=(3,)), 400)
    np.testing.assert_array_equal(np.asanyarray(made.dataobj).astype(bool), expected)


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "SLA"])
def test_corners_say_where_the_first_pixel_lies_and_where_rows_and_columns_go(axes: str) -> None:
    data = volume(axes)
    source = nib.Nifti1Image.from_bytes(data)
    values = np.asanyarray(source.dataobj)
    space = space_of(data, Limits())
    assert len(space.corners) == slice_count(data, Limits())
    for index, (position, orientation) in enumerate(space.corners):
        found = read_slice(data, Limits(), index)
        row_mm, column_mm = present(found.spacing_mm)
        for row, column in ((0, 0), (2, 3)):
            [voxel] = np.argwhere(values == found.pixels[row, column])
            right, front, up = (source.affine @ [*voxel, 1])[:3]
            along = np.array(orientation[:3]) * column_mm * column + np.array(orientation[3:]) * row_mm * row
            np.testing.assert_allclose(np.array(position) + along, (-right, -front, up), atol=1e-4)


def test_nothing_but_the_space_is_taken_over_from_the_header() -> None:
    image = nib.Nifti1Image.from_bytes(volume("RAS"))
    image.header["descrip"], image.header["db_name"], image.header["aux_file"] = b"CANARY^NAME", b"CANARY", b"CANARY"
    made = gzip.decompress(space_of(image.to_bytes(), Limits()).mask_volume({}))
    assert b"CANARY" not in made
    assert b"Research use only" in made
