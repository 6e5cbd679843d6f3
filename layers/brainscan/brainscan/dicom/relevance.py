"""Which DICOM images are for a network that knows brain MR, which are not, and which are hard to tell."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydicom import Dataset

from brainscan.dicom.body_parts import BodyPart, coded_derivation, coded_region, named_part
from brainscan.dicom.derived import names_map, names_no_anatomy
from brainscan.dicom.geometry import macro
from brainscan.dicom.values import items, text, texts
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
_PHASES: Final = frozenset({"P", "PHASE", "PHASE MAP", "PHASE_MAP", "PHASE SUBTRACT", "IMAGINARY", "I"})
_REAL: Final = frozenset({"R", "REAL"})
"""The real part has signed values: inversion recovery is read by it, other sequences are not."""
_MAPS: Final = _terms("""
    DENSITY MAP, DIFFUSION MAP, VELOCITY MAP, T1 MAP, T2 MAP, PROJECTION IMAGE,
    METABOLITE_MAP, STD_DEVIATION, T_TEST, Z_SCORE, MTT, RCBF, RCBV, TTP, PEI, VELOCITY,
    MAX_IP, MIN_IP, VOLUME_RENDER, SURFACE_RENDER, CURVED_MPR, EXP
""")
"""By line: PS3.3 C.8.3.1.1.1, value 3 of classic MR; C.8.13.3.1.1, of enhanced MR; C.8.16.2.1.3, techniques of
calculation. What scanners write besides is in words of `derived`."""

DESCRIPTIONS: Final = (
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
)
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
"""The class, and the prefix of its multi-frame relatives."""
_OURS: Final = "BRAINSCAN"


@dataclass(frozen=True)
class Relevance:
    """`skip` says why an image is not analyzed; `flags`, what a reader should check in one that is."""

    skip: Reason | None = None
    flags: tuple[Reason, ...] = ()


def may_show_a_name(dataset: Dataset) -> bool:
    """Whether text may be part of the picture: it says so, or it was taken from a screen, as secondary captures are."""
    burned = text(dataset, "BurnedInAnnotation").upper() == "YES"
    return burned or text(dataset, "SOPClassUID").startswith(_SECONDARY_CAPTURE)


def relevances(dataset: Dataset, frames: int) -> tuple[Relevance, ...]:
    """Judge each frame by what the header states of it; what is not stated is not held against it.

    Image type, complex component, modality and body part decide where they use the standard's terms, and so does a
    derivation that says what it made. Derived images of no known kind, unknown modalities and body parts, descriptions
    that hint at a localizer or a map, or that name another part of the body, only flag.
    """
    skip, doubts = _of_object(dataset)

    @cache
    def judged(kinds: frozenset[str]) -> Relevance:
        reason = skip or _not_anatomy(kinds)
        if reason:
            return Relevance(reason)
        unclear = {Reason.UNCLEAR_CONTENT} if kinds & ({"DERIVED", "MIXED"} | _REAL) else set()
        return Relevance(flags=tuple(sorted(doubts | unclear, key=list(Reason).index)))

    return tuple(judged(_kinds(dataset, frame)) for frame in range(frames))


def _of_object(dataset: Dataset) -> tuple[Reason | None, frozenset[Reason]]:
    """What holds for all frames: why none is analyzed, or what to check in each."""
    modality = text(dataset, "Modality").upper()
    part = _body_part(dataset)
    if _is_own_answer(dataset):
        return Reason.OWN_ANSWER, frozenset()
    if modality in _OTHER_MODALITIES:
        return Reason.OTHER_MODALITY, frozenset()
    if _LOCALIZERS & _words(dataset, "ImageType"):
        return Reason.LOCALIZER, frozenset()
    if names_map(_derivation(dataset)):
        return Reason.DERIVED_MAP, frozenset()
    if part and named_part(part) is BodyPart.ELSEWHERE:
        return Reason.OTHER_BODY_PART, frozenset()
    described = [text(dataset, keyword) for keyword in DESCRIPTIONS]
    doubts = {
        Reason.BURNED_IN_TEXT: may_show_a_name(dataset),
        Reason.UNCLEAR_MODALITY: modality != "MR",
        Reason.UNCLEAR_CONTENT: any(
            names_no_anatomy(text(dataset, keyword)) for keyword in ("SeriesDescription", "ProtocolName")
        ),
        Reason.UNCLEAR_BODY_PART: named_part(*described) is BodyPart.ELSEWHERE
        or (bool(part) and named_part(part) is BodyPart.UNNAMED),
    }
    return None, frozenset(reason for reason, doubted in doubts.items() if doubted)


def _not_anatomy(kinds: frozenset[str]) -> Reason | None:
    if kinds & _LOCALIZERS:
        return Reason.LOCALIZER
    if kinds & _PHASES:
        return Reason.PHASE_IMAGE
    return Reason.DERIVED_MAP if kinds & _MAPS or any(map(names_map, kinds)) else None


def _is_own_answer(dataset: Dataset) -> bool:
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
    return kinds


def _words(dataset: Dataset, keyword: str) -> frozenset[str]:
    return frozenset(word.upper() for word in texts(dataset, keyword) if word)


def _derivation(dataset: Dataset) -> str:
    coded = [coded_derivation(code) for code in items(dataset, "DerivationCodeSequence")]
    return " ".join((text(dataset, "DerivationDescription"), *coded))


def _body_part(dataset: Dataset) -> str:
    """The body part as it is stated; enhanced objects state it as a code."""
    stated = text(dataset, "BodyPartExamined")
    regions = items(dataset, "AnatomicRegionSequence") or items(
        macro(dataset, 0, "FrameAnatomySequence"), "AnatomicRegionSequence"
    )
    return stated or (coded_region(regions[0]) if regions else "")
