"""What the API answers of series and studies."""

from pydantic import ConfigDict, Field, computed_field

from brainscan.api.models import Link
from brainscan.domain import (
    RESEARCH_USE_STATEMENT,
    Delivery,
    FrozenModel,
    ReviewState,
    Series,
    SeriesSummary,
    StudySummary,
    Summary,
    TumorClass,
)
from brainscan.domain.follow_up import FollowUp


class SummaryView(Summary):
    """What series and studies show alike, and where the slice to look at first is."""

    model_config = ConfigDict(extra="ignore")

    links: tuple[Link, ...] = Field(description="image and mask of the key slice")
    blinded: bool = Field(default=False, description="another reader has judged it, and you see that once you have")

    @computed_field(description="the class that stands: the reader's, or the network's")  # type: ignore[prop-decorator]
    @property
    def finding(self) -> TumorClass | None:
        return super().finding

    @computed_field(description="where it stands with its readers")  # type: ignore[prop-decorator]
    @property
    def review_state(self) -> ReviewState | None:
        return ReviewState.SECOND if self.blinded else super().review_state

    @computed_field(description="calibrated probability of a tumor of any class")  # type: ignore[prop-decorator]
    @property
    def tumor_probability(self) -> float | None:
        return super().tumor_probability


class SeriesSummaryView(SummaryView, SeriesSummary):
    """What a series shows, with its report."""

    reports: tuple[Link, ...] = Field(description="segmentation, report and whatever else was written for the series")


class StudyView(SummaryView, StudySummary):
    """What a study shows."""


class StudyWithSeries(StudyView):
    """What a study shows, and each of its series."""

    of_series: tuple[SeriesSummaryView, ...] = Field(description="the one that the verdict rests on first")


class SeriesView(Series):
    """A series: its live counts, what it shows, and the answers that were written for it."""

    summary: SeriesSummaryView | None = Field(description="null until its first report")
    links: tuple[Link, ...] = Field(description="segmentation, report and whatever else was written for the series")
    delivery: Delivery | None = Field(
        default=None, description="what became of the latest report on its way to the PACS; null while it waits"
    )
    research_use: str = RESEARCH_USE_STATEMENT


class StudyPage(FrozenModel):
    """Some studies, in the order of the question."""

    items: tuple[StudyView, ...]
    cursor: str | None = Field(description="asks for what follows; null at the end")
    research_use: str = RESEARCH_USE_STATEMENT


class SeriesPage(FrozenModel):
    """Some series, in the order of the question."""

    items: tuple[SeriesSummaryView, ...]
    cursor: str | None = Field(description="asks for what follows; null at the end")
    research_use: str = RESEARCH_USE_STATEMENT


class PatientHistory(FrozenModel):
    """All studies of a patient, the first to arrive first, and how volumes change from each to the next."""

    items: tuple[StudyView, ...]
    follow_ups: tuple[FollowUp, ...] = Field(description="of each study, in the same order")
    research_use: str = RESEARCH_USE_STATEMENT
