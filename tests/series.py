"""A small MR series in headers and pixels, with a round tumor on some of its slices."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from highdicom.legacy import LegacyConvertedEnhancedMRImage
from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from brainscan.domain import Kind, Measurements, Outcome, ScanRecord, TumorClass
from brainscan.imaging.mask import Mask
from brainscan.imaging.measure import measure
from tests.making import NOON, a_record

ROWS, COLUMNS = 48, 64
SPACING = (1.5, 1.25)
NAME, PATIENT_ID, ACCESSION = "Canary^Jürgen", "PID-CANARY-77", "ACC-CANARY"
STUDY_UID, SERIES_UID, FRAME_OF_REFERENCE = "1.2.3.4.1", "1.2.3.4.1.1", "1.2.3.4.1.9"
TRANSVERSE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


def mr_slice(number: int, position: Sequence[float] | np.ndarray, orientation: Sequence[float] = TRANSVERSE) -> Dataset:
    """One classic MR image, `number` from 1."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = MRImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = UID(f"{SERIES_UID}.{number}")
    image.SpecificCharacterSet = "ISO_IR 100"
    image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = NAME, PATIENT_ID, "19530405", "M"
    image.StudyInstanceUID, image.SeriesInstanceUID = STUDY_UID, SERIES_UID
    image.StudyID, image.AccessionNumber, image.ReferringPhysicianName = "S1", ACCESSION, "Doctor^Canary"
    image.StudyDate = image.SeriesDate = image.ContentDate = image.AcquisitionDate = "20200102"
    image.StudyTime = image.SeriesTime = image.ContentTime = image.AcquisitionTime = "101112"
    image.Modality, image.SeriesNumber, image.InstanceNumber = "MR", 3, number
    image.Manufacturer, image.FrameOfReferenceUID, image.PositionReferenceIndicator = "Maker", FRAME_OF_REFERENCE, ""
    image.ImageType, image.ImageOrientationPatient = ["ORIGINAL", "PRIMARY", "M"], list(orientation)
    image.ImagePositionPatient = [float(value) for value in position]
    image.PixelSpacing, image.SliceThickness, image.PatientPosition = list(SPACING), 2.0, "HFS"
    image.ScanningSequence, image.SequenceVariant, image.ScanOptions, image.MRAcquisitionType = "SE", "NONE", "", "2D"
    image.EchoTime, image.RepetitionTime, image.EchoTrainLength, image.MagneticFieldStrength = 10, 500, 1, 1.5
    image.Rows, image.Columns, image.SamplesPerPixel = ROWS, COLUMNS, 1
    image.PhotometricInterpretation, image.PixelRepresentation = "MONOCHROME2", 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    pixels = np.random.default_rng(number).integers(0, 900, (ROWS, COLUMNS)).astype(np.uint16)
    image.PixelData = pixels.tobytes()
    return image


def mr_series(
    count: int = 6, distance: float = 3.0, orientation: Sequence[float] = TRANSVERSE, **changes: Any
) -> list[Dataset]:
    """Parallel slices along their normal; `changes` are attributes of all of them."""
    normal = np.cross(orientation[:3], orientation[3:])
    slices = [
        mr_slice(n + 1, np.array([-30.0, -40.0, 10.0]) + n * distance * normal, orientation) for n in range(count)
    ]
    for each in slices:
        for keyword, value in changes.items():
            setattr(each, keyword, value)
    return slices


def enhanced(slices: Sequence[Dataset]) -> Dataset:
    """The same slices as frames of one multi-frame object."""
    return dcmread(io.BytesIO(file_bytes(_converted(slices))))


def _converted(slices: Sequence[Dataset]) -> Dataset:
    return LegacyConvertedEnhancedMRImage(
        legacy_datasets=list(slices),
        series_instance_uid=SERIES_UID + ".7",
        series_number=7,
        sop_instance_uid=SERIES_UID + ".7.1",
        instance_number=1,
    )


def file_bytes(image: Dataset) -> bytes:
    """A DICOM file."""
    out = io.BytesIO()
    image.save_as(out, enforce_file_format=True)
    return out.getvalue()


def disc(radius: float, row: float = 20, column: float = 30) -> Mask:
    """A round mask on the slices' own grid."""
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    return np.asarray(np.hypot(rows - row, columns - column) <= radius)


def tumor(mask: Mask) -> Measurements | None:
    return measure(mask, SPACING)


def answered(
    number: int,
    predicted: TumorClass = TumorClass.NO_TUMOR,
    mask: Mask | None = None,
    confidence: float = 0.9,
    **changes: Any,
) -> ScanRecord:
    """An analyzed slice of the series."""
    rest = (1 - confidence) / 3
    fields: dict[str, Any] = {
        "kind": Kind.DICOM,
        "series_id": "5" * 32,
        "study_id": "6" * 32,
        "patient_id": "7" * 32,
        "order": number,
        "outcome": Outcome.ANALYZED,
        "predicted": predicted,
        "probabilities": {each: confidence if each is predicted else rest for each in TumorClass},
        "confidence": confidence,
        "tumor": None if mask is None else tumor(mask),
        "rows": ROWS,
        "columns": COLUMNS,
        "spacing_mm": SPACING,
        "model_id": "f" * 64,
        "finished_at": NOON,
    }
    return a_record(number, **fields | changes)
