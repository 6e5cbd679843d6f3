"""Each class, finding and anatomy once: its name, code, colour and label.

SEG, SR, FHIR bundle, API, page and their docs derive from here. A class is one row of `TumorClass`; a
further one is a further row, and a model that was trained for it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self


class Scheme(StrEnum):
    """Who defines a code, by the designator that DICOM knows them by (PS3.16 section 8)."""

    SNOMED_CT = "SCT"
    DICOM = "DCM"
    LOINC = "LN"
    UCUM = "UCUM"


@dataclass(frozen=True)
class Concept:
    """A coded term: `meaning` is how its scheme spells it."""

    scheme: Scheme
    code: str
    meaning: str


def _snomed(code: str, meaning: str) -> Concept:
    return Concept(Scheme.SNOMED_CT, code, meaning)


BRAIN: Final = _snomed("12738006", "Brain")
PITUITARY_GLAND: Final = _snomed("56329008", "Pituitary")

NEOPLASM: Final = _snomed("108369006", "Neoplasm")
"""Any tumor: what a scan without one lacks."""

MORPHOLOGY: Final = _snomed("49755003", "Morphologically Abnormal Structure")
"""The category of every segment (CID 7150)."""

PRESENT: Final = _snomed("52101004", "Present")
ABSENT: Final = _snomed("272519000", "Absent")
INDETERMINATE: Final = _snomed("82334004", "Indeterminate")
"""Whether something is absent, where too little was looked at to say so."""

CERTAINTY: Final = Concept(Scheme.DICOM, "111012", "Certainty of Finding")
"""How the probability of a finding is named, in percent."""

VOLUME: Final = _snomed("118565006", "Volume")
AREA: Final = _snomed("42798000", "Area")
LONG_AXIS: Final = _snomed("103339001", "Long axis")
"""CID 7470; the longest diameter within a slice."""
SHORT_AXIS: Final = _snomed("103340004", "Short axis")
"""CID 7470; the width at a right angle to the long axis."""

PERCENT: Final = Concept(Scheme.UCUM, "%", "Percent")
MILLIMETER: Final = Concept(Scheme.UCUM, "mm", "mm")
SQUARE_MILLIMETER: Final = Concept(Scheme.UCUM, "mm2", "square millimeter")
CUBIC_MILLIMETER: Final = Concept(Scheme.UCUM, "mm3", "cubic millimeter")

MR: Final = Concept(Scheme.DICOM, "MR", "Magnetic Resonance")
MR_BRAIN: Final = Concept(Scheme.LOINC, "24590-2", "MR Brain")
COMMENT: Final = Concept(Scheme.DICOM, "121106", "Comment")
ARTIFICIAL_INTELLIGENCE: Final = Concept(Scheme.DICOM, "123110", "Artificial Intelligence")
"""The family of the algorithm, of CID 7162."""


class TumorClass(StrEnum):
    """What networks tell apart; the order is the order of their logits, everywhere."""

    label: str
    """The word that readers see."""
    color: str
    """Of page and segment, as CSS writes it: `#rrggbb`."""
    concept: Concept
    """The SNOMED CT disorder that is there, or not there; CID 7159, which names none of them, is extensible."""
    site: Concept
    is_tumor: bool

    # The value, which tables, API and commands use; then the above, in order.
    GLIOMA = ("glioma", "glioma", "#ff7321", _snomed("393564001", "Glioma"), BRAIN, True)
    MENINGIOMA = (
        "meningioma", "meningioma", "#b79bff", _snomed("302820008", "Intracranial meningioma"), BRAIN, True,
    )  # fmt: skip
    NO_TUMOR = ("no_tumor", "no tumor", "#7bd88f", NEOPLASM, BRAIN, False)
    PITUITARY = (
        "pituitary", "pituitary", "#5fd4d0", _snomed("127024001", "Neoplasm of pituitary gland"), PITUITARY_GLAND, True,
    )  # fmt: skip

    def __new__(cls, value: str, *columns: Any) -> Self:
        """A member is its value, and carries the rest of its row."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label, member.color, member.concept, member.site, member.is_tumor = columns
        return member


CLASSES: Final = tuple(TumorClass)

TUMORS: Final = tuple(each for each in CLASSES if each.is_tumor)
