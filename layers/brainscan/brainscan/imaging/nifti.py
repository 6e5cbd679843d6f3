"""NIfTI volumes as axial slices, the way a radiologist looks at them: from below, the patient's right on the left."""

import io
import logging
import math
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.orientations import apply_orientation, io_orientation

from brainscan.dicom.pixels import Pixels
from brainscan.domain import Reason, ScanError
from brainscan.settings import Limits

# What nibabel complains of may quote the header's free text.
logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)


def slice_count(data: bytes, limits: Limits) -> int:
    """Axial slices of a file, over all its volumes.

    Raises:
        ScanError: as `read_slice`.
        Exception: whatever nibabel raises on damage.
    """
    image = _volume(data, limits)
    axis, _ = _axial(image)
    return int(image.shape[axis]) * math.prod(image.shape[3:])


def read_slice(data: bytes, limits: Limits, index: int) -> tuple[Pixels, tuple[float, float] | None]:
    """One axial slice and its (row, column) spacing in mm; slices go from foot to head, volume after volume.

    The axis of the file that is nearest to foot-head is taken, so an oblique slice is not resampled. Rows go from
    front to back, columns from the patient's right to the left.

    Raises:
        ScanError: `UNSUPPORTED_ENCODING` (colour, complex numbers, a header without its pixels),
            `TOO_MANY_PIXELS`, or `UNREADABLE` (no such slice, no orientation).
        Exception: whatever nibabel raises on damage.
    """
    image = _volume(data, limits)
    axis, orientation = _axial(image)
    volume, place = divmod(index, image.shape[axis])
    if not 0 <= volume < math.prod(image.shape[3:]):
        raise ScanError(Reason.UNREADABLE, "the volume has no such slice")
    upwards = orientation[axis, 1] > 0
    start = place if upwards else image.shape[axis] - 1 - place
    window: list[Any] = [slice(None)] * 3
    window[axis] = slice(start, start + 1)
    further = np.unravel_index(volume, image.shape[3:]) if image.ndim > 3 else ()
    plane = apply_orientation(np.asanyarray(image.dataobj[(*window, *further)]), orientation)
    return _gray(plane[::-1, ::-1, 0].T), _spacing(image, orientation)


def _volume(data: bytes, limits: Limits) -> nib.Nifti1Image:
    kind = nib.Nifti2Image if data[4:7] in (b"n+2", b"ni2") else nib.Nifti1Image
    if b"ni" in (data[344:346], data[4:6]):
        raise ScanError(Reason.UNSUPPORTED_ENCODING, "a NIfTI header without its pixels; send a single .nii file")
    image: nib.Nifti1Image = kind.from_stream(io.BytesIO(data))
    if image.ndim < 3 or image.get_data_dtype().kind not in "iuf":
        raise ScanError(Reason.UNSUPPORTED_ENCODING, "NIfTI is read as gray volumes; send one volume of scalars")
    if math.prod(sorted(image.shape[:3])[1:]) > limits.pixels:
        raise ScanError(Reason.TOO_MANY_PIXELS, "rows x columns exceed the limit; downsample the volume")
    return image


def _axial(image: nib.Nifti1Image) -> tuple[int, npt.NDArray[np.float64]]:
    """The axis of the file that runs foot to head, and how the three axes map to right, front and head."""
    orientation = io_orientation(image.affine)
    if not np.isfinite(orientation).all():
        raise ScanError(Reason.UNREADABLE, "the NIfTI header gives no orientation; convert the series again")
    return int(np.flatnonzero(orientation[:, 0] == 2)[0]), orientation


def _spacing(image: nib.Nifti1Image, orientation: npt.NDArray[np.float64]) -> tuple[float, float] | None:
    """NIfTI calls its units millimetres unless it says otherwise."""
    scale = {"meter": 1000.0, "micron": 0.001}.get(image.header.get_xyzt_units()[0], 1.0)
    zooms = dict(zip(orientation[:, 0].astype(int), image.header.get_zooms()[:3], strict=True))
    row, column = float(zooms[1]) * scale, float(zooms[0]) * scale
    return (row, column) if 0 < row < math.inf and 0 < column < math.inf else None


def _gray(plane: npt.NDArray[Any]) -> Pixels:
    kept = np.ascontiguousarray(plane)
    return kept if kept.dtype in (np.uint8, np.uint16) else kept.astype(np.float32)
