"""A large export to measure with: one ZIP of many series, whose slices are a synthetic head's."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import dcmread

from brainscan.dicom.header import Header
from brainscan.domain.traits import Traits
from brainscan_local.phantom import GLIOMA, head, to_dicom

SLICES_A_SERIES = 200
PLANES = 20
"""Different planes of the head; ten slices each, one behind the other, are the same plane with other noise."""

STUDY_UID, PATIENT_ID = "1.2.3.4", "PHANTOM-BULK"

JUNK_EVERY = 100
"""One file of junk for so many slices."""


def write_bulk(path: Path, slices: int, side: int) -> None:
    """Write series of slices that differ by UIDs, position and noise, deflated, and junk among them.

    Planes are made as DICOM once; slices are a plane's bytes with other values of the same length.

    Args:
        path: The ZIP to write.
        slices: How many, over all series.
        side: Rows and columns of each.
    """
    planes = [_template(data) for data in to_dicom(head(1, GLIOMA, side, PLANES))]
    noise = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(slices):
            series, place = divmod(number, SLICES_A_SERIES)
            header, pixels = planes[place * PLANES // SLICES_A_SERIES]
            header = header.replace(_uid("1", 0).encode(), series_uid(series).encode())
            header = header.replace(_uid("2", 0).encode(), _uid("2", number).encode())
            header = header.replace(b"0\\0\\0000.000", f"0\\0\\{place:08.3f}".encode())
            noisy = (pixels + noise.integers(0, 40, pixels.shape, "<u2")).tobytes()
            archive.writestr(f"IM{number:06d}", header + noisy)
            if number % JUNK_EVERY == 0:
                archive.writestr(f"JUNK{number:06d}.EXE", b"MZ")


def junk_of(slices: int) -> int:
    """Files of junk among so many slices."""
    return -(-slices // JUNK_EVERY)


def series_of(slices: int) -> Iterator[tuple[str, int]]:
    """SeriesInstanceUID and number of slices of each series of an export."""
    for number, first in enumerate(range(0, slices, SLICES_A_SERIES)):
        yield series_uid(number), min(SLICES_A_SERIES, slices - first)


def series_uid(number: int) -> str:
    """SeriesInstanceUID of a series, by its number from 0."""
    return _uid("1", number)


def header_of(series_uid: str) -> Header:
    """What intake reads of where the slices of a series belong."""
    return Header(STUDY_UID, series_uid, "", PATIENT_ID, "", "", "", (), (), (Traits(),))


def _template(data: bytes) -> tuple[bytes, npt.NDArray[np.uint16]]:
    """A plane's bytes before its pixels, with values to replace, and its pixels (rows, columns)."""
    dataset = dcmread(io.BytesIO(data))
    dataset.StudyInstanceUID, dataset.PatientID = STUDY_UID, PATIENT_ID
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = _uid("1", 0), _uid("2", 0)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ImagePositionPatient = ["0", "0", "0000.000"]
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue().removesuffix(dataset.PixelData), dataset.pixel_array


def _uid(kind: str, number: int) -> str:
    return f"2.25.{kind}{number:029d}"
