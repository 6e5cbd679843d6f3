"""Findings of slices -> the class of their acquisition, and which acquisition their series rests on.

The rule, in order:

1. Only `analyzed` slices are evidence. Abstained, rejected and failed ones neither support a tumor nor interrupt it.
2. A slice is positive when its class is a tumor and its mask is not empty: both heads of the network agree.
3. A positive slice counts when the slice before or after it in its acquisition, among the analyzed ones, is positive
   too; in a series of fewer than three places, it counts alone. A tumor spans slices; a lone one is for a reader.
4. Without counted slices the class is `no_tumor`, and its probabilities are the mean over the acquisition's slices.
   A series does not give it for its verdict, and abstains, where more places have no answer than have one, or where the
   mean says that a tumor is likelier: that nothing was found is said of what was looked at, and nowhere else.
5. With them the probabilities are the mean over the counted slices, weighted by the area of their masks, and the class
   is the most probable tumor class.
6. A series rests on the acquisition whose counted slices have the largest masks in sum; where none has any, on the one
   with the most slices; the first of several alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from brainscan.domain import CLASSES, TUMORS, Reason, ScanRecord, TumorClass

LIKELY: Final = 0.5
"""Probability of `no_tumor` below which a tumor of some class is likelier."""

ALONE_COUNTS_BELOW: Final = 3
"""Places of a series below which a positive slice needs no neighbour."""


@dataclass(frozen=True)
class Classification:
    """What an acquisition shows; `counted` are the slices behind a tumor, in the order of their places."""

    predicted: TumorClass
    probabilities: dict[TumorClass, float]
    analyzed: tuple[ScanRecord, ...]
    counted: tuple[ScanRecord, ...]

    @property
    def confidence(self) -> float:
        """Calibrated probability of the class."""
        return self.probabilities[self.predicted]

    @property
    def has_isolated(self) -> bool:
        """Whether a positive slice did not count."""
        return sum(map(is_positive, self.analyzed)) > len(self.counted)


def classify_acquisition(analyzed: Sequence[ScanRecord], places: int) -> Classification:
    """Decide what an acquisition shows, by the rule above.

    Args:
        analyzed: Its analyzed slices in the order of their places, at least one.
        places: At how many places the whole series was imaged, those without an answer included.
    """
    counted = _counted(analyzed, alone=places < ALONE_COUNTS_BELOW)
    probabilities = weighted_mean(counted, list(map(_area_px, counted))) if counted else weighted_mean(analyzed)
    predicted = max(TUMORS, key=probabilities.__getitem__) if counted else TumorClass.NO_TUMOR
    return Classification(predicted, probabilities, tuple(analyzed), tuple(counted))


def decisive_acquisition(classified: Sequence[Classification]) -> int:
    """Index of the acquisition that the series rests on."""
    return max(
        range(len(classified)), key=lambda place: (_extent(classified[place]), len(classified[place].analyzed), -place)
    )


def abstention_reasons(decisive: Classification, answered: int, unanswered: int) -> tuple[Reason, ...]:
    """Why a series abstains whose decisive acquisition is classified so; nothing where that is its verdict.

    Args:
        decisive: Of the acquisition that the series rests on.
        answered: Places of the series of which a slice was analyzed.
        unanswered: Places with pictures of which none was.
    """
    if decisive.counted:
        return ()
    stated = {
        Reason.SLICES_UNANSWERED: unanswered > answered,
        Reason.ABSTAINED_LIKELY_TUMOR: decisive.confidence < LIKELY,
    }
    return tuple(reason for reason, holds in stated.items() if holds)


def is_positive(record: ScanRecord) -> bool:
    """Both heads of the network see a tumor."""
    return record.predicted in TUMORS and record.tumor is not None


def weighted_mean(slices: Sequence[ScanRecord], weights: Sequence[float] | None = None) -> dict[TumorClass, float]:
    """Mean probabilities of slices."""
    rows = np.array([[(record.probabilities or {}).get(name, 0.0) for name in CLASSES] for record in slices])
    mean = np.clip(np.average(rows, axis=0, weights=weights), 0, 1)
    return dict(zip(CLASSES, map(float, mean), strict=True))


def _counted(analyzed: Sequence[ScanRecord], *, alone: bool) -> list[ScanRecord]:
    positive = [False, *map(is_positive, analyzed), False]
    return [
        record
        for place, record in enumerate(analyzed, start=1)
        if positive[place] and (alone or positive[place - 1] or positive[place + 1])
    ]


def _extent(classification: Classification) -> int:
    return sum(map(_area_px, classification.counted))


def _area_px(record: ScanRecord) -> int:
    return record.tumor.area_px if record.tumor else 0
