"""The few header fields that place an instance in its series, study and patient."""

import io
from dataclasses import dataclass

import pydicom
from pydicom.errors import InvalidDicomError

from brainscan.domain import Reason, ScanError

TAGS = ["StudyInstanceUID", "SeriesInstanceUID", "PatientID", "IssuerOfPatientID", "InstanceNumber"]


@dataclass(frozen=True, repr=False)
class Header:
    """Identifiers in clear: hash them before they go anywhere."""

    study_uid: str
    series_uid: str
    patient_id: str
    patient_id_issuer: str
    instance_number: int


def read_header(data: bytes) -> Header:
    """Read the identifying fields of a DICOM file; those that are absent are empty.

    Raises:
        ScanError: the header cannot be read.
    """
    try:
        found = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=list(TAGS), force=True)
        texts = [str(found.get(tag) or "").strip() for tag in TAGS]
    except (
        InvalidDicomError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OSError,
        EOFError,
        NotImplementedError,
    ):
        raise ScanError(Reason.UNREADABLE, "the DICOM header is damaged; export the instance again") from None
    study, series, patient, issuer, number = texts
    return Header(study, series, patient, issuer, int(number) if number.isascii() and number.isdigit() else 0)
