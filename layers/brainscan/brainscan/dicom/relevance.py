"""Which DICOM images are for a network that knows brain MR, which are not, and which are hard to tell."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Final

from pydicom import Dataset
from pydicom.uid import UID

from brainscan.dicom.body_parts import BodyPart, coded_derivation, coded_region, named_part
from brainscan.dicom.derived import mentions_map, mentions_no_anatomy, mentions_phase
from brainscan.dicom.geometry import macro
from brainscan.dicom.values import items, private_integer, text, texts
from brainscan.domain import RESEARCH_USE_STATEMENT, Reason


def _terms(listed: str) -> frozenset[str]:
    """Words apart, or parts of a comma-separated line."""
    return frozenset(term.strip() for term in re.split(r",|\n" if "," in listed else r"\s+", listed) if term.strip())


_OTHER_MODALITIES: Final = _terms("""
    AR AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DX ECG EPS ES FID GM HC HD IO IVOCT IVUS KER KO LEN LS MG NM OAM OCT
    OP OPM OPR OPT OPTBSV OPTENF OPV OSS PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTPLAN RTRECORD RTSTRUCT SEG
    SM SMR SR SRF STAIN TG US VA XA XAPROTOCOL XC
""")
"""PS3.3 C.7.3.1.1.1 without MR, and without OT and DOC, which say nothing of where an image came from."""

_LOCALIZERS: Final = frozenset({"LOCALIZER", "SCOUT", "SURVEY"})
_PHASES: Final = frozenset({"P", "PHASE", "PHASE SUBTRACT", "IMAGINARY", "IMAG", "I", "Q"})
_REAL: Final = frozenset({"R", "REAL"})
"""The real part has signed values: inversion recovery is read by it, other sequences are not."""
RAW_DATA_TYPE: Final = ("GEMS_PARM_01", 0x0043, 0x2F)
_PARTS: Final = {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}
"""What GE writes into an element of its own alone (0 is magnitude): ImageType says OTHER."""
_MAPS: Final = _terms("""
    DENSITY MAP, DIFFUSION MAP, VELOCITY MAP, T1 MAP, T2 MAP, PROJECTION IMAGE,
    METABOLITE_MAP, STD_DEVIATION, T_TEST, Z_SCORE, MTT, RCBF, RCBV, TTP, PEI, VELOCITY,
    MAX_IP, MIN_IP, VOLUME_RENDER, SURFACE_RENDER, CURVED_MPR, EXP,
    AD, APT, AUC, B1, DELTA, FF, FUSED, FUSION, K1, K2, LABEL, MASK, MD, OVERLAY, PERCENT, PROBABILITY, R1, R2, RD, RGB,
    SEGMENTATION, STATISTICS, T0, VE, VP, VR
