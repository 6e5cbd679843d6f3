"""The headers that answers are made from: a source image without its pixels, fit to be copied from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from highdicom import SpecificCharacterSetValues
from pydicom import DataElement, Dataset
from pydicom.config import RAISE
from pydicom.multival import MultiValue
from pydicom.uid import generate_uid
from pydicom.valuerep import validate_value

from brainscan.dicom.pixels import read_object
from brainscan.dicom.planes import plane_of
from brainscan.series.planes import Plane

_PIXELS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData", "IconImageSequence")
_MAY_BE_EMPTY: Final = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
"""Type 2 attributes of patient and study: every object has them, with or without a value."""
_CHECKED_VRS: Final = ("AS", "CS", "DA", "DT", "TM")
"""Kinds of text whose form the standard fixes, and which scanners and anonymizers get wrong."""
_UTF8: Final = "ISO_IR 192"
_SEXES: Final = ("M", "F", "O", "")


@dataclass(frozen=True, repr=False)
class SourceImage:
    """One analyzed slice: the header of its file, and its frame there, from 0; None in a classic object."""

    header: Dataset
    frame: int | None = None

    @property
    def plane(self) -> Plane | None:
        """Where it lies in the patient, if the header says."""
        return plane_of(self.header, self.frame)

    @property
    def frame_numbers(self) -> list[int] | None:
        """Its frame as DICOM refers to it, from 1; None in a classic object."""
        return [(self.frame or 0) + 1] if is_multiframe(self.header) else None


def read_source(data: bytes, max_bytes: int) -> Dataset:
    """Read the header of an image, patient and study attributes made whole.

    Identifiers stay as they are. An age, code, date or time against the standard is emptied, since an object with it
    would be refused; a frame of reference that anonymization took away is replaced by one for the series. Text keeps
    its character set where answers can be written in it.

    Raises:
        ScanError: the object holds no image.
        Exception: whatever pydicom raises on bytes that are not DICOM.
    """
    header = read_object(data, max_bytes)
    _make_text_writable(header)
    for keyword in _PIXELS:
        if keyword in header:
            del header[keyword]
    for element in list(header):
        if element.VR in _CHECKED_VRS and element.value and not _valid(element):
            del header[element.tag]
    for keyword in _MAY_BE_EMPTY:
        if keyword not in header:
            setattr(header, keyword, None)
    if header.PatientSex not in _SEXES:
        header.PatientSex = None
    if not header.get("FrameOfReferenceUID") and header.get("SeriesInstanceUID"):
        header.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame of reference", header.SeriesInstanceUID])
    return header


def _make_text_writable(header: Dataset) -> None:
    """Where the character set is not one that answers can be written in, their text will be UTF-8."""
    stated = header.get("SpecificCharacterSet")
    known = {each.value for each in SpecificCharacterSetValues}
    if stated and (not isinstance(stated, str) or stated not in known):
        header.decode()
        header.SpecificCharacterSet = _UTF8


def _valid(element: DataElement) -> bool:
    values = element.value if isinstance(element.value, MultiValue) else [element.value]
    try:
        for value in values:
            validate_value(element.VR, str(value), RAISE)
    except ValueError:
        return False
    return True


def is_multiframe(header: Dataset) -> bool:
    """Several frames in one object, whose places are in functional groups."""
    return "PerFrameFunctionalGroupsSequence" in header


def first_of_each_file(images: Sequence[SourceImage]) -> list[Dataset]:
    """The headers of the files that images are in, each once, in order."""
    return list({str(image.header.SOPInstanceUID): image.header for image in images}.values())
