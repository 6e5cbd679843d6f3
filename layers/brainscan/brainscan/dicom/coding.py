"""Coded concepts of the answers: what a tumor is called in SNOMED CT, DICOM and UCUM, and who says so."""

from typing import Final

from highdicom import AlgorithmIdentificationSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from brainscan.domain import TumorClass

ALGORITHM_NAME: Final = "brainscan"
MANUFACTURER: Final = "brainscan"
ALGORITHM_FAMILY: Final[Code] = codes.DCM.ArtificialIntelligence
"""Artificial intelligence, of CID 7162."""

MORPHOLOGY: Final[Code] = codes.SCT.MorphologicallyAbnormalStructure
"""The category of every segment (CID 7150)."""

TUMOR_CODES: Final = {
    TumorClass.GLIOMA: Code("393564001", "SCT", "Glioma"),
    TumorClass.MENINGIOMA: Code("302820008", "SCT", "Intracranial meningioma"),
    TumorClass.PITUITARY: Code("127024001", "SCT", "Neoplasm of pituitary gland"),
}
"""SNOMED CT disorders; CID 7159, which names none of them, is extensible."""

SITES: Final[dict[TumorClass, Code]] = {
    TumorClass.GLIOMA: codes.SCT.Brain,
    TumorClass.MENINGIOMA: codes.SCT.Brain,
    TumorClass.PITUITARY: codes.SCT.Pituitary,
}

NEOPLASM: Final[Code] = codes.SCT.Neoplasm
ABSENT: Final[Code] = codes.SCT.Absent
CERTAINTY: Final[Code] = codes.DCM.CertaintyOfFinding
"""How the probability of a finding is named (DCM 111012), in percent."""

VOLUME: Final[Code] = codes.SCT.Volume
AREA: Final[Code] = codes.SCT.Area
LONGEST_DIAMETER: Final[Code] = codes.SCT.LongAxis
"""CID 7470; the longest diameter within a slice."""

PERCENT: Final[Code] = codes.UCUM.Percent
CUBIC_MILLIMETER: Final[Code] = codes.UCUM.CubicMillimeter
SQUARE_MILLIMETER: Final[Code] = codes.UCUM.SquareMillimeter
MILLIMETER: Final[Code] = codes.UCUM.Millimeter
PROCEDURE: Final = Code("24590-2", "LN", "MR Brain")
COMMENT: Final[Code] = codes.DCM.Comment


def algorithm(model_id: str) -> AlgorithmIdentificationSequence:
    """Who made a segment; the version is the model id, the SHA-256 of the served network."""
    return AlgorithmIdentificationSequence(ALGORITHM_NAME, ALGORITHM_FAMILY, model_id)