""")
"""By line: PS3.3 C.8.3.1.1.1, value 3 of classic MR; C.8.13.3.1.1, of enhanced MR; C.8.16.2.1.3, techniques of
calculation; and short ones that scanners and workstations write. Their longer ones are in words of `derived`."""
_SCREENS: Final = re.compile(r"SCREEN|CAPTURE|DIGITI[SZ]ED|^SC$|PASTED|SNAPSHOT")
"""Types of what was taken from a screen or a film, in whatever class it is stored."""
_SAID_OF_SCREENS: Final = re.compile(r"SCREEN[ _-]?(SAVE|SHOT|CAPTURE|GRAB)|SECONDARY[ _-]?CAPTURE|DIGITI[SZ]ED FILM")
"""The same in words."""
CAPTURED: Final = ("ConversionType", "DateOfSecondaryCapture", "SecondaryCaptureDeviceManufacturer")
"""Attributes of secondary captures, in whatever class they are stored."""

OF_SERIES: Final = ("SeriesDescription", "ProtocolName", "AcquisitionProtocolName")
OF_STUDY: Final = ("StudyDescription", "RequestedProcedureDescription", "PerformedProcedureStepDescription")
DESCRIPTIONS: Final = (*OF_STUDY, *OF_SERIES)
CODED: Final = ("ProcedureCodeSequence", "RequestedProcedureCodeSequence", "PerformedProtocolCodeSequence")
"""Of the study, too, by CodeMeaning."""
REQUESTED: Final = ("RequestedProcedureDescription", "ScheduledProcedureStepDescription")
"""The same, within RequestAttributesSequence."""
CODED_REQUESTS: Final = ("RequestedProcedureCodeSequence", "ScheduledProtocolCodeSequence")
"""Also within it, by CodeMeaning."""
REGIONS: Final = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")
"""Codes of what is in the picture."""
QUANTITY: Final = ("LUTLabel", "LUTExplanation")
"""What values mean, within RealWorldValueMappingSequence (PS3.3 C.7.6.16.2.11)."""
_DERIVED: Final = "DerivationImageSequence"
"""The functional group that says how a frame was derived (PS3.3 C.7.6.16.2.6)."""
_CLASSES: Final = {
    "CT ": "CT",
    "Enhanced CT": "CT",
    "Positron": "PT",
    "Enhanced PET": "PT",
    "Nuclear": "NM",
    "Ultrasound": "US",
    "Computed Radiography": "CR",
    "Digital": "DX",
    "X-Ray": "XA",
    "Enhanced XA": "XA",
    "Enhanced XRF": "RF",
    "VL ": "XC",
    "RT ": "RTIMAGE",
    "Ophthalmic": "OP",
}
"""How names of classes of other modalities begin, and what Modality calls them."""
_COMPUTED: Final = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.30")
"""Segmentations, label maps and parametric maps: no pictures, whatever Modality calls them."""
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
"""The class, and the prefix of its multi-frame relatives."""
_OURS: Final = "BRAINSCAN"
_ORDER: Final = {reason: place for place, reason in enumerate(Reason)}
"""In which flags are listed."""


@dataclass(frozen=True)
class Relevance:
    """`skip` says why an image is not analyzed; `flags`, what a reader should check in one that is."""

    skip: Reason | None = None
    flags: tuple[Reason, ...] = ()


def may_show_a_name(dataset: Dataset) -> bool:
    """Whether text may be part of the picture: it does not say no, or it was taken from a screen or a film."""
    burned = text(dataset, "BurnedInAnnotation").upper()
    captured = text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE) or any(map(partial(text, dataset), CAPTURED))
    screened = any(_SCREENS.search(kind) for kind in _words(dataset, "ImageType"))
    said = " ".join(text(dataset, keyword) for keyword in ("SeriesDescription", "DerivationDescription"))
    return burned not in {"", "NO", "N"} or captured or screened or bool(_SAID_OF_SCREENS.search(said.upper()))


def relevances(dataset: Dataset, frames: int) -> tuple[Relevance, ...]:
    """Judge each frame by what the header states of it; what is not stated is not held against it.

    Image type, complex component, modality and body part decide where they use the standard's terms, and so does a
    derivation that says what it made. Derived images of no known kind, unknown modalities and body parts, descriptions
    that hint at a localizer or a map, or that name another part of the body, only flag.
    """
    skip, doubts = _of_object(dataset)
    whole, coloured = _derivation(dataset), not _is_gray(dataset)

    @cache
    def judged(kinds: frozenset[str], derivation: str, parts: tuple[str, ...]) -> Relevance:
        named = {named_part(part) for part in parts}
        reason = skip or _not_anatomy(kinds) or (Reason.DERIVED_MAP if mentions_map(derivation) else None)
        if reason or (BodyPart.ELSEWHERE in named and BodyPart.HEAD not in named):
            return Relevance(reason or Reason.OTHER_BODY_PART)
        unclear = {Reason.UNCLEAR_CONTENT} if coloured or kinds & ({"DERIVED", "MIXED"} | _REAL) else set()
        if named == {BodyPart.UNNAMED} or BodyPart.ELSEWHERE in named:
            unclear |= {Reason.UNCLEAR_BODY_PART}
        return Relevance(flags=tuple(sorted(doubts | unclear, key=_ORDER.__getitem__)))

    return tuple(
        judged(
            _kinds(dataset, frame), whole or _derivation(macro(dataset, frame, _DERIVED)), _body_parts(dataset, frame)
        )
        for frame in range(frames)
    )


def _of_object(dataset: Dataset) -> tuple[Reason | None, frozenset[Reason]]:
    """What holds for all frames: why none is analyzed, or what to check in each."""
    modality, of_class = _modality(dataset), _class_name(dataset)
    if _is_own_report(dataset):
        return Reason.OWN_REPORT, frozenset()
    if modality in _OTHER_MODALITIES:
        return Reason.OTHER_MODALITY, frozenset()
    if text(dataset, "SOPClassUID").startswith(_COMPUTED):
        return Reason.DERIVED_MAP, frozenset()
    doubts = {
        Reason.BURNED_IN_TEXT: may_show_a_name(dataset),
        Reason.UNCLEAR_MODALITY: modality != "MR" or of_class.startswith(tuple(_CLASSES)),
        Reason.UNCLEAR_CONTENT: _says_no_anatomy(dataset),
        Reason.UNCLEAR_BODY_PART: _described_part(dataset) is BodyPart.ELSEWHERE,
    }
    return None, frozenset(reason for reason, doubted in doubts.items() if doubted)


def _modality(dataset: Dataset) -> str:
    """As it is stated; where that says nothing, by the class of the object."""
    stated = text(dataset, "Modality").upper()
    if stated == "MR" or stated in _OTHER_MODALITIES:
        return stated
    of_class = _class_name(dataset)
    return next((code for words, code in _CLASSES.items() if of_class.startswith(words)), stated)


def _class_name(dataset: Dataset) -> str:
    return _uid_name(text(dataset, "SOPClassUID"))


@lru_cache(maxsize=64)
def _uid_name(uid: str) -> str:
    return UID(uid).name


def _says_no_anatomy(dataset: Dataset) -> bool:
    """Whether the object hints that it shows none: by free text, or by a type that frames of it contradict."""
    of_type = _not_anatomy(_words(dataset, "ImageType"))
    return any(map(mentions_no_anatomy, _of_content(dataset))) or of_type in {Reason.LOCALIZER, Reason.DERIVED_MAP}


def _of_content(dataset: Dataset) -> list[str]:
    """Free text that may say what kind of picture it is."""
    mappings = items(dataset, "RealWorldValueMappingSequence")
    quantities = [text(mapping, keyword) for mapping in mappings for keyword in QUANTITY]
    return [*(text(dataset, keyword) for keyword in (*OF_SERIES, "ImageComments")), *quantities]


def _described_part(dataset: Dataset) -> BodyPart:
    """The part that descriptions name: that of the series, if they name one, or that of the study."""
    of_series = named_part(*(text(dataset, keyword) for keyword in OF_SERIES))
    if of_series is not BodyPart.UNNAMED:
        return of_series
    of_study = [text(dataset, keyword) for keyword in OF_STUDY]
    of_study += [text(code, "CodeMeaning") for keyword in CODED for code in items(dataset, keyword)]
    requests = items(dataset, "RequestAttributesSequence")
    of_study += [text(request, keyword) for request in requests for keyword in REQUESTED]
    coded = [code for request in requests for keyword in CODED_REQUESTS for code in items(request, keyword)]
    of_study += [text(code, "CodeMeaning") for code in coded]
    return named_part(*of_study)


def _is_gray(dataset: Dataset) -> bool:
    """Pictures of anatomy by MR are; those of one class alone may be of a screen, which is another doubt."""
    of_screen = text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE)
    return of_screen or text(dataset, "PhotometricInterpretation").startswith("MONOCHROME")


def _not_anatomy(kinds: frozenset[str]) -> Reason | None:
    if kinds & _LOCALIZERS:
        return Reason.LOCALIZER
    if kinds & _PHASES or any(map(mentions_phase, kinds)):
        return Reason.PHASE_IMAGE
    return Reason.DERIVED_MAP if kinds & _MAPS or any(map(mentions_map, kinds)) else None


def _is_own_report(dataset: Dataset) -> bool:
    """Whether an image is one that brainscan sent: a PACS exports it with the study that it belongs to."""
    maker = {text(dataset, keyword).upper() for keyword in ("Manufacturer", "ManufacturerModelName")}
    made = _OURS in maker and "DERIVED" in _words(dataset, "ImageType")  # a phantom of ours is an original
    named = text(dataset, "SeriesDescription").upper().startswith(f"{_OURS} ")
    return made or named or RESEARCH_USE_STATEMENT in text(dataset, "ImageComments")


def _kinds(dataset: Dataset, frame: int) -> frozenset[str]:
    """The type of a frame and its complex component, in capitals: its own where it states them, or the object's."""
    stated = macro(dataset, frame, "MRImageFrameTypeSequence")
    kinds = _words(stated, "FrameType") or _words(dataset, "ImageType")
    for keyword in ("ComplexImageComponent", "VolumeBasedCalculationTechnique"):
        kinds |= _words(stated, keyword) or _words(dataset, keyword)
    if text(dataset, "Manufacturer").upper().startswith("GE"):
        part = _PARTS.get(private_integer(dataset, *RAW_DATA_TYPE) or 0)
        kinds |= {part} if part else set()
    return kinds


def _words(dataset: Dataset, keyword: str) -> frozenset[str]:
    return frozenset(word.upper() for word in texts(dataset, keyword) if word)


def _derivation(dataset: Dataset) -> str:
    coded = [coded_derivation(code) for code in items(dataset, "DerivationCodeSequence")]
    return " ".join((text(dataset, "DerivationDescription"), *coded))


def _body_parts(dataset: Dataset, frame: int) -> tuple[str, ...]:
    """The body part as it is stated, and as it is coded: in enhanced objects for each frame."""
    anatomy = macro(dataset, frame, "FrameAnatomySequence")
    regions = [(items(dataset, keyword) or items(anatomy, keyword))[:1] for keyword in REGIONS]
    stated = [text(dataset, "BodyPartExamined"), *(coded_region(code) for found in regions for code in found)]
    return tuple(filter(None, stated))
