"""What readers say of a finding."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from brainscan.domain.base import FrozenModel
from brainscan.terminology import TumorClass


class Verdict(StrEnum):
    """What a reader says of a finding."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    """The reader takes the verdict before back; what was found stands as if nobody had judged it."""


class ReviewState(StrEnum):
    """Where something stands with its readers: waiting for one, or what their verdicts come to."""

    NEEDED = "needed"
    SECOND = "second"
    """One of two readers has judged it; the other is to do so without seeing that verdict."""
    DISPUTED = "disputed"
    """Two readers differ; an adjudicator decides."""
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class Opinion(FrozenModel):
    """What a reader says of a scan, a series or a study.

    Raises:
        pydantic.ValidationError: a class without a correction, or the reverse.
    """

    verdict: Verdict
    corrected: TumorClass | None = Field(default=None, description="the class in the reader's eyes, if corrected")
    reader: str = Field(description="who reviewed, as the identity provider names them")
    seconds: float | None = Field(default=None, ge=0, le=86_400, description="how long the reader looked at it")
    drawn_key: str | None = Field(
        default=None, description="the mask that the reader drew, in the results bucket; only of a scan"
    )
    comment: str | None = Field(default=None, description="in words that name nobody")
    dice: float | None = Field(default=None, ge=0, le=1, description="of that mask and the network's")

    @property
    def is_withdrawn(self) -> bool:
        """Whether its reader took the verdict back, so that it says nothing of the finding."""
        return self.verdict is Verdict.WITHDRAWN

    def named_class(self, predicted: TumorClass | None) -> TumorClass | None:
        """The class that the verdict names, where the network's is `predicted`; None where it names none."""
        return predicted if self.verdict is Verdict.CONFIRMED else self.corrected

    @model_validator(mode="after")
    def _corrections_name_a_class(self) -> Self:
        if (self.verdict is Verdict.CORRECTED) != (self.corrected is not None):
            raise ValueError("a correction, and nothing else, names a class")
        return self


class Review(Opinion):
    """A reader's opinion of a scan, a series or a study as it was recorded. Readers are staff."""

    reviewed_at: datetime
    revision: int = Field(ge=1, description="1 for a scan's first review")
    adjudicates: bool = Field(default=False, description="whether it decides between two readers who differ")

    @classmethod
    def of(cls, opinion: Opinion, seen_revision: int, *, adjudicates: bool) -> Self:
        """An opinion as it is recorded now, by who saw a revision."""
        now = datetime.now(UTC)
        return cls(**opinion.model_dump(), reviewed_at=now, revision=seen_revision + 1, adjudicates=adjudicates)
