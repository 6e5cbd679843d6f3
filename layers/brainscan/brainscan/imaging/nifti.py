"""NIfTI volumes as slices the way a radiologist looks at them: the patient's right on the left, the front on top."""

import io
import logging
import math
import struct
from dataclasses import dataclass
from typing import Any, Final

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.affines import voxel_sizes
from nibabel.orientations import apply_orientation, io_orientation

from brainscan.dicom.derived import mentions_map
from brainscan.dicom.pixels import Pixels
from brainscan.dicom.unstated_padding import unstated_padding
from brainscan.domain import Reason, ScanError
from brainscan.series.planes import plausible_aspect, plausible_spacing
from brainscan.settings import Limits

HEAD: Final = 2
"""The place of foot-head among nibabel's axes right, front, head."""
SAME_SIZE: Final = 0.05
"""Share by which sizes of voxels may differ within a header: shears and few digits make up for less."""
TIME_SERIES: Final = 2001
"""NIFTI_INTENT_TIME_SERIES: the one intent, besides none, that pictures have (nifti1.h)."""
ALIGNED: Final = 16
"""Bytes by which the place is divisible where voxels begin (nifti1.h)."""
HOLES: Final = 0.01
"""Pixels that are no number and lie among others, as a share of these, that are more than a crumb."""
_DIRECTIONS: Final = (
    (0, np.s_[:, :]),
    (0, np.s_[::-1, :]),
    (1, np.s_[:, :]),
    (1, np.s_[:, ::-1]),
)
THICK: Final = 1.5
"""Voxels so many times as long along one axis as along the others were acquired as slices of that thickness."""

# What nibabel complains of may quote the header's free text.
logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class NiftiSlice:
    """One slice: `pixels` (rows, columns), `spacing_mm` (row, column), and what a reader should check.

    `pixel_aspect` is a pixel's height over its width, as far as the header says, if only roughly.
    """

    pixels: Pixels
    spacing_mm: tuple[float, float] | None
    pixel_aspect: float
    flags: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """How a volume lies in the patient, and which of the file's axes its slices follow each other along.

    `orientation` (3, 2) says for each of the file's axes which of right, front and head (0, 1, 2) it runs along, and
    in which direction, as nibabel has it.
    """

    axis: int
    orientation: npt.NDArray[np.float64]

    @property
    def normal(self) -> int:
        """Which of right, front and head the slices follow each other along."""
        return int(self.orientation[self.axis, 0])

    @property
    def in_plane(self) -> tuple[int, int]:
        """Which of right, front and head the columns' and the rows' directions are."""
        across, down = (each for each in range(3) if each != self.normal)
        return across, down


def slice_count(data: bytes, limits: Limits) -> int:
    """Slices of a file, over all its volumes.

    Raises:
        ScanError: as `read_slice`.
        Exception: whatever nibabel raises on damage.
    """
    image = volume_in(data, limits)
    return int(image.shape[stack_of(image).axis]) * math.prod(image.shape[3:])


