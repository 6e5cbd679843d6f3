"""Descriptions in many languages name the head, another part of the body, or none."""

from collections.abc import Callable

import pytest
from pydicom import Dataset

from brainscan.dicom.body_parts import BodyPart, coded_derivation, coded_region, named_part
from tests.unit.dicom import part_terms

ELSEWHERE = {
    "english": "KNEE|L-KNEE|LT KNEE|SHOULDER JOINT|LOWER LIMB|UPPER EXTREMITY|T SPINE|C-SPINE|WHOLE BODY|TIBIA|"
    "SACROILIAC|CARDIAC|MRCP|PELVIS W/WO|FETAL|PROSTATE|BREAST BILATERAL|LUMBOSACRAL|BRACHIAL PLEXUS|RENAL|THYROID",
    "german": "MRT Knie|Kniegelenk|Halswirbelsäule|LWS nativ|Ganzkörper|Oberbauch|Handgelenk re|Fuß links|Hüfte|Becken|"
    "Schultergelenk|Ellbogen|Prostata|Mammae|Herz|Kardio MRT|Sprunggelenk",
    "french": "IRM genou|IRM du rachis lombaire|IRM abdominale|épaule droite|cheville|hanche|IRM du sein|IRM pied|"
    "IRM main|IRM moelle|foie",
    "spanish": "RM rodilla|columna lumbar|hombro|cadera|muñeca|codo|RM pie|corazón|próstata|pierna",
    "italian": "ginocchio|spalla|caviglia|gomito|colonna lombosacrale|addome|mammella|cuore|rachide cervicale",
    "portuguese": "joelho|ombro|tornozelo|cotovelo|quadril|coração|RM pé|RM mão|bacia",
    "dutch": "schouder|enkel|elleboog|heup|wervelkolom|buik|borst|bekken|CWK",
    "polish": "kolana|kręgosłupa lędźwiowego|barku|jamy brzusznej|miednicy|stawu skokowego|nadgarstka|łokcia|wątroby",
    "nordic": "knä|ländrygg|bäcken|armbåge|höft|bröst|hjärta|halsrygg|knæ|lænderyg|skulder|korsrygg|polvi|lanneranka",
    "czech": "koleno|bederní páteř|rameno|břicho|kotník|zápěstí|kyčel|pánev",
    "turkish": "diz|omuz|lomber|servikal|ayak bileği|kalça",
    "hungarian": "térd|váll|gerinc|csípő",
    "romanian": "genunchi|umar|coloana lombara",
    "russian": "коленного сустава|плеча|поясничного отдела позвоночника|брюшной полости|малого таза|"
    "спинного мозга|стопы",
    "greek": "γόνατο|ΓΟΝΑΤΟΣ|ώμος|ΟΣΦΥΪΚΗ ΜΟΙΡΑ",
    "japanese": "膝関節MRI|腰椎MR|足関節|手関節|乳房|心臓|前立腺",
    "chinese": "膝关节|颈椎|腹部平扫|踝关节|乳腺|前列腺",
    "korean": "무릎|허리|어깨|골반|손목|유방|심장",
    "hebrew, arabic, thai, hindi": "ברך|כתף|الركبة|العمود الفقري|เข่า|घुटना",
}
HEAD = (
    "Brain W/WO|HEAD|IAC|ORBITS|SELLA|BRAIN/C-SPINE|Schädel-MRT|MRT Schaedel/HWS|MRT Neurocranium|Gehirn|Kopf/Hals|"
    "IRM cérébrale|encéphale|tête|RM craneal|RM encefalo|crânio|hersenen|głowy|mózgu|hjärna|hjerne|mozek|lebka|koponya|"
    "creier|Beyin|Kafa MR|головного мозга|εγκεφάλου|頭部|脳MRI|颅脑|头颅|뇌 MRI|דמוח מוח|الدماغ دماغ|สมอง|"
    "METASTASES OF BREAST CANCER, BRAIN|MRBRAIN|MRIHead|HeadNeckCoil|cMRT Knieprotokoll|BrainCSpine"
)
UNNAMED = (
    "|XQ7|TUMOR PROTOCOL|EPILEPSY|T1 SE TRA KM|HEAD FIRST SUPINE|FEET FIRST|FOOT-FIRST PRONE|BODY COIL|NECK COIL|"
    "LEGACY|HANDEDNESS|HEARTBEAT|HARMONIZED|main sequence|T1 SPIN ECHO|COMPUTER|BACKGROUND|"
    "COR T2|CS 3D TFE|HAND OVER|back to back|LONG TR|first rate|TE long|Late phase|Staging|cornea|AX|P A|"
    "BodyCoil|FeetFirst|MRCISS|T1 T2|L R|C1|TH 3|t2TseTraFs|MPRage|tfMRI|MRSpectro"
)


@pytest.mark.parametrize(
    "named", [pytest.param(name, id=f"{of}-{name}") for of, names in ELSEWHERE.items() for name in names.split("|")]
)
def test_another_part_is_recognised_in_any_language(named: str) -> None:
    assert named_part(named) is BodyPart.ELSEWHERE
    assert named_part(named.lower(), "T2 TSE") is BodyPart.ELSEWHERE


@pytest.mark.parametrize("language", part_terms.ELSEWHERE)
def test_another_part_is_recognised_by_what_orders_and_protocols_call_it(language: str) -> None:
    terms = part_terms.ELSEWHERE[language].split("|")
    assert [each for each in terms if named_part(each) is not BodyPart.ELSEWHERE] == []


def test_terms_for_the_head_and_what_is_in_it_are_recognised() -> None:
    assert [each for each in part_terms.HEAD.split("|") if named_part(each) is not BodyPart.HEAD] == []


@pytest.mark.parametrize("named", HEAD.split("|"))
def test_the_head_counts_wherever_it_is_named(named: str) -> None:
    assert named_part(named) is BodyPart.HEAD
    assert named_part(named, "KNEE") is BodyPart.HEAD


@pytest.mark.parametrize("named", UNNAMED.split("|"))
def test_a_text_that_names_no_part_is_held_against_nobody(named: str) -> None:
    assert named_part(named) is BodyPart.UNNAMED


@pytest.mark.parametrize(
    ("read", "value", "scheme", "meaning"),
    [
        (coded_region, "72696002", "SCT", "Knee"),
        (coded_region, "T-A0100", "SRT", "Brain"),
        (coded_region, "no such code", "SCT", ""),
        (coded_derivation, "113078", "DCM", "Maximum Intensity Projection"),
        (coded_derivation, "113062", "DCM", "Pixel by pixel subtraction"),
        (coded_derivation, "113062", "", ""),
    ],
)
def test_a_code_without_words_means_what_the_standard_says(
    read: Callable[[Dataset], str], value: str, scheme: str, meaning: str
) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = value, scheme
    assert read(code).lower() == meaning.lower()
    code.CodeMeaning = "in its own words"
    assert read(code) == "in its own words"
