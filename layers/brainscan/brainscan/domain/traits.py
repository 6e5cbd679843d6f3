"""What a scan is like, as far as drift is watched by it: a few characters in its record."""

from bisect import bisect_right
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import Field, model_serializer, model_validator

from brainscan.domain.base import FrozenModel
from brainscan.domain.devices import UNKNOWN


class Sequence(StrEnum):
    """How a slice is weighted."""

    T1 = "t1"
    T2 = "t2"
    T2_STAR = "t2_star"
    FLAIR = "flair"
    PROTON_DENSITY = "proton_density"
    DIFFUSION = "diffusion"
    PERFUSION = "perfusion"
    OTHER = "other"


_LETTERS: Final = dict(zip(Sequence, "12sfpdro", strict=True))
"""What stands for a weighting in a record; letters, once given, stay."""
_WEIGHTINGS: Final = {letter: each for each, letter in _LETTERS.items()}

INTENSITY_EDGES: Final = (-0.6, -0.5, -0.45, -0.4, -0.35, -0.3, -0.25, -0.2, -0.1)
"""Between the bins of the mean brightness of what the network sees of a head, which is in [-1, 1]."""
SCOPE_EDGES: Final = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
"""Between the bins of the scope distance, in units of its threshold. A digit is a bin: ten at most."""


class Traits(FrozenModel):
    """A scan's device, weighting, brightness and scope distance; as text five characters, `-` where one is not known.

    `device` is a code of `domain.devices`; `intensity` and `scope` are bins.
    """

    device: str = Field(default=UNKNOWN * 2, pattern=r"^[-A-Z][-a-z]$")
    sequence: Sequence | None = None
    intensity: int | None = Field(default=None, ge=0, le=len(INTENSITY_EDGES))
    scope: int | None = Field(default=None, ge=0, le=len(SCOPE_EDGES))

    @model_validator(mode="before")
    @classmethod
    def _unpacked(cls, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        if len(text) != 5:
            raise ValueError("traits are five characters")
        known = {"device": text[:2], "intensity": _digit(text[3]), "scope": _digit(text[4])}
        return known | {"sequence": _WEIGHTINGS.get(text[2])}

    @model_serializer
    def packed(self) -> str:
        """As it stands in a record."""
        letter = _LETTERS[self.sequence] if self.sequence else UNKNOWN
        digits = (UNKNOWN if each is None else str(each) for each in (self.intensity, self.scope))
        return f"{self.device}{letter}{''.join(digits)}"

    def measured(self, intensity: float | None, scope_distance: float | None) -> Self:
        """The same, with what the network's input and its distance from the training scans were measured to be."""
        bins = {"intensity": _bin(INTENSITY_EDGES, intensity), "scope": _bin(SCOPE_EDGES, scope_distance)}
        return self.model_copy(update=bins)


def _bin(edges: tuple[float, ...], value: float | None) -> int | None:
    return None if value is None else bisect_right(edges, value)


def _digit(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