def read_slice(data: bytes, limits: Limits, index: int) -> NiftiSlice:
    """One slice; slices go towards the head, the front or the right, volume after volume.

    Slices are axial, unless the volume was acquired in another plane: where its voxels are `THICK` times as long along
    one axis as along any other, slices are what that axis stacks. No voxel is resampled: of an oblique volume the
    nearest axis is taken. Rows go from front to back or from head to foot, columns from right to left, of a sagittal
    slice from front to back.

    Raises:
        ScanError: `UNSUPPORTED_ENCODING` (colour, complex numbers, a header without its pixels),
            `TOO_MANY_PIXELS`, or `UNREADABLE` (no such slice, no orientation, pixels that lie in the header).
        Exception: whatever nibabel raises on damage.
    """
    image = volume_in(data, limits)
    stack = stack_of(image)
    volume, place = divmod(index, image.shape[stack.axis])
    if not 0 <= volume < math.prod(image.shape[3:]):
        raise ScanError(Reason.UNREADABLE, "the volume has no such slice")
    forwards = stack.orientation[stack.axis, 1] > 0
    start = place if forwards else image.shape[stack.axis] - 1 - place
    window: list[Any] = [slice(None)] * 3
    window[stack.axis] = slice(start, start + 1)
    further = np.unravel_index(volume, image.shape[3:]) if image.ndim > 3 else ()
    turned = apply_orientation(np.asanyarray(image.dataobj[(*window, *further)]), stack.orientation)
    plane = np.take(turned, 0, axis=stack.normal)
    spacing_mm = _spacing(image, stack)
    unsized = _sizes_differ(image) or _lacks_sizes(data, image)
    measured = None if unsized else spacing_mm
    pixels = _gray(plane[::-1, ::-1].T)
    unclear = _says_otherwise(image) or _holds_more(data, image) or _has_holes(pixels)
    doubts = (Reason.UNCLEAR_CONTENT,) if unclear else ()
    return NiftiSlice(pixels, measured, _aspect(image, stack), (*doubts, *_flags(image, unsized=unsized)))


def volume_in(data: bytes, limits: Limits) -> nib.Nifti1Image:
    """A file's volume; its voxels are not read yet.

    Raises:
        ScanError: as `read_slice`.
        Exception: whatever nibabel raises on damage.
    """
    kind = nib.Nifti2Image if data[4:7] in (b"n+2", b"ni2") else nib.Nifti1Image
    if b"ni" in (data[344:346], data[4:6]):
        raise ScanError(Reason.UNSUPPORTED_ENCODING, "a NIfTI header without its pixels; send a single .nii file")
    image: nib.Nifti1Image = kind.from_stream(io.BytesIO(data))
    if 0 in image.shape:
        raise ScanError(Reason.UNREADABLE, "the NIfTI header says that there are no voxels; convert the series again")
    if image.ndim < 3 or image.get_data_dtype().kind not in "iuf":
        raise ScanError(Reason.UNSUPPORTED_ENCODING, "NIfTI is read as gray volumes; send one volume of scalars")
    voxels: Any = image.dataobj
    if voxels.offset < image.header.single_vox_offset:
        raise ScanError(Reason.UNREADABLE, "the NIfTI header says that the pixels lie in it; convert the series again")
    if math.prod(sorted(image.shape[:3])[1:]) > limits.pixels:
        raise ScanError(Reason.TOO_MANY_PIXELS, "rows x columns exceed the limit; downsample the volume")
    return image


def stack_of(image: nib.Nifti1Image) -> Stack:
    """The axis that the slices follow each other along: the one of thick slices, else foot to head."""
    orientation = io_orientation(image.affine)
    if not np.isfinite(orientation).all() or not np.isfinite(image.affine).all():
        raise ScanError(Reason.UNREADABLE, "the NIfTI header gives no orientation; convert the series again")
    zooms = np.asarray(image.header.get_zooms()[:3], np.float64)
    thickest = int(zooms.argmax())
    if zooms[thickest] > THICK * np.delete(zooms, thickest).max():
        return Stack(thickest, orientation)
    return Stack(int(np.flatnonzero(orientation[:, 0] == HEAD)[0]), orientation)


def _flags(image: nib.Nifti1Image, *, unsized: bool) -> tuple[Reason, ...]:
    """Whether the header leaves open how the volume lies: it says nothing, or two different things.

    nibabel follows the sform where both are set, as the format's own library does, and assumes the axes of Analyze
    where neither is (https://nifti.nimh.nih.gov/nifti-1/documentation/nifti1fields/nifti1fields_pages/qsform.html).
    """
    qform, sform = image.get_qform(coded=True)[0], image.get_sform(coded=True)[0]
    nothing = qform is None and sform is None
    differ = (
        qform is not None and sform is not None and not np.array_equal(io_orientation(qform), io_orientation(sform))
    )
    return (Reason.UNCLEAR_ORIENTATION,) if nothing or differ or unsized else ()


