"""NIfTI volumes are read by their axial slices, whatever the order of the file's own axes."""

import itertools
import struct
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform

from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import count_frames, decode
from brainscan.settings import Limits

LIMITS = Limits()
RAS = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)
"""(to the right, to the front, to the head)"""
SPACING_MM = (0.5, 0.75, 3.0)


def volume(
    codes: str = "RAS", data: np.ndarray = RAS, kind: type = nib.Nifti1Image, spacing_mm: tuple[float, ...] = SPACING_MM
) -> bytes:
    """The same patient, stored along axes that run towards `codes`."""
    affine = np.diag([*spacing_mm, 1.0])
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    stored = nib.orientations.apply_orientation(data, turn)
    return kind(stored, affine @ inv_ornt_aff(turn, data.shape[:3])).to_bytes()


def refusal(data: bytes, frame: int = 0, limits: Limits = LIMITS) -> Reason:
    with pytest.raises(ScanError) as refused:
        decode(data, Kind.NIFTI, limits, frame)
    return refused.value.reason


@pytest.mark.parametrize("codes", ["".join(c) for c in itertools.product("RL", "AP", "SI")] + ["PIR", "ASL", "SLP"])
def test_slices_go_from_foot_to_head_with_the_front_on_top_and_the_right_on_the_left(codes: Any) -> None:
    data = volume(codes)
    assert count_frames(data, Kind.NIFTI, LIMITS) == 4
    for place in range(4):
        answer = decode(data, Kind.NIFTI, LIMITS, place)
        np.testing.assert_array_equal(answer.pixels, RAS[::-1, ::-1, place].T)
        assert answer.spacing_mm == (0.75, 0.5)


def test_volumes_follow_each_other() -> None:
    twice = np.stack([RAS, RAS + 1000], axis=-1)
    data = volume(data=twice)
    assert count_frames(data, Kind.NIFTI, LIMITS) == 8
    np.testing.assert_array_equal(decode(data, Kind.NIFTI, LIMITS, 5).pixels, RAS[::-1, ::-1, 1].T + 1000)


def test_nifti_2_and_scaled_values_are_read() -> None:
    image = nib.Nifti2Image(RAS.astype(np.float32) / 4, np.diag([*SPACING_MM, 1.0]))
    image.header.set_data_dtype(np.int16)
    np.testing.assert_allclose(
        decode(image.to_bytes(), Kind.NIFTI, LIMITS, 2).pixels, RAS[::-1, ::-1, 2].T / 4, atol=0.01
    )


def test_units_of_metres_become_millimetres() -> None:
    image = nib.Nifti1Image(RAS, np.diag([0.001, 0.002, 0.003, 1.0]))
    image.header.set_xyzt_units("meter")
    assert decode(image.to_bytes(), Kind.NIFTI, LIMITS).spacing_mm == pytest.approx((2, 1))


def test_what_is_no_volume_of_scalars_is_unsupported() -> None:
    assert refusal(volume(data=RAS.astype(np.complex64))) is Reason.UNSUPPORTED_ENCODING
    assert refusal(nib.Nifti1Image(RAS[..., 0], np.eye(4)).to_bytes()) is Reason.UNSUPPORTED_ENCODING
    pair = bytearray(volume())
    pair[344:348] = b"ni1\x00"
    assert refusal(bytes(pair)) is Reason.UNSUPPORTED_ENCODING


def test_damage_is_unreadable_and_limits_hold() -> None:
    assert refusal(volume()[:-200]) is Reason.UNREADABLE
    assert refusal(volume(), frame=4) is Reason.UNREADABLE
    assert refusal(volume(), limits=Limits(pixels=29)) is Reason.TOO_MANY_PIXELS
    with pytest.raises(ScanError) as refused:
        count_frames(volume(), Kind.NIFTI, Limits(frames=3))
    assert refused.value.reason is Reason.TOO_MANY_ENTRIES


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAR", "AIL"])
def test_a_coronal_stack_is_read_by_its_coronal_slices(codes: str) -> None:
    data = volume(codes, spacing_mm=(0.5, 6.0, 0.75))
    assert count_frames(data, Kind.NIFTI, LIMITS) == 5
    for place in range(5):
        answer = decode(data, Kind.NIFTI, LIMITS, place)
        np.testing.assert_array_equal(answer.pixels, RAS[::-1, place, ::-1].T)
        assert answer.spacing_mm == (0.75, 0.5)


@pytest.mark.parametrize("codes", ["RAS", "LPI", "SAR", "AIL"])
def test_a_sagittal_stack_is_read_by_its_sagittal_slices_with_the_face_on_the_left(codes: str) -> None:
    data = volume(codes, spacing_mm=(6.0, 0.5, 0.75))
    assert count_frames(data, Kind.NIFTI, LIMITS) == 6
    for place in range(6):
        answer = decode(data, Kind.NIFTI, LIMITS, place)
        np.testing.assert_array_equal(answer.pixels, RAS[place, ::-1, ::-1].T)
        assert answer.spacing_mm == (0.75, 0.5)


def test_the_pixel_aspect_is_that_of_the_voxels() -> None:
    answer = decode(volume(spacing_mm=(1.0, 1.2, 1.0)), Kind.NIFTI, LIMITS)
    assert answer.pixel_aspect == pytest.approx(1.2)


def with_forms(qform: np.ndarray | None, sform: np.ndarray | None) -> bytes:
    image = nib.Nifti1Image(RAS, np.diag([*SPACING_MM, 1.0]))
    image.set_qform(qform, code=0 if qform is None else 1)
    image.set_sform(sform, code=0 if sform is None else 1)
    return image.to_bytes()


