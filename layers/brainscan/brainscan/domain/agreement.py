"""How far readers agree with the network and with each other: Cohen's kappa of classes, Dice of masks."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from pydantic import Field

from brainscan.domain.base import FrozenModel
from brainscan.domain.review import Review
from brainscan.terminology import TumorClass

Pair = tuple[TumorClass, TumorClass]
"""What two readers call the same thing; or the network and a reader."""


class Agreement(FrozenModel):
    """Between two who call the same things."""

    pairs: int
    equal: float | None = Field(default=None, description="share of pairs that are called alike")
    kappa: float | None = Field(default=None, description="Cohen's; null where chance alone explains every call")


class Overlap(FrozenModel):
    """Of masks that two drew of the same scans."""

    pairs: int = Field(description="pairs of masks of which at least one is not empty")
    mean_dice: float | None = Field(default=None, description="null without pairs")


def overlap_of(dice: Sequence[float]) -> Overlap:
    """The mean of Dice's coefficients, one a pair of masks."""
    return Overlap(pairs=len(dice), mean_dice=fmean(dice) if dice else None)


def agreement_of(pairs: Sequence[Pair]) -> Agreement:
    """Cohen's kappa: how much of what chance leaves open they agree on.

    https://doi.org/10.1177/001316446002000104
    """
    if not pairs:
        return Agreement(pairs=0)
    count = len(pairs)
    equal = sum(one is other for one, other in pairs) / count
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(first[name] * second[name] for name in first) / count**2
    kappa = None if by_chance == 1 else (equal - by_chance) / (1 - by_chance)
    return Agreement(pairs=count, equal=equal, kappa=kappa)


def reader_pair(history: Sequence[Review], predicted: TumorClass | None) -> Pair | None:
    """What the first two readers of something call it, each in the latest of their verdicts; None unless two did."""
    named = [name for review in latest_verdicts(history) if (name := review.named_class(predicted)) is not None]
    return (named[0], named[1]) if len(named) > 1 else None


def drawn_pair(history: Sequence[Review]) -> tuple[str, str] | None:
    """Keys of the masks that the first two readers of a scan drew, if both did."""
    drawn = [review.drawn_key for review in latest_verdicts(history)[:2] if review.drawn_key]
    return (drawn[0], drawn[1]) if len(drawn) > 1 else None


def is_disputed(history: Sequence[Review], predicted: TumorClass | None) -> bool:
    """Two readers differ, and no verdict of a third stands."""
    pair = reader_pair(history, predicted)
    return pair is not None and pair[0] is not pair[1] and len(latest_verdicts(history)) < 3


def latest_verdicts(history: Sequence[Review]) -> list[Review]:
    """The latest verdict of each reader who did not take it back, in the order in which they first judged."""
    latest = {review.reader: review for review in history}
    return [review for review in latest.values() if not review.is_withdrawn]