def _sizes_differ(image: nib.Nifti1Image) -> bool:
    """Whether voxels have other sizes by the affine than by pixdim: then neither measures anything."""
    return not np.allclose(voxel_sizes(image.affine), image.header.get_zooms()[:3], rtol=SAME_SIZE)


def _lacks_sizes(data: bytes, image: nib.Nifti1Image) -> bool:
    """Whether a header leaves out how large voxels are: nibabel makes them 1 where pixdim is 0."""
    place, form = (104, "3d") if isinstance(image, nib.Nifti2Image) else (76, "3f")
    width = struct.calcsize(form) // 3
    return 0 in struct.unpack_from(f"{image.header.endianness}{form}", data, place + width)


def _spacing(image: nib.Nifti1Image, stack: Stack) -> tuple[float, float] | None:
    """NIfTI calls its units millimetres unless it says otherwise; None where nothing plausible is stated."""
    scale = millimetres(image.header)
    row, column = _zooms(image, stack)
    return plausible_spacing((row * scale, column * scale))


def _zooms(image: nib.Nifti1Image, stack: Stack) -> tuple[float, float]:
    """Distances of (rows, columns) in whatever unit."""
    zooms = dict(zip(stack.orientation[:, 0].astype(int), image.header.get_zooms()[:3], strict=True))
    column, row = (float(zooms[each]) for each in stack.in_plane)
    return row, column


def _aspect(image: nib.Nifti1Image, stack: Stack) -> float:
    """A pixel's height over its width, which needs no unit; 1 where nothing plausible is stated."""
    return plausible_aspect(*_zooms(image, stack)) or 1.0


def _says_otherwise(image: nib.Nifti1Image) -> bool:
    """Whether voxels are said to be something else than a picture, are turned over, or begin at an odd place.

    Labels, statistics and vectors have an intent, or a name; a fifth dimension is of vectors (nifti1.h).
    """
    intent = int(image.header["intent_code"])
    names = (image.header[field].item().decode("latin-1") for field in ("intent_name", "descrip"))
    voxels: Any = image.dataobj
    shifted = bool(voxels.offset % ALIGNED)
    vectors = math.prod(image.shape[4:]) > 1
    return (
        intent not in (0, TIME_SERIES) or float(voxels.slope) < 0 or shifted or vectors or any(map(mentions_map, names))
    )


def _holds_more(data: bytes, image: nib.Nifti1Image) -> bool:
    """Whether behind the voxels that the header counts there is another slice at least: it is wrong about them."""
    voxels: Any = image.dataobj
    size = math.prod(image.shape) * image.get_data_dtype().itemsize
    return bool(len(data) - voxels.offset - size >= size // math.prod(image.shape[2:]))


def _has_holes(pixels: Pixels) -> bool:
    """Whether pixels that are no number lie among those that are: what was there is not known."""
    finite = np.isfinite(pixels)
    if finite.all():
        return False
    around = [np.maximum.accumulate(finite[turn], axis=axis)[turn] for axis, turn in _DIRECTIONS]
    enclosed = np.logical_and.reduce(around) & ~finite
    return bool(enclosed.sum() > HOLES * finite.sum())


def millimetres(header: nib.Nifti1Header) -> float:
    """How long a header's unit of space is."""
    return {"meter": 1000.0, "micron": 0.001}.get(header.get_xyzt_units()[0], 1.0)


def _gray(plane: npt.NDArray[Any]) -> Pixels:
    kept = np.ascontiguousarray(plane)
    if kept.size and np.isfinite(kept).all() and (filler := unstated_padding(kept)) is not None:
        kept[filler] = kept[~filler].min()
    return kept if kept.dtype in (np.uint8, np.uint16) else kept.astype(np.float32)