AXIAL = np.diag([*SPACING_MM, 1.0])
TURNED = np.array([[0, 0, 3.0, 0], [0, 0.75, 0, 0], [0.5, 0, 0, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("qform", "sform", "flags"),
    [
        (AXIAL, None, ()),
        (None, AXIAL, ()),
        (AXIAL, AXIAL, ()),
        (None, None, (Reason.UNCLEAR_ORIENTATION,)),
        (AXIAL, TURNED, (Reason.UNCLEAR_ORIENTATION,)),
        (AXIAL, AXIAL * [-1, 1, 1, 1], (Reason.UNCLEAR_ORIENTATION,)),
    ],
    ids=["qform", "sform", "agreeing", "neither", "other_axes", "other_side"],
)
def test_a_header_that_leaves_the_axes_open_is_flagged(
    qform: Any, sform: Any, flags: tuple[Any, ...] | tuple[Reason, ...]
) -> None:
    assert decode(with_forms(qform, sform), Kind.NIFTI, LIMITS).flags == flags


def test_where_the_forms_differ_the_sform_counts() -> None:
    assert count_frames(with_forms(AXIAL, TURNED), Kind.NIFTI, LIMITS) == RAS.shape[2]
    np.testing.assert_array_equal(
        decode(with_forms(AXIAL, AXIAL * [-1, 1, 1, 1]), Kind.NIFTI, LIMITS).pixels,
        decode(with_forms(AXIAL, AXIAL), Kind.NIFTI, LIMITS).pixels[:, ::-1],
    )


def test_a_slope_of_zero_means_unscaled() -> None:
    data = bytearray(volume())
    data[112:116] = np.float32(0).tobytes()
    np.testing.assert_array_equal(decode(bytes(data), Kind.NIFTI, LIMITS).pixels, RAS[::-1, ::-1, 0].T)


def patched(data: bytes, offset: int, form: str, *values: float) -> bytes:
    """The file with fields of its header as another writer has them."""
    changed = bytearray(data)
    struct.pack_into(f"<{form}", changed, offset, *values)
    return bytes(changed)


PIXDIM, VOX_OFFSET, SLOPE, SROW_X = 76, 108, 112, 280


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("intercept", [0.0, 5.0])
def test_a_slope_that_scales_nothing_is_passed_over(slope: float, intercept: float) -> None:
    data = patched(volume(), SLOPE, "ff", slope, intercept)
    np.testing.assert_array_equal(decode(data, Kind.NIFTI, LIMITS).pixels, RAS[::-1, ::-1, 0].T)


@pytest.mark.parametrize(
    "data",
    [
        patched(volume(), SLOPE, "ff", 1, np.nan),
        patched(volume(), SLOPE, "ff", 1, np.inf),
        patched(volume(), SROW_X, "f", np.nan),
        patched(volume(), SROW_X + 12, "f", np.nan),
        patched(volume(), SROW_X, "12f", *[0] * 12),
        patched(volume(), VOX_OFFSET, "f", 0),
        patched(volume(), VOX_OFFSET, "f", 340),
        patched(volume(), VOX_OFFSET, "f", np.nan),
        patched(volume(), VOX_OFFSET, "f", 1e6),
        patched(volume(), 40, "8h", 3, -2, 3, 4, 1, 1, 1, 1),
        patched(volume(), 40, "8h", 3, 2, 3, 0, 1, 1, 1, 1),
        patched(volume(), 40, "h", 9),
        patched(volume(), 70, "h", 0),
        patched(volume(), 123, "B", 7),
        volume()[:360],
        patched(with_forms(AXIAL, AXIAL), PIXDIM, "4f", 1, np.nan, 0.75, 3),
    ],
    ids=[
        "slope nan",
        "slope inf",
        "sform nan",
        "offset nan",
        "sform zero",
        "data at 0",
        "data in the header",
        "data nowhere",
        "data far behind",
        "negative extent",
        "no slices",
        "nine dimensions",
        "no data type",
        "unknown unit",
        "cut off",
        "no spacing",
    ],
)
def test_a_header_that_cannot_be_followed_is_refused(data: bytes) -> None:
    assert refusal(data) is Reason.UNREADABLE


@pytest.mark.parametrize(
    "pixdim",
    [(1.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.5, 6.0)],
    ids=["zero", "double"],
)
def test_sizes_that_contradict_the_sform_measure_nothing_and_are_flagged(pixdim: tuple[float, ...]) -> None:
    data = patched(with_forms(AXIAL, AXIAL), PIXDIM, "4f", *pixdim)
    found = decode(data, Kind.NIFTI, LIMITS)
    assert (found.spacing_mm, found.flags) == (None, (Reason.UNCLEAR_ORIENTATION,))


@pytest.mark.parametrize("filler", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_number_are_as_dark_as_the_darkest(filler: float) -> None:
    voxels = RAS.astype(np.float32)
    voxels[0] = filler
    found = decode(nib.Nifti1Image(voxels, AXIAL).to_bytes(), Kind.NIFTI, LIMITS).pixels
    assert np.isfinite(found).all()
    assert found.min() == RAS[1:, :, 0].min()
    nothing = nib.Nifti1Image(np.full(RAS.shape, filler, np.float32), AXIAL).to_bytes()
    assert np.ptp(decode(nothing, Kind.NIFTI, LIMITS).pixels) == 0
