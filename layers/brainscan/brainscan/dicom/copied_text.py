"""Text of a source image that goes into answers, within what its VR allows: a PACS refuses an object for less."""

from typing import Final

from pydicom import Dataset
from pydicom.config import RAISE
from pydicom.valuerep import validate_value

from brainscan.dicom.values import SEPARATOR, tag_and_vr, text

PATIENT_AND_STUDY: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""What answers repeat of the patient and the study that they belong to."""
EQUIPMENT: Final = (
    "Manufacturer",
    "ManufacturerModelName",
    "InstitutionName",
    "StationName",
    "DeviceSerialNumber",
    "SoftwareVersions",
)
"""What answers repeat of the scanner, as contributing equipment."""

_LONGEST: Final = {"SH": 16, "LO": 64, "PN": 64}
"""Characters of a value; of a name, of each of its component groups (PS3.5 6.2)."""
_IDENTIFIERS: Final = ("PatientID", "IssuerOfPatientID", "StudyID", "AccessionNumber", "DeviceSerialNumber")
"""Half of an identifier is another identifier: one that is too long is left out, where a description is cut short."""
_FIXED_FORMS: Final = ("AS", "CS", "DA", "DT", "TM")
_SEXES: Final = ("M", "F", "O")


def copied_text(dataset: Dataset, keyword: str) -> str:
    """The value of one attribute as an answer may carry it; empty where it cannot."""
    value = text(dataset, keyword)
    if not value:
        return ""
    _, vr = tag_and_vr(keyword)
    if not value.isprintable():
        value = "".join(each if each.isprintable() else " " for each in value)
    value = value.replace(SEPARATOR, " ")
    if vr in _FIXED_FORMS:
        allowed = _is_valid(vr, value) and (keyword != "PatientSex" or value in _SEXES)
        return value if allowed else ""
    groups = value.split("=")[:3] if vr == "PN" else [value]
    longest = _LONGEST[vr]
    if keyword in _IDENTIFIERS and len(value) > longest:
        return ""
    return "=".join(group[:longest].strip() for group in groups)


def _is_valid(vr: str, value: str) -> bool:
    try:
        validate_value(vr, value, RAISE)
    except ValueError:
        return False
    return True
