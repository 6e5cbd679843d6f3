"""The headers that answers are made from: of a source image, what is fit to be copied, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from brainscan.dicom.characters import UTF8
from brainscan.dicom.copied_text import EQUIPMENT, PATIENT_AND_STUDY, copied_text
from brainscan.dicom.pixels import read_object
from brainscan.dicom.planes import plane_of
from brainscan.dicom.repair import repair
from brainscan.dicom.technique import copy_frame_technique, copy_technique
from brainscan.dicom.values import items, numbers, parsed, put_text, text, texts
from brainscan.series.planes import Plane

UIDS: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
COUNTS: Final = ("SeriesNumber", "InstanceNumber", "NumberOfFrames")
SIZES: Final = ("Rows", "Columns")
CODES: Final = ("Modality", "PositionReferenceIndicator", "LossyImageCompression")
GEOMETRY: Final = {
    "PixelSpacing": 2,
    "ImagerPixelSpacing": 2,
    "NominalScannedPixelSpacing": 2,
    "SliceThickness": 1,
    "SpacingBetweenSlices": 1,
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
}
"""Attributes of geometry, and how many numbers each has."""
FUNCTIONAL_GROUPS: Final = ("PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence")
"""Of a frame (PS3.3 C.7.6.16.2), those that say where it lies."""


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
    """Read of an image what answers repeat or derive, as a header that holds nothing else.

    Identifiers stay as they are; text is in UTF-8. What is against the standard in a way that would have an answer
    refused is emptied, see `copied_text`. A frame of reference that anonymization took away is replaced by one for the
    series.

    Raises:
        ScanError: the object holds no image.
        Exception: whatever pydicom raises on bytes that are not DICOM.
    """
    image = read_object(data, max_bytes)
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.SpecificCharacterSet = UTF8
    for keyword in (*PATIENT_AND_STUDY, *EQUIPMENT):
        put_text(header, keyword, copied_text(image, keyword))
    for keyword in (*UIDS, *CODES):
        if stated := text(image, keyword):
            put_text(header, keyword, stated)
    for keyword in COUNTS:
        if number := text(image, keyword):
            put_text(header, keyword, number)
    for keyword in SIZES:
        if (size := parsed(image, keyword)) is not None:
            setattr(header, keyword, size)
    put_text(header, "ImageType", *texts(image, "ImageType"))
    _copy_geometry(image, header)
    copy_technique(image, header)
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        if stated_groups := items(image, keyword):
            setattr(header, keyword, [_functional_groups(each) for each in stated_groups])
    if "FrameOfReferenceUID" not in header and "SeriesInstanceUID" in header:
        header.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame of reference", header.SeriesInstanceUID])
    return header


def _functional_groups(stated: Dataset) -> Dataset:
    groups = Dataset()
    for keyword in FUNCTIONAL_GROUPS:
        for item in items(stated, keyword)[:1]:
            repair(item)
            copied = Dataset()
            _copy_geometry(item, copied)
            setattr(groups, keyword, [copied])
    copy_frame_technique(stated, groups)
    return groups


def _copy_geometry(stated: Dataset, header: Dataset) -> None:
    for keyword, count in GEOMETRY.items():
        found = numbers(stated, keyword)
        if found is not None and len(found) == count:
            put_text(header, keyword, *texts(stated, keyword))


def is_multiframe(header: Dataset) -> bool:
    """Several frames in one object."""
    return "PerFrameFunctionalGroupsSequence" in header or (header.get("NumberOfFrames") or 1) > 1


def first_of_each_file(images: Sequence[SourceImage]) -> list[Dataset]:
    """The headers of the files that images are in, each once, in order."""
    return list({str(image.header.SOPInstanceUID): image.header for image in images}.values())
