"""Which part of the body a text names, in the languages that hospitals write in: the head, another one, or none."""

import re
import unicodedata
from enum import Enum, auto
from functools import cache
from typing import Final

from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from brainscan.dicom.values import text


class BodyPart(Enum):
    """What matters of a body part."""

    HEAD = auto()
    ELSEWHERE = auto()
    UNNAMED = auto()


def _plain(stated: str) -> str:
    """In capitals, without accents."""
    apart = unicodedata.normalize("NFKD", stated.upper())
    return unicodedata.normalize("NFKC", "".join(each for each in apart if not unicodedata.combining(each)))


def _words(listed: str) -> frozenset[str]:
    return frozenset(_plain(listed).split())


_HEAD: Final = _words("""
    BRAIN CRANIUM EAR FACE HEAD HEADNECK IAC NEUROCRANIUM ORBIT ORBITS PITUITARY POSTFOSSA SELLA SKULL TEMPORALBONE
    KOPF HIRN GEHIRN SCHADEL SCHAEDEL HYPOPHYSE TETE CERVEAU CRANE CABEZA CRANEO TESTA CERVELLO
    CRANIO CABECA HOOFD HERSENEN GLOWA MOZG HLAVA MOZEK HOVED HJERNE HUVUD HJARNA HODE AIVOT BEYIN
    ГОЛОВА МОЗГ ГОЛОВНОЙ ГОЛОВНОГО ГОЛОВЫ
""")
"""Whole words, in capitals without accents; the first line by PS3.16 Annex L."""
_ELSEWHERE: Final = _words("""
    ABDOMEN ABDOMENPELVIS ADRENAL ANKLE AORTA ARM AXILLA BACK BLADDER BREAST CALCANEUS CALF CAROTID CHEST CLAVICLE
    COCCYX COLON CSPINE CTSPINE ELBOW EXTREMITY FEMUR FINGER FOOT FOREARM HAND HEART HIP HUMERUS KIDNEY KNEE LEG LIVER
    LSPINE LSSPINE LUNG MEDIASTINUM NECK PANCREAS PELVIS PROSTATE SCAPULA SHOULDER SPINE SPLEEN SSPINE STERNUM TESTIS
    THIGH THORAX TLSPINE TOE TSPINE UTERUS WRIST
    BREASTS EXTREMITIES FEET FINGERS HANDS HIPS KIDNEYS KNEES LEGS LIMB LIMBS LUNGS MRCP ENTEROGRAPHY RECTUM SACRUM
    SHOULDERS SPINAL TRUNK WRISTS
    BAUCH BECKEN BRUST BWS ELLENBOGEN FUSS HALS HANDGELENK HERZ HUFTE HUEFTE HWS KNIE KNIEGELENK LEBER LENDENWIRBELSAULE
    LWS MAMMA NIERE OBERARM OBERSCHENKEL SCHULTER SPRUNGGELENK UNTERARM UNTERSCHENKEL WIRBELSAULE WIRBELSAEULE
    BASSIN CHEVILLE COUDE CUISSE EPAULE FOIE GENOU HANCHE POIGNET RACHIS
    ABDOMINAL CADERA COLUMNA CUELLO HIGADO HOMBRO MUNECA MUSLO PECHO RODILLA TOBILLO
    ADDOME ANCA BACINO CAVIGLIA COLONNA FEGATO GAMBA GINOCCHIO POLSO SPALLA TORACE
    COLUNA FIGADO JOELHO OMBRO PESCOCO PUNHO QUADRIL TORNOZELO
    BUIK BEKKEN BORST ENKEL HEUP SCHOUDER WERVELKOLOM
    BRZUCH KOLANO KREGOSLUP MIEDNICA BIODRO KOLENO BRICHO RAMENO RYGG KNA KNE SKULDER BUK DIZ OMUZ 
    ЖИВОТ КОЛЕНО КОЛЕННОГО КОЛЕННЫЙ ПОЗВОНОЧНИК ПОЗВОНОЧНИКА ПЛЕЧО ПЛЕЧЕВОГО ТАЗ БРЮШНОЙ ПЕЧЕНЬ
""")
"""The same for every other part; the first lines by PS3.16 Annex L, with words apart or together, then by language."""
_HEAD_STEMS: Final = ("CEREBR", "CRANI", "ENCEFAL", "ENCEPHAL", "HIPOFIS", "HYPOPHYS", "INTRACRAN", "IPOFIS", "PITUIT")
_ELSEWHERE_STEMS: Final = (
    "ABDOM", "CARDIA", "CERVICAL", "EXTREMIDAD", "HEPAT", "LUMBA", "LUMBO", "MAMMO", "PELVI", "PROSTAT", "THORAC",
    "TORAC", "VERTEBR",
)  # fmt: skip
"""Beginnings that words of one part share over languages."""
_HEAD_SIGNS: Final = ("頭", "脳", "脑", "头", "颅", "뇌", "두부")
_ELSEWHERE_SIGNS: Final = ("膝", "腹", "胸", "腰", "脊", "椎", "肝", "肩", "骨盤", "盆腔", "무릎", "복부", "척추")
"""Of scripts that put no spaces between words."""


def named_part(*texts: str) -> BodyPart:
    """The part that texts name together; where they name the head and others, the head."""
    whole = _plain(" ".join(texts))
    words = re.findall(r"[^\W\d_]+", whole)
    joined = {re.sub(r"[\W_]", "", _plain(each)) for each in texts}
    if joined & _HEAD or _any(words, whole, _HEAD, _HEAD_STEMS, _HEAD_SIGNS):
        return BodyPart.HEAD
    if joined & _ELSEWHERE or _any(words, whole, _ELSEWHERE, _ELSEWHERE_STEMS, _ELSEWHERE_SIGNS):
        return BodyPart.ELSEWHERE
    return BodyPart.UNNAMED


def coded_region(region: Dataset) -> str:
    """What a code of an anatomic region (CID 4031) means: in its own words, or by the standard's."""
    stated = text(region, "CodeMeaning")
    return stated or _meaning(text(region, "CodeValue"), text(region, "CodingSchemeDesignator"))


def _any(words: list[str], whole: str, known: frozenset[str], stems: tuple[str, ...], signs: tuple[str, ...]) -> bool:
    return any(word in known or word.startswith(stems) for word in words) or any(sign in whole for sign in signs)


@cache
def _meaning(value: str, scheme: str) -> str:
    if not value or not scheme:
        return ""
    sought = Code(value, scheme, "")
    regions = [codes.SCT.Brain, codes.SCT.Head, *(getattr(codes.CID4031, name) for name in codes.CID4031.dir())]
    return next((region.meaning for region in regions if region == sought), "")
