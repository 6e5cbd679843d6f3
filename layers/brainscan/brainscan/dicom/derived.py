"""Words by which writers say that a picture was computed and shows no anatomy, or is a scout view."""

import re
from functools import lru_cache
from typing import Final

from brainscan.dicom.body_parts import in_capitals

# Pages of quotes are harder to read than words in a row.
_MAPS: Final = frozenset(
    """
    ADC EADC DADC EXPADC AVDC ADCMAP FA COLFA FACOLOR CFA TENSOR CBF CBV MTT TTP TMAX PBP RCBF RCBV RMTT RTTP RELCBF
    RELCBV RELMTT RELTTP RELCMAP KTRANS KEP IAUC IAUGC MAXIP MINIP MIP MIPS MNIP CMIP TMIP SUB SUBS SUBTR TTEST ZSCORE
    CALCMAP CBVCORR TTM CMRO OEF CVR QSM APTW MTR PDFF GLM STDDEV SPM COLLAPSE PJN AIP AVIP AVGIP MEANIP CPR VRT SSD
    ISOADC SADC GBP EIGENVALUE LAMBDA ICVF ODI FISO MWF MTE
    CDA ADK CARTE KAART KARTE KARTA KARTTA MAPA MAPPA MAPAS RESTA ИКД КАРТА КАРТЫ КАРТ
    """.split()  # noqa: SIM905
)
_STEMS: Final = tuple(
    """
    ANISO ANSIO CARTOGRA EIGENV KARTOGRA KURTO DIFERENC DIFFERENC DIFFERENZ DIFFUSIVIT DIFUSIVI FIELDMAP MAPIT
    MAPPING PARAMETRI PROIEZ PROJEC PROJEK
    PROYECC RENDER RELAXOMET SOTTRA SOUSTRA SOUSSTRA SUBTRA SUBSTRA SUSTRA SUBTRAI TRACTO TRAKTO FIBERTR TRANSITZEIT
    ODEJM VYCITAN ODECET ODECT TERKEP KIVON HARITA CIKARMA EROTUS VAHENN ELASTOGR STIFFN PHASEDIFF METABOLIT
    ВЫЧИТАН ПРОЕКЦ СУБТРАК ΑΦΑΙΡΕ ΠΡΟΒΟΛ ΧΑΡΤ
    """.split()  # noqa: SIM905
)
_ENDINGS: Final = ("MAP", "MAPS", "KARTE", "KARTEN", "KAART", "KARTA")
"""Of compounds, as T1Map and Feldkarte."""
_INFIXES: Final = ("KOEFFIZIENT", "PROJEKTION", "SUBTRAKTION", "ZEITINTENS")
"""Of compounds, as Intensitatsprojektion."""
_SIGNS: Final = tuple(
    map(
        in_capitals,
        (
            "減算",
            "差分",
            "サブトラ",
            "投影",
            "マップ",
            "拡散係数",
            "扩散系数",
            "弥散系数",
            "擴散係數",
            "확산계수",
            "減影",
            "减影",
            "剪影",
            "감산",
            "투사",
            "맵",
        ),
    )
)
"""Of scripts that put no spaces between words."""
_PHRASES: Final = re.compile(
    r"APPARENT DIFF|DIFFUSION COEFF|COEF\w* (D[EI]? )?(DIFF?US|APP?AREN)|(MAX|MIN)(IMUM)? (I\b|IP\b|INTENSIT|PROJ)|"
    r"\b(MEAN|AVG|AVERAGE|THICK) IP\b|\bIP MAX|\bPROJ\b|\bRCBV|"
    r"CEREBRAL BLOOD|BLOOD (FLOW|VOLUME)|CEREBROVASCULAR REACT|PIXEL BY PIXEL (DIV|MULT|MAX|MIN|MASK)|"
    r"(DIFFUSION|PERFUSION) (IMAGE ANALYSIS|PARAM)|TRACTOGRA|FIB(ER|RE) TRACK|VESSEL TRACK|AVERAGE DC\b|MEAN DIFF\b|"
    r"COLOU?R (ORIENT|FA\b)|DTI COLOU?R|DIFF COEFF|FAT FRACTION|\bR2 ?STAR|TISSUE CLASS|K TRANS|"
    r"SIGNAL ENHANC\w* RATIO|MAX(IMUM)? SLOPE|PERFUSION W(EIGHT\w*)?\b|MYELIN WATER|VOLUME FRACTION|GLOBAL BOLUS|"
    r"MEAN TRANSIT|TIME TO (PEAK|MIN|ENHANC)|TRANSIT (TIME|DELAY)|TEMPS DE TRANSIT|TIME INTENS|STANDARD DEVIATION|"
    r"\bREL\w* ENHANC|ENHANCEMENT INTEGRAL|WASH ?(IN|OUT)\b|CURVED (MPR|REF)|MPR CURVED|COMPLEX DIFF"
)
_HINTS: Final = re.compile(
    r"\bMINUS\b|\bPOST PRE\b|\b\w+SUB\b|\bSEGMENTA|\bPROBABILIT|\bFUSED\b|\bFUSION|\bOVERLAYS?\b|\bPERCENT|\bDELTA\b|"
    r"\bSTATISTI|\bRGB\b|\bDSA\b|\bSURFACE\b|\bVR\b|\bMD\b|\bFF\b|\bVE\b|\bVP\b|\bK2\b|\bAUC\b|\bPEI\b|\bAPT\b|"
    r"\bCHO NAA\b|\bVELOCIT|\bVENC|\bPCA P\b|\bMRS\b|\bCSI\b|\bSPECTRO|\bSPEKTRO|\bMRE\b|"
    r"\bR2S?\b|\bT[12]S? IMAGES\b|\bCORRELATION|"
    r"\bCALIBRAT|\bCOIL ?(SENS|SURV)|\bSENSE REF|\bREF(ERENCE)? (SCAN|HEAD)|\bSHIM|\bPRE ?SCAN\b(?! NORM)"
)
"""Of free text alone: what is short, or also said of pictures of anatomy; and what only the scanner looks at."""
_SCOUTS: Final = re.compile(
    r"\b(LOC|LOCS|SCOUTS?|SURVEY|PILOT|PLANSCAN|REPERAGE|CENTRADOR|UBERSICHT\w*|UEBERSICHT\w*|TOPOGRAMM?\w*|"
    r"(LOCALI|LOKALI)\w*|3 ?PL(ANES?)?|TRI ?PLAN\w*|3 ?(EBENEN|PLANS|PIANI))\b"
)
_PHASES: Final = re.compile(r"\bPHA(SE)?( ?(IMAGES?|MAPS?|DIFF\w*))?\b")
_NO_PHASE: Final = re.compile(
    r"\b(IN|OPP\w*|OUT( OF)?|ART\w*|VEN\w*|LATE|EARLY|DELAYED|PORTAL|EQUIL\w*|NATIVE?|DYN\w*|CONTRAST|AP|PA|RL|LR|"
    r"HF|FH|SWAP|NO) PHASE\b|\bPHASE (ENC\w*|DIR\w*|OVERS\w*|\d+|AP|PA|RL|LR|HF|FH)\b"
)
"""What of a sequence or of contrast medium is called a phase."""
_PLANE: Final = re.compile(r"(TRA|COR|KOR|SAG|AX|AXIAL|OBL)$")
"""Written on to what was computed in it, as MIPcor."""
_FLIP_ANGLE: Final = re.compile(r"\bFA ?=? ?\d+")


