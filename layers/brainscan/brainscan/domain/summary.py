"""What a series shows and what a study shows, as their readers list and judge them: the table's items of both."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Self

from pydantic import Field

from brainscan.domain.base import RESEARCH_USE_STATEMENT, FrozenModel, Probability
from brainscan.domain.reasons import Outcome, Reason
from brainscan.domain.review import Review, ReviewState
from brainscan.domain.reviewed import ONE_READER, Reviewed, ReviewRules
from brainscan.terminology import TUMORS, TumorClass

MOST_LESIONS: Final = 16
"""Lesions that a summary lists, the largest; `series.json` lists all of them."""


class LesionSummary(FrozenModel):
    """A lesion as a list shows it; its slices one by one are in `series.json`."""

    number: int = Field(description="from 1, the largest first; its segment in the DICOM SEG")
    tumor_class: TumorClass
    probability: Probability
    slices: int
    key_slice: str = Field(description="scan id of the slice on which its area is largest")
    volume_mm3: float | None = None
    volume_withheld: Reason | None = None
    longest_diameter_mm: float | None = None
    perpendicular_diameter_mm: float | None = None
    longest_diameter_px: float
    perpendicular_diameter_px: float


class Geometry(FrozenModel):
    """How the slices that a series rests on lie: what volumes of two series must share to be compared."""

    rows: int | None = None
    columns: int | None = None
    spacing_mm: tuple[float, float] | None = Field(default=None, description="row spacing, column spacing")
    distance_mm: float | None = Field(default=None, description="median distance of neighbouring slices")
    normal: tuple[float, float, float] | None = Field(default=None, description="across the slices, in the patient")


class Summary(Reviewed):
    """What series and studies have in common: a verdict, its evidence in short, and where it stands with readers."""

    study_id: str | None = None
    patient_id: str | None = None
    received_at: datetime = Field(description="when its first scan arrived")
    outcome: Outcome = Field(
        description="analyzed, abstained where too little was for a verdict, failed where it could not be reported"
    )
    probabilities: dict[TumorClass, Probability] | None = None
    confidence: Probability | None = Field(default=None, description="calibrated probability of the class predicted")
    needs_review: bool = False
    review_reasons: tuple[Reason, ...] = ()
    lesions: tuple[LesionSummary, ...] = Field(default=(), description=f"the {MOST_LESIONS} largest, largest first")
    lesion_count: int = 0
    volume_mm3: float | None = Field(default=None, description="of all lesions together")
    volume_withheld: Reason | None = Field(default=None, description="why there is no volume")
    slices_analyzed: int = Field(default=0, description="slices that were analyzed")
    slices_abstained: int = 0
    slices_rejected: int = Field(default=0, description="slices without an answer: rejected or failed")
    key_slice: str | None = Field(default=None, description="scan id of the slice to look at first")
    image_key: str | None = Field(default=None, description="its image, in the results bucket")
    mask_key: str | None = None
    model_id: str | None = Field(default=None, description="that answered the key slice")
    model_ids: tuple[str, ...] = Field(default=(), description="all that answered slices")
    export_ids: tuple[str, ...] = Field(default=(), description="the uploads that its scans came with")
    reviewed_class: TumorClass | None = Field(default=None, description="`predicted`, as that verdict saw it")
    version: int = Field(default=0, description="changes so far")
    research_use: str = RESEARCH_USE_STATEMENT

    @property
    def day(self) -> str:
        """UTC day of arrival: YYYY-MM-DD."""
        return self.received_at.astimezone(UTC).date().isoformat()

    @property
    def readings(self) -> tuple[Review, ...]:
        """The verdict of each reader that stands, while what they were about is still what was found."""
        return super().readings if self.reviewed_class is self.predicted else ()

    @property
    def finding(self) -> TumorClass | None:
        """The class that stands: a reader's before the network's; None where neither names one."""
        review = self.decisive_review
        return self.predicted if review is None else review.named_class(self.predicted)

    @property
    def review_state(self) -> ReviewState | None:
        """Where it stands with its readers; None if nobody looked and nobody needs to."""
        return self.verdict_state or (ReviewState.NEEDED if self.needs_review else None)

    @property
    def tumor_probability(self) -> float | None:
        """Calibrated probability that there is a tumor of any class."""
        if self.probabilities is None:
            return None
        return max(0.0, 1.0 - self.probabilities.get(TumorClass.NO_TUMOR, 0.0))

    def with_reviews_of(self, before: "Summary | None") -> Self:
        """The same, with what readers said of its former state."""
        if before is None:
            return self
        kept = {
            name: getattr(before, name) for name in (*Reviewed.model_fields.keys() - {"predicted"}, "reviewed_class")
        }
        return self.model_copy(update=kept)

    def reviewed(self, review: Review, rules: ReviewRules = ONE_READER) -> Self:
        """The same after one review more."""
        return self.model_copy(update=self.with_review(review, rules) | {"reviewed_class": self.predicted})


class SeriesSummary(Summary):
    """What a series shows, in the revision of its latest report."""

    series_id: str
    report_revision: int = Field(description="of the report that it was made with")
    geometry: Geometry = Geometry()
    files: dict[str, str] = Field(default_factory=dict, description="keys in the results bucket, by name")
    withheld: dict[str, Reason] = Field(default_factory=dict, description="files that could not be written, and why")
    withdrawn: bool = Field(default=False, description="every slice of it was replaced by newer uploads")


class SeriesVerdict(FrozenModel):
    """A series as its study's verdict sees it."""

    series_id: str
    finding: TumorClass | None = None
    confidence: Probability | None = None
    volume_mm3: float | None = None
    review_state: ReviewState | None = None


