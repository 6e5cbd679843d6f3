"""The classes that the network tells apart."""

from enum import StrEnum
from typing import Final


class TumorClass(StrEnum):
    """What the network tells apart; the order is the order of its logits, everywhere."""

    GLIOMA = "glioma"
    MENINGIOMA = "meningioma"
    NO_TUMOR = "no_tumor"
    PITUITARY = "pituitary"


CLASSES: Final = tuple(TumorClass)
