"""Words by which writers say that a picture was computed and shows no anatomy, or is a scout view."""

import re
from functools import lru_cache
from typing import Final

from brainscan.dicom.body_parts import plain

_MAPS: Final = frozenset(
    """
    ADC EADC DADC EXPADC AVDC ADCMAP FA COLFA FACOLOR CFA TENSOR CBF CBV MTT TTP TMAX PBP RCBF RCBV RMTT RTTP RELCBF
    RELCBV RELMTT RELTTP RELCMAP KTRANS KEP IAUC MAXIP MINIP MIP MNIP CMIP TMIP SUB SUBTR TTEST ZSCORE CALCMAP
    CARTE KAART KARTE MAPA MAPPA MAPAS RESTA VRT SSD
    """.split()  # noqa: SIM905 - a page of quotes is harder to read
)
_STEMS: Final = (
    *("ANISOTRO", "DIFERENC", "DIFFERENC", "DIFFERENZ", "DIFFUSIVIT", "DIFUSIVI", "FIELDMAP", "MAPIT"),
    *(
        "MAPPING",
        "PARAMETRIC",
        "PROIEZ",
        "PROJEC",
        "PROJEK",
        "PROYECC",
        "RENDER",
        "SOTTRA",
        "SOUSTRA",
        "SUBTRA",
        "SUSTRA",
    ),
    *("TRANSITZEIT", "VYCITAN", "ВЫЧИТАН", "ПРОЕКЦ"),
)
_INFIXES: Final = ("KOEFFIZIENT", "PROJEKTION", "SUBTRAKTION")
"""Of compounds, as Intensitatsprojektion."""
_PHRASES: Final = re.compile(
    r"APPARENT DIFF|DIFFUSION COEFF|(MAX|MIN)(IMUM)? (I\b|IP\b|INTENSIT)|CEREBRAL BLOOD|BLOOD (FLOW|VOLUME)|"
    r"PIXEL BY PIXEL (DIV|MULT|MAX|MIN|MASK)|(DIFFUSION|PERFUSION) IMAGE ANALYSIS|TRACTOGRA|"
    r"MEAN TRANSIT|TIME TO PEAK|TRANSIT TIME|TEMPS DE TRANSIT|STANDARD DEVIATION"
)
_SCOUTS: Final = re.compile(
    r"\b(LOC|LOCS|SCOUTS?|SURVEY|PILOT|PLANSCAN|REPERAGE|CENTRADOR|UBERSICHT\w*|UEBERSICHT\w*|TOPOGRAMM?\w*|"
    r"(LOCALI|LOKALI)\w*|3 ?PL(ANES?)?|TRI ?PLAN\w*|3 ?(EBENEN|PLANS|PIANI))\b"
)
_PHASES: Final = re.compile(r"\bPHA(SE)?( ?(IMAGES?|MAPS?))?\b")
_FLIP_ANGLE: Final = re.compile(r"\bFA ?=? ?\d+")


@lru_cache(maxsize=1024)
def names_map(stated: str) -> bool:
    """Whether a type or a derivation speaks of a map, a projection or a subtraction."""
    line = _FLIP_ANGLE.sub(" ", _line(stated))
    words = re.findall(r"[^\W\d_]+", line)
    return (
        not _MAPS.isdisjoint(words)
        or any(word.startswith(_STEMS) or word.endswith(("MAP", "MAPS")) for word in words)
        or any(infix in word for word in words for infix in _INFIXES)
        or _PHRASES.search(line) is not None
    )


@lru_cache(maxsize=1024)
def names_no_anatomy(stated: str) -> bool:
    """Whether a description, which is free text, speaks of a map, of phase, or of a scout view."""
    line = _line(stated)
    return names_map(stated) or _SCOUTS.search(line) is not None or _PHASES.search(line) is not None


def _line(stated: str) -> str:
    """Words in capitals without accents, one space apart."""
    return " ".join(re.sub(r"[\W_]+", " ", plain(stated)).split())
