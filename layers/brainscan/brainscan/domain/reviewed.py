"""Something that readers judge: whose verdicts stand, what they come to, and who may give the next.

Where two read each case, the second does not see the first's verdict before giving one. Where they differ, nothing
stands but what the network found, until an adjudicator decides or they come to agree.
"""

from typing import Any

from pydantic import Field

from brainscan.domain.base import BrainscanError, FrozenModel
from brainscan.domain.review import Opinion, Review, ReviewState, Verdict
from brainscan.terminology import TumorClass


class AdjudicatorNeededError(BrainscanError):
    """Two readers differ, and who judges is neither one of them nor an adjudicator."""


class NothingToWithdrawError(BrainscanError):
    """The reader has no verdict that stands."""


class ReviewRules(FrozenModel):
    """By which rules a verdict is given."""

    readers: int = Field(default=1, ge=1, le=2, description="how many read each case")
    adjudicator: bool = Field(default=False, description="whether the reader may decide where two differ")


ONE_READER = ReviewRules()


class Reviewed(FrozenModel):
    """What scans, series and studies have in common of their reviews."""

    predicted: TumorClass | None = None
    revision: int = Field(default=0, description="reviews so far; a new review states the revision that it saw")
    review: Review | None = Field(default=None, description="the latest review")
    others: tuple[Review, ...] = Field(default=(), description="verdicts of other readers that stand, without comments")
    readers_required: int = Field(default=1, description="how many read it")

    @property
    def readings(self) -> tuple[Review, ...]:
        """The verdict of each reader that stands, the latest at the end."""
        latest = self.review
        return (*self.others, latest) if latest and not latest.is_withdrawn else self.others

    @property
    def verdict_state(self) -> ReviewState | None:
        """What the verdicts come to; None without any."""
        if (decisive := self.decisive_review) is not None:
            return ReviewState(decisive.verdict)
        if not self.readings:
            return None
        return ReviewState.SECOND if len(self.readings) == 1 else ReviewState.DISPUTED

    @property
    def decisive_review(self) -> Review | None:
        """The verdict that counts: an adjudicator's, or the latest if all are read that should be, and agree."""
        readings = self.readings
        if adjudicated := [each for each in readings if each.adjudicates]:
            return adjudicated[-1]
        if self.readers_required == 1:
            return max(readings, key=lambda each: each.revision, default=None)
        calls = {(each.verdict is Verdict.REJECTED, each.named_class(self.predicted)) for each in readings}
        return readings[-1] if len(readings) > 1 and len(calls) == 1 else None

    def review_by(self, reader: str) -> Review | None:
        """A reader's verdict, if it stands."""
        return next((each for each in self.readings if each.reader == reader), None)

    def hides_from(self, reader: str) -> bool:
        """Whether a reader must not see what was said so far: another has judged, and this one is to do so unmoved."""
        return self.verdict_state is ReviewState.SECOND and self.review_by(reader) is None

    def adjudicates(self, opinion: Opinion, rules: ReviewRules) -> bool:
        """Whether a reader's opinion would decide between two.

        Raises:
            AdjudicatorNeededError: two differ, and the reader is neither one of them nor an adjudicator.
            NothingToWithdrawError: a verdict is taken back by who has none that stands.
        """
        mine = self.review_by(opinion.reader)
        if opinion.is_withdrawn and mine is None:
            raise NothingToWithdrawError("you have no verdict here that you could take back")
        if mine is not None or self.verdict_state is not ReviewState.DISPUTED:
            return mine is not None and mine.adjudicates
        if not rules.adjudicator:
            raise AdjudicatorNeededError("two readers differ here: an adjudicator decides")
        return True

    def restated_for(self, predicted: TumorClass | None) -> dict[str, Any]:
        """These fields beside another finding, as an update: every reader still calls what the reader called.

        What confirmed a class that is no longer found corrects to it; what corrected to the one now found confirms it.
        """

        def restated(review: Review) -> Review:
            named = review.named_class(self.predicted)
            if named is None or review.is_withdrawn:
                return review
            verdict, corrected = (Verdict.CONFIRMED, None) if named is predicted else (Verdict.CORRECTED, named)
            return review.model_copy(update={"verdict": verdict, "corrected": corrected})

        return {
            "review": restated(self.review) if self.review else None,
            "revision": self.revision,
            "others": tuple(map(restated, self.others)),
            "readers_required": self.readers_required,
        }

    def with_review(self, review: Review, rules: ReviewRules) -> dict[str, Any]:
        """What one review more changes, as an update of these fields."""
        others = [each for each in self.readings if each.reader != review.reader]
        return {
            "review": review,
            "revision": review.revision,
            "others": tuple(each.model_copy(update={"comment": None}) for each in others),
            "readers_required": rules.readers,
        }
