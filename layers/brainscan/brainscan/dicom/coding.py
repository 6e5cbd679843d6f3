"""Terms as highdicom takes them, and who says so."""

from typing import Final

from highdicom import AlgorithmIdentificationSequence
from pydicom.sr.coding import Code

from brainscan.domain import Lesion
from brainscan.terminology import ARTIFICIAL_INTELLIGENCE, Concept

ALGORITHM_NAME: Final = "brainscan"
MANUFACTURER: Final = "brainscan"


def code(concept: Concept) -> Code:
    """A term in DICOM's coding."""
    return Code(concept.code, concept.scheme.value, concept.meaning)


def lesion_name(lesion: Lesion) -> str:
    """What a lesion is tracked by, the same in SEG and SR."""
    return f"{lesion.tumor_class} {lesion.number}"


def algorithm(model_id: str) -> AlgorithmIdentificationSequence:
    """Who made a segment; the version is the model id, the SHA-256 of the served network."""
    return AlgorithmIdentificationSequence(ALGORITHM_NAME, code(ARTIFICIAL_INTELLIGENCE), model_id)
