"""What a NIfTI header or volume says that is unusual is flagged or refused, never answered as if it were nothing."""

from typing import Any

import nibabel as nib
import numpy as np
import pytest

from brainscan.domain import Reason, ScanError
from brainscan.imaging.nifti import read_slice, slice_count
from brainscan.settings import Limits


def odd_volume(changes: dict[str, Any] | None = None, pixels: np.ndarray | None = None) -> bytes:
    """A volume with a head in its middle, and with fields of its header overwritten in the file."""
    across, down, _ = np.mgrid[:32, :24, :6]
    head = np.where(np.hypot(across - 16, down - 12) < 9, 500 + 10 * across, 20 + down % 5).astype(np.int16)
    image = nib.Nifti1Image(head if pixels is None else pixels, np.diag([2.0, 4.0, 6.0, 1.0]))
    whole = bytearray(image.to_bytes())
    header = nib.Nifti1Header(bytes(whole[:348]), check=False)
    for name, value in (changes or {}).items():
        header[name] = value
    whole[:348] = header.binaryblock
    return bytes(whole)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"intent_code": 1002}, Reason.UNCLEAR_CONTENT),
        ({"intent_code": 5}, Reason.UNCLEAR_CONTENT),
        ({"intent_code": 1007}, Reason.UNCLEAR_CONTENT),
        ({"scl_slope": -1, "scl_inter": 0}, Reason.UNCLEAR_CONTENT),
        ({"intent_name": b"FA"}, Reason.UNCLEAR_CONTENT),
        ({"descrip": b"ADC map, b=0/1000"}, Reason.UNCLEAR_CONTENT),
        ({"vox_offset": 353}, Reason.UNCLEAR_CONTENT),
        ({"dim": [3, 32, 24, 5, 1, 1, 1, 1]}, Reason.UNCLEAR_CONTENT),
        ({"dim": [3, 24, 24, 6, 1, 1, 1, 1]}, Reason.UNCLEAR_CONTENT),
        ({"datatype": 2, "bitpix": 8}, Reason.UNCLEAR_CONTENT),
        ({"descrip": b"TE=30;Time=121522.420;phase=1"}, None),
        ({"pixdim": [1, 0, 0, 0, 0, 0, 0, 0], "sform_code": 0, "qform_code": 1}, Reason.UNCLEAR_ORIENTATION),
        ({"intent_code": 2001}, None),
        ({"scl_slope": np.inf}, None),
        ({"pixdim": [1, -2, -4, -6, 0, 0, 0, 0]}, None),
    ],
    ids=lambda told: str(told),
)
def test_a_header_that_says_something_unusual_is_flagged(changes: dict[str, Any], flag: Reason | None) -> None:
    found = read_slice(odd_volume(changes), Limits(), 3)
    assert found.flags == (() if flag is None else (flag,))
    assert (found.spacing_mm is None) == (flag is Reason.UNCLEAR_ORIENTATION)


def test_bytes_behind_the_voxels_that_are_no_slice_are_no_doubt() -> None:
    assert read_slice(odd_volume() + bytes(512), Limits(), 3).flags == ()


@pytest.mark.parametrize(("unit", "spacing"), [(3, None), (1, None), (0, (4.0, 2.0)), (2, (4.0, 2.0))])
def test_voxels_in_an_implausible_unit_keep_their_shape(unit: int, spacing: tuple[float, float] | None) -> None:
    found = read_slice(odd_volume({"xyzt_units": unit}), Limits(), 3)
    assert (found.spacing_mm, found.pixel_aspect) == (spacing, 2.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_number_are_a_doubt_within_the_head_alone(value: float) -> None:
    whole = np.asarray(nib.Nifti1Image.from_bytes(odd_volume()).dataobj).astype(np.float32)
    around, within = whole.copy(), whole.copy()
    around[whole < 100] = value
    around[16, 12] = value  # a crumb, as where a threshold cut noise off
    within[12:20, 9:15] = value
    assert read_slice(odd_volume(pixels=around), Limits(), 3).flags == ()
    assert read_slice(odd_volume(pixels=within), Limits(), 3).flags == (Reason.UNCLEAR_CONTENT,)


@pytest.mark.parametrize("filler", [-32768, 32767])
def test_filler_around_a_volume_is_dark(filler: int) -> None:
    whole = np.asarray(nib.Nifti1Image.from_bytes(odd_volume()).dataobj).copy()
    plain = read_slice(odd_volume(pixels=whole), Limits(), 3).pixels
    whole[:4] = filler
    found = read_slice(odd_volume(pixels=whole), Limits(), 3).pixels
    np.testing.assert_array_equal(found[:, :-4], plain[:, :-4])
    assert found[:, -4:].max() == plain.min()


def test_a_volume_without_voxels_is_unreadable() -> None:
    with pytest.raises(ScanError) as refused:
        slice_count(odd_volume({"dim": [3, 0, 24, 6, 1, 1, 1, 1]}), Limits())
    assert refused.value.reason is Reason.UNREADABLE


@pytest.mark.parametrize(("further", "flags"), [((3,), ()), ((1, 3), (Reason.UNCLEAR_CONTENT,)), ((1, 1), ())])
def test_a_fifth_dimension_is_of_vectors_and_a_fourth_of_pictures(further: tuple[int, ...], flags: Any) -> None:
    whole = np.asarray(nib.Nifti1Image.from_bytes(odd_volume()).dataobj)
    stacked = np.broadcast_to(whole.reshape(*whole.shape, *(1 for _ in further)), (*whole.shape, *further))
    assert read_slice(odd_volume(pixels=np.ascontiguousarray(stacked)), Limits(), 3).flags == flags