@lru_cache(maxsize=1024)
def mentions_map(stated: str) -> bool:
    """Whether a type or a derivation speaks of a map, a projection or a subtraction."""
    line = _FLIP_ANGLE.sub(" ", _line(stated))
    words = {*re.findall(r"[^\W\d_]+", line), *re.findall(r"[A-Z]+", line)}  # signs may follow letters
    words |= {_PLANE.sub("", word) for word in words}
    return (
        not _MAPS.isdisjoint(words)
        or any(word.startswith(_STEMS) or word.endswith(_ENDINGS) for word in words)
        or any(infix in word for word in words for infix in _INFIXES)
        or any(sign in line for sign in _SIGNS)
        or _PHRASES.search(line) is not None
    )


@lru_cache(maxsize=1024)
def mentions_no_anatomy(stated: str) -> bool:
    """Whether a description, which is free text, speaks of a map, of phase, of a scout view or of a calibration."""
    line = _line(stated)
    return mentions_map(stated) or mentions_phase(stated) or any((_HINTS.search(line), _SCOUTS.search(line)))


@lru_cache(maxsize=1024)
def mentions_phase(stated: str) -> bool:
    """Whether a type or a description speaks of phase: not that of a sequence, and not of contrast medium."""
    return _PHASES.search(_NO_PHASE.sub(" ", _line(stated))) is not None


def _line(stated: str) -> str:
    """Words in capitals without accents, one space apart."""
    return " ".join(re.sub(r"[\W_]+", " ", in_capitals(stated)).split())
