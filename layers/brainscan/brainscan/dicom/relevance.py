"""Which DICOM images are for a network that knows brain MR, which are not, and which are hard to tell."""

import re
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from brainscan.dicom.geometry import macro
from brainscan.domain import Reason


def _terms(text: str) -> frozenset[str]:
    """Words apart, or parts of a comma-separated line."""
    return frozenset(term.strip() for term in re.split(r",|\n" if "," in text else r"\s+", text) if term.strip())


_OTHER_MODALITIES: Final = _terms("""
    AR AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DX ECG EPS ES FID GM HC HD IO IVOCT IVUS KER KO LEN LS MG NM OAM OCT
    OP OPM OPR OPT OPTBSV OPTENF OPV OSS PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTPLAN RTRECORD RTSTRUCT SEG
    SM SMR SR SRF STAIN TG US VA XA XAPROTOCOL XC
""")
"""PS3.3 C.7.3.1.1.1 without MR, and without OT and DOC, which say nothing of where an image came from."""

_LOCALIZERS: Final = frozenset({"LOCALIZER", "SCOUT", "SURVEY"})
_PHASES: Final = frozenset({"P", "PHASE", "PHASE MAP", "PHASE_MAP", "PHASE SUBTRACT", "IMAGINARY", "I"})
_MAPS: Final = _terms("""
    DENSITY MAP, DIFFUSION MAP, VELOCITY MAP, T1 MAP, T2 MAP, PROJECTION IMAGE,
    METABOLITE_MAP, STD_DEVIATION, T_TEST, Z_SCORE, MTT, RCBF, RCBV, TTP, PEI,
    ADC, ADC_UNSPECIFIED, EADC, EXP, FA, TENSOR, CBF, CBV, TMAX, RELCBF, RELCBV, RELMTT,
    T2_STAR MAP, T2* MAP, R2 MAP, R2* MAP, B0 MAP, B1 MAP, FIELD MAP, MIP, MINIP, MNIP
""")
"""By line: PS3.3 C.8.3.1.1.1, value 3 of classic MR; C.8.13.3.1.1, of enhanced MR; what scanners write besides."""

_SPEAKING_NAME: Final = re.compile(
    r"(?<![a-z])(localizer|localiser|loc|scout|survey|3[ _-]?plane|pha(se)?([ _]images?)?|"
    r"adc|fa|cbf|cbv|mtt|ttp|tmax|mip|minip|map)(?![a-z])",
    re.IGNORECASE,
)
"""Descriptions are free text: one that speaks of a localizer or a map is a hint, never a proof."""

_HEAD: Final = _terms("""
    BRAIN CRANIUM EAR FACE HEAD HEADNECK IAC NEUROCRANIUM ORBIT PITUITARY POSTFOSSA SELLA SKULL TEMPORALBONE
""")
_ELSEWHERE: Final = _terms("""
    ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BREAST CALCANEUS CALF CAROTID CHEST CLAVICLE
    COCCYX COLON CSPINE CTSPINE ELBOW EXTREMITY FEMUR FINGER FOOT FOREARM HAND HEART HIP HUMERUS KIDNEY KNEE LEG LIVER
    LSPINE LSSPINE LUNG MEDIASTINUM NECK PANCREAS PELVIS PROSTATE SCAPULA SHOULDER SPINE SPLEEN SSPINE STERNUM TESTIS
    THIGH THORAX TLSPINE TOE TSPINE UTERUS WRIST
""")
"""PS3.16 Annex L: terms of BodyPartExamined, with the words apart or together."""


@dataclass(frozen=True)
class Relevance:
    """`skip` says why an image is not analyzed; `flags`, what a reader should check in one that is."""

    skip: Reason | None = None
    flags: tuple[Reason, ...] = ()


def relevance(dataset: Dataset) -> Relevance:
    """Judge an image by what its header states; what is not stated is not held against it.

    Image type, complex component, modality and body part decide where they use the standard's terms. Derived images of
    no known kind, unknown modalities and body parts, and descriptions that hint at a localizer or a map only flag.
    """
    modality, part = _text(dataset, "Modality"), _body_part(dataset)
    kinds = _kinds(dataset)
    if modality in _OTHER_MODALITIES:
        return Relevance(Reason.OTHER_MODALITY)
    if kinds & _LOCALIZERS:
        return Relevance(Reason.LOCALIZER)
    if kinds & _PHASES:
        return Relevance(Reason.PHASE_IMAGE)
    if kinds & _MAPS:
        return Relevance(Reason.DERIVED_MAP)
    if part in _ELSEWHERE:
        return Relevance(Reason.OTHER_BODY_PART)
    named = _SPEAKING_NAME.search(_text(dataset, "SeriesDescription"))
    doubts = {
        Reason.UNCLEAR_MODALITY: modality != "MR",
        Reason.UNCLEAR_CONTENT: bool(named) or bool(kinds & {"DERIVED", "MIXED"}),
        Reason.UNCLEAR_BODY_PART: bool(part) and part not in _HEAD,
    }
    return Relevance(flags=tuple(reason for reason, doubted in doubts.items() if doubted))


def _kinds(dataset: Dataset) -> frozenset[str]:
    """Every value of the image type, of the first frame's type, and the complex component, in capitals."""
    frame = macro(dataset, 0, "MRImageFrameTypeSequence")
    words = [*_words(dataset, "ImageType"), *_words(frame, "FrameType")]
    words += _words(dataset, "ComplexImageComponent") + _words(frame, "ComplexImageComponent")
    return frozenset(word.strip().upper() for word in words)


def _words(dataset: Dataset, keyword: str) -> list[str]:
    value = dataset.get(keyword) or []
    return [value] if isinstance(value, str) else [str(each) for each in value]


def _text(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "").strip().upper()


def _body_part(dataset: Dataset) -> str:
    """The body part in capitals without spaces; enhanced objects state it as a code with a meaning."""
    stated = _text(dataset, "BodyPartExamined")
    if not stated:
        regions = dataset.get("AnatomicRegionSequence") or macro(dataset, 0, "FrameAnatomySequence").get(
            "AnatomicRegionSequence"
        )
        stated = _text(regions[0], "CodeMeaning") if regions else ""
    return re.sub(r"[^A-Z0-9]", "", stated)
