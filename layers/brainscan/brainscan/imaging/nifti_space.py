"""Slices of a NIfTI volume in the patient's space, and masks of slices as one volume on the file's own grid."""

import gzip
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.orientations import apply_orientation, inv_ornt_aff, ornt_transform

from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.imaging.nifti import Stack, millimetres, stack_of, volume_in
from brainscan.settings import Limits

RAS: Final = np.array([[0, 1], [1, 1], [2, 1]], np.float64)
"""The orientation of a volume whose axes run to the right, the front and the head."""

Corner = tuple[tuple[float, ...], tuple[float, ...]]
"""Centre of the first pixel (3,) in mm, and directions of rows and columns (6,); in DICOM's coordinates (LPS)."""


@dataclass(frozen=True, repr=False)
class Space:
    """How a NIfTI file's volume lies in the patient: its shape, affine, and the header that states them."""

    shape: tuple[int, ...]
    affine: npt.NDArray[np.float64]
    header: Any
    stack: Stack

    @cached_property
    def corners(self) -> list[Corner]:
        """Where each slice lies, in the order and on the rows and columns of `imaging.nifti.read_slice`."""
        turned, normal = self._turned_shape, self.stack.normal
        affine = self.affine @ inv_ornt_aff(self.stack.orientation, self.shape[:3])
        affine[:3] *= millimetres(self.header)
        affine[:2] *= -1  # NIfTI's coordinates grow to the right and front, DICOM's to the left and back
        directions = [-affine[:3, axis] / np.linalg.norm(affine[:3, axis]) for axis in self.stack.in_plane]
        orientation = tuple(float(each) for direction in directions for each in direction)
        first = np.array([*(length - 1 for length in turned), 1.0])
        corners: list[Corner] = []
        for place in range(turned[normal]):
            first[normal] = place
            corners.append((tuple(map(float, (affine @ first)[:3])), orientation))
        return corners * math.prod(self.shape[3:])

    def mask_volume(self, masks: Mapping[int, npt.NDArray[np.bool_]]) -> bytes:
        """The masks of slices as one volume of the same shape and affine, 1 on tumor.

        Args:
            masks: (rows, columns) by the slice's number in the file; a slice without one is empty.

        Returns:
            NIfTI-1, gzipped; the same masks give the same bytes.
        """
        turned = np.zeros((*self._turned_shape, math.prod(self.shape[3:])), np.uint8)
        for index, mask in masks.items():
            volume, place = divmod(index, self._turned_shape[self.stack.normal])
            at: list[slice | int] = [slice(None)] * 3
            at[self.stack.normal] = place
            turned[(*at, volume)] = mask.T[::-1, ::-1]
        back = apply_orientation(turned, ornt_transform(RAS, self.stack.orientation))
        return _encoded(np.asarray(back).reshape(self.shape), self.affine, self.header)

    @property
    def _turned_shape(self) -> tuple[int, int, int]:
        """Voxels along right, front and head."""
        lengths = dict(zip(self.stack.orientation[:, 0].astype(int), self.shape[:3], strict=True))
        return lengths[0], lengths[1], lengths[2]


def space_of(data: bytes, limits: Limits) -> Space:
    """The space of a NIfTI file.

    Raises:
        ScanError: as `imaging.nifti.read_slice`.
    """
    image = volume_in(data, limits)
    return Space(tuple(image.shape), image.affine, image.header, stack_of(image))


def _encoded(volume: npt.NDArray[np.uint8], affine: npt.NDArray[np.float64], header: Any) -> bytes:
    """Of the source's header no more than its space: free text may name the patient."""
    made = nib.Nifti1Image(volume, affine)
    qform, qform_code = header.get_qform(coded=True)
    sform, sform_code = header.get_sform(coded=True)
    made.set_qform(qform, int(qform_code), update_affine=False)
    made.set_sform(sform, int(sform_code), update_affine=False)
    made.header.set_xyzt_units(*header.get_xyzt_units())
    made.header.set_zooms(header.get_zooms()[: volume.ndim])
    made.header["descrip"] = RESEARCH_USE_STATEMENT.encode()
    return gzip.compress(made.to_bytes(), 6, mtime=0)
