"""What filters tell apart of a study, series or scan; of scans, the day's counters hold how many there are of each."""

from dataclasses import dataclass
from typing import Final, Protocol, Self

from brainscan.domain import Outcome, Review, ReviewState, TumorClass

REVIEWED: Final = (ReviewState.CONFIRMED, ReviewState.CORRECTED, ReviewState.REJECTED)

CELL: Final = "cell_"
"""Prefix of the counters' attributes."""


class Judged(Protocol):
    """A study, a series or a scan, as far as a cell knows it."""

    @property
    def outcome(self) -> Outcome: ...
    @property
    def finding(self) -> TumorClass | None: ...
    @property
    def review_state(self) -> ReviewState | None: ...
    @property
    def decisive_review(self) -> Review | None: ...
    @property
    def readings(self) -> tuple[Review, ...]: ...
    @property
    def model_id(self) -> str | None: ...


@dataclass(frozen=True)
class Cell:
    """One value of each filter; `reader` gave the verdict that counts, or the first where it waits for a second."""

    outcome: Outcome
    finding: TumorClass | None = None
    review: ReviewState | None = None
    model_id: str | None = None
    reader: str | None = None

    @classmethod
    def of(cls, judged: Judged) -> Self:
        """The one that a study, series or scan is in."""
        state, review = judged.review_state, judged.decisive_review
        if state is ReviewState.SECOND:
            [review] = judged.readings
        return cls(judged.outcome, judged.finding, state, judged.model_id, review.reader if review else None)

    @property
    def counter(self) -> str:
        """The name of its counter."""
        values = (self.outcome, self.finding, self.review, self.model_id, self.reader)
        return CELL + "|".join(each or "" for each in values)

    @classmethod
    def named(cls, counter: str) -> Self:
        """Inverse of `counter`."""
        outcome, finding, review, model_id, reader = counter.removeprefix(CELL).split("|", 4)
        return cls(
            Outcome(outcome),
            TumorClass(finding) if finding else None,
            ReviewState(review) if review else None,
            model_id or None,
            reader or None,
        )
