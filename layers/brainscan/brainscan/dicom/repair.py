"""The elements of an image that others read, brought to the form that the standard gives them, or taken out.

Everything else in a header is left unread: a malformed element that nobody needs costs nobody an answer.
"""

import re
import struct
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

from brainscan.dicom.values import US_BYTES, is_uid, number, numbers, parsed, text, texts

SPACINGS: Final = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
"""In the order of trust: in the patient, at the detector, on the scanned film."""
DECIMALS: Final = (
    *SPACINGS,
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
    "SpacingBetweenSlices",
)
INTEGERS: Final = (
    "NumberOfFrames",
    "InstanceNumber",
    "SeriesNumber",
    "SamplesPerPixel",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "PixelAspectRatio",
)
COUNTS_PIXELS: Final = ("NumberOfFrames", "Rows", "Columns")
"""Where one of these cannot be read it is left to fail: without it, frames would vanish."""
LEFT: Final = (*COUNTS_PIXELS, *SPACINGS)
"""These are not taken out: that a spacing was stated, if in no form that can be read, is a doubt about the picture."""
TEXTS: Final = (
    "ImageType",
    "FrameType",
    "ComplexImageComponent",
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "IssuerOfPatientID",
    "Modality",
    "PhotometricInterpretation",
    "VOILUTFunction",
)
SEQUENCES: Final = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ModalityLUTSequence",
    "VOILUTSequence",
)
NAMED_BY_META: Final = {
    "SOPClassUID": "MediaStorageSOPClassUID",
    "SOPInstanceUID": "MediaStorageSOPInstanceUID",
}
"""What a file's meta information repeats (PS3.10 7.1)."""


@dataclass(frozen=True)
class _Expected:
    """An element in the form of the standard; `kinds` of its values where they are numbers."""

    keyword: str
    tag: BaseTag
    vrs: tuple[str, ...]
    kinds: tuple[type, ...]

    @classmethod
    def of(cls, keyword: str, *kinds: type) -> "_Expected":
        """By the dictionary."""
        return cls(keyword, Tag(keyword), tuple(dictionary_VR(keyword).split(" or ")), kinds)


_EXPECTED: Final = {
    each.tag: each
    for each in (
        *(_Expected.of(keyword, int, float, Decimal) for keyword in DECIMALS),
        *(_Expected.of(keyword, int) for keyword in INTEGERS),
        *(_Expected.of(keyword) for keyword in (*TEXTS, *SEQUENCES)),
    )
}
_DECIMAL: Final = rb" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})? *"
_INTEGER: Final = rb" *[+-]?\d{1,9} *"
_FORMS: Final = {
    "CS": re.compile(rb"[ -~]+"),
    "DS": re.compile(rb"%b(?:\\%b)*" % (_DECIMAL, _DECIMAL)),
    "IS": re.compile(rb"%b(?:\\%b)*" % (_INTEGER, _INTEGER)),
    "LO": re.compile(rb"[ -~]+"),
    "UI": re.compile(rb"[0-9.\\]+[\0 ]?"),
}
"""What values of these VRs look like in most files: pydicom need not convert one to show that it can."""


def repair(dataset: Dataset) -> None:
    """Bring an object, or an item of one, to where reading one of these elements never raises, save those of `LEFT`."""
    known = [(element, _EXPECTED[element.tag]) for element in dataset.values() if element.tag in _EXPECTED]
    for element, expected in known:
        if _is_usual(element, expected) or _is_well_formed(dataset, expected):
            continue
        if expected.kinds:
            _rewrite(dataset, expected.keyword)
        else:
            _retype(dataset, expected)
    photometric = text(dataset, "PhotometricInterpretation")
    if photometric != photometric.upper():
        dataset.PhotometricInterpretation = photometric.upper()
    if photometric and "SamplesPerPixel" not in dataset and photometric.upper().startswith("MONOCHROME"):
        dataset.SamplesPerPixel = 1


def name_by_meta(dataset: Dataset, meta: Dataset) -> None:
    """Where an object does not say which instance it is, or not by a UID, its file's meta information does."""
    for keyword, repeated in NAMED_BY_META.items():
        if not is_uid(text(dataset, keyword)) and is_uid(known := text(meta, repeated)):
            setattr(dataset, keyword, known)


def _is_usual(element: DataElement | RawDataElement, expected: _Expected) -> bool:
    """Whether the bytes of a value show that `_is_well_formed` would find it so."""
    if not isinstance(element, RawDataElement) or element.value is None:
        return False
    vr = element.VR or (expected.vrs[0] if len(expected.vrs) == 1 else "")
    if vr not in expected.vrs:
        return False
    if vr == "US":
        return bool(element.value) and len(element.value) % US_BYTES == 0
    form = _FORMS.get(vr)
    return form is not None and form.fullmatch(element.value) is not None


def _is_well_formed(dataset: Dataset, expected: _Expected) -> bool:
    """Whether pydicom can convert the value, its VR is one of the dictionary's, and numbers are of their kind."""
    try:
        element = dataset[expected.tag]
        value = element.value
    except Exception:  # pydicom raises nearly anything on a value that is not what its VR says
        return False
    if isinstance(value, bytes) or element.VR not in expected.vrs:
        return False
    values = value if isinstance(value, list | MultiValue) else [value]
    return not expected.kinds or all(isinstance(each, expected.kinds) for each in values)


def _retype(dataset: Dataset, expected: _Expected) -> None:
    """The same text by the VR of the dictionary; a sequence that is none, and what holds no text, is taken out."""
    stated = [] if "SQ" in expected.vrs else [each for each in texts(dataset, expected.keyword) if each.isprintable()]
    del dataset[expected.tag]
    if any(stated):
        dataset.add_new(expected.tag, expected.vrs[0], stated if len(stated) > 1 else stated[0])


def _rewrite(dataset: Dataset, keyword: str) -> None:
    """The same numbers by the VR of the dictionary; an element that holds none is taken out."""
    vr = dictionary_VR(keyword).split(" or ")[0]
    value = parsed(dataset, keyword)
    found = _unpacked(dataset, value) if vr == "US" and isinstance(value, bytes) else numbers(dataset, keyword)
    if not found:
        if keyword not in LEFT or value is None:
            del dataset[keyword]
        return
    del dataset[keyword]
    if vr == "DS":
        dataset.add_new(keyword, vr, [f"{each:.10g}" for each in found])
    else:  # an integer with a fraction counts as the whole one before it
        whole = [int(each) for each in found]
        dataset.add_new(keyword, "SS" if vr == "US" and min(whole) < 0 else vr, whole)


def _unpacked(dataset: Dataset, value: bytes) -> tuple[int, ...] | None:
    """Integers of 16 bits, signed if the pixels are; None for bytes that are not whole ones."""
    if not value or len(value) % 2:
        return None
    little = dataset.original_encoding[1] is not False
    signed = number(dataset, "PixelRepresentation") == 1
    return struct.unpack(f"{'<' if little else '>'}{len(value) // 2}{'h' if signed else 'H'}", value)
