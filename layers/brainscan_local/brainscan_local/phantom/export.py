"""Phantoms as files: DICOM series, PNG slices, and the export of a hospital that scanned them."""

import io
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from brainscan_local.phantom.head import Phantom, head
from brainscan_local.phantom.lesions import GLIOMA, MENINGIOMA, PITUITARY, LesionSpec
from brainscan_local.phantom.media import medium

_PATIENTS: Final = (("ONE", GLIOMA), ("TWO", MENINGIOMA), ("THREE", PITUITARY))
_HEALTHY_SEED: Final = 4
_HEALTHY_SLICES: Final = 4
_README: Final = """Synthetic head phantoms, made by code. They show no person.
This file, the viewer and one cut-off PNG are here because real exports hold such things, too.
"""
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""An entry must state some time; this is the earliest that the format knows."""


def to_dicom(phantom: Phantom, patient: str = "ONE", *, localizer: bool = False) -> list[bytes]:
    """Write a phantom as one series of MR Image Storage objects, explicit VR little endian, from the bottom up.

    Args:
        phantom: what was scanned.
        patient: tells series apart; the patient is called PHANTOM^`patient`. UIDs derive from it and from the
            pixels, so that the same phantom gives the same bytes.
        localizer: whether the series calls itself one; it is another series of the same study.
    """
    origin = [patient, sha256(phantom.volume.tobytes()).hexdigest()]
    common = _common_elements(phantom, patient, origin)
    if localizer:
        origin = [*origin, "localizer"]
        common.ImageType, common.SeriesDescription = ["ORIGINAL", "PRIMARY", "LOCALIZER"], "LOCALIZER"
        common.SeriesNumber, common.SeriesInstanceUID = 1, generate_uid(entropy_srcs=["series", *origin])
    return [
        _instance(phantom, common, index, generate_uid(entropy_srcs=[*origin, str(index)]))
        for index in range(len(phantom.volume))
    ]


def to_png(pixels: npt.NDArray[np.uint16]) -> bytes:
    """Write a slice (rows, columns) as 8-bit gray PNG, white at its 99.5th percentile."""
    white = max(float(np.percentile(pixels, 99.5)), 1.0)
    png = io.BytesIO()
    Image.fromarray(np.clip(pixels * (255 / white), 0, 255).astype(np.uint8)).save(png, "PNG")
    return png.getvalue()


def write_export(path: Path, size: int = 256, slices: int = 12) -> Path:
    """Write what a hospital might drop: a medium with its DICOMDIR, some PNGs, junk and a damaged image.

    Each of three patients has a localizer and the series of a head with a lesion.

    Args:
        path: a ZIP archive where it ends in `.zip`, else a folder; what it held of these files is overwritten.
        size: rows and columns of each slice.
        slices: of each patient's series.

    Returns:
        `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in _files(size, slices):
                archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), content, zipfile.ZIP_DEFLATED)
        return path
    for name, content in _files(size, slices):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def _files(size: int, slices: int) -> Iterator[tuple[str, bytes]]:
    """Path in the export and content of each file."""
    patients = enumerate(_PATIENTS, start=1)
    yield from medium(content for seed, patient in patients for content in _study(seed, *patient, size, slices))
    healthy = head(_HEALTHY_SEED, None, size, _HEALTHY_SLICES, contrast=False)
    pngs = [to_png(pixels) for pixels in healthy.volume]
    for index, content in enumerate(pngs, start=1):
        yield f"PNG/healthy-{index}.png", content
    yield "PNG/cut-off.png", pngs[0][: len(pngs[0]) // 2]
    yield "AUTORUN.INF", b"[autorun]\r\nopen=VIEWER.EXE\r\n"
    yield "VIEWER.EXE", b"MZ" + bytes(62)
    yield "__MACOSX/._DICOMDIR", bytes(8)
    yield "README.txt", _README.encode()


def _study(seed: int, patient: str, lesion: LesionSpec, size: int, slices: int) -> list[bytes]:
    """A localizer of one slice, and the series of the head."""
    phantom = head(seed, lesion, size, slices)
    return [to_dicom(phantom, patient, localizer=True)[slices // 2], *to_dicom(phantom, patient)]


def _common_elements(phantom: Phantom, patient: str, origin: list[str]) -> Dataset:
    """What all instances of a series state alike."""
    common = Dataset()
    common.SOPClassUID = MRImageStorage
    common.ImageType = ["ORIGINAL", "PRIMARY", "M", "SE"]
    common.StudyDate = common.SeriesDate = common.AcquisitionDate = "20200102"
    common.StudyTime = common.SeriesTime = "101112"
    common.PatientName, common.PatientID = f"PHANTOM^{patient}", f"PHANTOM-{patient}"
    common.PatientBirthDate, common.PatientSex, common.PatientPosition = "19600102", "O", "HFS"
    common.AccessionNumber = f"ACC-{patient}"
    common.StudyID, common.SeriesNumber = "1", 2
    common.StudyInstanceUID, common.SeriesInstanceUID, common.FrameOfReferenceUID = (
        generate_uid(entropy_srcs=[level, *origin]) for level in ("study", "series", "frame of reference")
    )
    common.PositionReferenceIndicator = ""
    common.ReferringPhysicianName = ""
    common.Modality, common.BodyPartExamined = "MR", "HEAD"
    common.Manufacturer, common.ManufacturerModelName = "brainscan", "phantom"
    common.StudyDescription, common.SeriesDescription = "MR HEAD", "T1 SE TRA"
    if phantom.contrast:
        common.SeriesDescription, common.ContrastBolusAgent = "T1 SE TRA CONTRAST", "GADOLINIUM"
    common.ScanningSequence, common.SequenceVariant, common.ScanOptions = "SE", "SK", ""
    common.MRAcquisitionType, common.EchoTrainLength = "2D", 1
    common.RepetitionTime, common.EchoTime, common.MagneticFieldStrength = 550, 9, 3
    slice_mm, row_mm, column_mm = phantom.spacing_mm
    common.PixelSpacing = [f"{row_mm:.6f}", f"{column_mm:.6f}"]
    common.SliceThickness, common.SpacingBetweenSlices = "5", f"{slice_mm:.6f}"
    common.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    common.SamplesPerPixel, common.PhotometricInterpretation = 1, "MONOCHROME2"
    common.Rows, common.Columns = phantom.volume.shape[1:]
    common.BitsAllocated, common.BitsStored, common.HighBit, common.PixelRepresentation = 16, 12, 11, 0
    white = int(np.percentile(phantom.volume, 99.5))
    common.WindowCenter, common.WindowWidth = white // 2, white
    return common


def _instance(phantom: Phantom, common: Dataset, index: int, uid: str) -> bytes:
    """One slice as a DICOM file."""
    pixels = phantom.volume[index]
    slice_mm, row_mm, column_mm = phantom.spacing_mm
    height = phantom.bottom_mm + index * slice_mm
    instance = Dataset()
    instance.update(common)
    instance.SOPInstanceUID, instance.InstanceNumber = uid, index + 1
    corner = (-(pixels.shape[1] - 1) / 2 * column_mm, -(pixels.shape[0] - 1) / 2 * row_mm, height)
    instance.ImagePositionPatient = [f"{millimetres:.6f}" for millimetres in corner]
    instance.SliceLocation = f"{height:.6f}"
    instance.PixelData = pixels.astype("<u2").tobytes()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    instance.save_as(file, enforce_file_format=True)
    return file.getvalue()