class StudySummary(Summary):
    """What a study shows: the verdict of the series that it rests on, and which series say otherwise."""

    study_id: str
    rests_on: str | None = Field(default=None, description="series id")
    series: tuple[SeriesVerdict, ...] = Field(default=(), description="the one that the verdict rests on first")
    disagreeing: tuple[str, ...] = Field(default=(), description="ids of analyzed series that are called otherwise")
    withdrawn: bool = Field(default=False, description="no series of it is left")


def study_of(study_id: str, series: Sequence[SeriesSummary], before: StudySummary | None) -> StudySummary:
    """What a study shows, by its series; their order does not matter.

    The verdict rests on a series that a reader judged before one that only the network did; then on one with a
    tumor; then on the largest volume, the highest confidence, and the first id.

    Args:
        study_id: The study.
        series: All its series as they are now; withdrawn ones do not count.
        before: The study's former state, whose reviews it keeps.
    """
    present = sorted((each for each in series if not each.withdrawn), key=_weight)
    if not present:
        known = before.received_at if before else min(each.received_at for each in series)
        gone = StudySummary(study_id=study_id, received_at=known, outcome=Outcome.ABSTAINED, withdrawn=True)
        return gone.with_reviews_of(before)
    chosen = present[0]
    others = [each for each in present[1:] if each.finding is not None and each.finding is not chosen.finding]
    disagreeing = tuple(each.series_id for each in others if chosen.finding is not None)
    reasons = [reason for each in present if not each.decisive_review for reason in each.review_reasons]
    if disagreeing:
        reasons.insert(0, Reason.SERIES_DISAGREE)
    study = StudySummary(
        **_verdict_of(chosen),
        study_id=study_id,
        patient_id=chosen.patient_id,
        received_at=min(each.received_at for each in present),
        outcome=chosen.outcome,
        needs_review=bool(reasons) or any(each.review_state is ReviewState.NEEDED for each in present),
        review_reasons=tuple(dict.fromkeys(reasons)),
        slices_analyzed=sum(each.slices_analyzed for each in present),
        slices_abstained=sum(each.slices_abstained for each in present),
        slices_rejected=sum(each.slices_rejected for each in present),
        model_ids=tuple(sorted({model for each in present for model in each.model_ids})),
        export_ids=tuple(sorted({export for each in present for export in each.export_ids})),
        rests_on=chosen.series_id,
        series=tuple(map(_as_seen, present)),
        disagreeing=disagreeing,
    )
    return study.with_reviews_of(before)


def _weight(series: SeriesSummary) -> tuple[bool, bool, bool, float, float, str]:
    """Sorts the series that a verdict should rest on first."""
    return (
        series.finding is None,
        series.decisive_review is None,
        series.finding not in TUMORS,
        -(series.volume_mm3 or 0.0),
        -(series.confidence or 0.0),
        series.series_id,
    )


def _verdict_of(series: SeriesSummary) -> dict[str, object]:
    """What a study takes from the series that it rests on; the class is the one that stands."""
    return {
        "predicted": series.finding,
        "probabilities": series.probabilities,
        "confidence": series.probabilities[series.finding] if series.finding and series.probabilities else None,
        "lesions": series.lesions,
        "lesion_count": series.lesion_count,
        "volume_mm3": series.volume_mm3,
        "volume_withheld": series.volume_withheld,
        "key_slice": series.key_slice,
        "image_key": series.image_key,
        "mask_key": series.mask_key,
        "model_id": series.model_id,
    }


def _as_seen(series: SeriesSummary) -> SeriesVerdict:
    return SeriesVerdict(
        series_id=series.series_id,
        finding=series.finding,
        confidence=series.confidence,
        volume_mm3=series.volume_mm3,
        review_state=series.review_state,
    )
