"""What the API takes and answers, and with it the OpenAPI document."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field

from brainscan.domain import (
    RESEARCH_USE_STATEMENT,
    DayStatistics,
    Export,
    FrozenModel,
    Probability,
    Review,
    ReviewState,
    ScanRecord,
    TumorClass,
    Verdict,
)
from brainscan.domain.comment import MOST_CHARACTERS
from brainscan.domain.gate import GateResult
from brainscan.domain.model_version import ModelChange, ModelState, ModelVersion
from brainscan.store.table.worklist_filter import WorklistCounts


class Link(FrozenModel):
    """A short-lived address of one object."""

    name: str
    url: str
    content_type: str
    expires_at: datetime


class ScanView(ScanRecord):
    """A scan, and where its images are."""

    model_config = ConfigDict(extra="ignore")

    links: tuple[Link, ...] = Field(description="image, mask, result, a reader's mask; the source while it is kept")
    blinded: bool = Field(default=False, description="another reader has judged it, and you see that once you have")

    @computed_field(description="the class that stands: the reader's, or the network's")  # type: ignore[prop-decorator]
    @property
    def finding(self) -> TumorClass | None:
        return super().finding

    @computed_field(description="where the scan stands with its readers")  # type: ignore[prop-decorator]
    @property
    def review_state(self) -> ReviewState | None:
        return ReviewState.SECOND if self.blinded else super().review_state


class ExportView(Export):
    """An export with its live progress."""

    model_config = ConfigDict(extra="ignore")

    research_use: str = RESEARCH_USE_STATEMENT

    @computed_field(description="scans registered so far")  # type: ignore[prop-decorator]
    @property
    def scans(self) -> int:
        return super().scans

    @computed_field(description="nothing more will happen to this export by itself")  # type: ignore[prop-decorator]
    @property
    def done(self) -> bool:
        return super().done


class ScanPage(FrozenModel):
    """Some scans, in the order of the question."""

    items: tuple[ScanView, ...]
    cursor: str | None = Field(description="asks for what follows; null at the end")
    research_use: str = RESEARCH_USE_STATEMENT


class CountsResponse(FrozenModel):
    """How many there are for each value of a filter, among those that pass all other filters."""

    model_config = ConfigDict(extra="ignore")

    total: int = Field(description="that pass all filters")
    findings: dict[str, int] = Field(description="by the class that stands; `none` without one")
    reviews: dict[str, int] = Field(description="by review state; `none` where nobody looked and nobody needs to")
    models: dict[str, int] = Field(description="by the model that answered")
    readers: dict[str, int] = Field(description="by the reader whose verdict is the latest")
    complete: bool = Field(description="false where there are more than were counted")
    research_use: str = RESEARCH_USE_STATEMENT

    @classmethod
    def of(cls, counts: WorklistCounts) -> Self:
        """What was counted, as far as the list has the filter."""
        return cls(**counts.model_dump())


class ScanCountsResponse(CountsResponse):
    """How many scans there are for each value of a filter, among those that pass all other filters."""

    outcomes: dict[str, int] = Field(description="by what became of the scan")


class ExportPage(FrozenModel):
    """Some exports, latest first, without their live counts."""

    items: tuple[Export, ...]
    cursor: str | None = Field(description="asks for what follows; null at the end")
    research_use: str = RESEARCH_USE_STATEMENT


class StatisticsResponse(FrozenModel):
    """Counts a day, latest first."""

    days: tuple[DayStatistics, ...]
    research_use: str = RESEARCH_USE_STATEMENT


class ModelInUse(FrozenModel):
    """A version of the network, and what it answered."""

    model_id: str
    scans: int


class ModelVersionView(ModelVersion):
    """A version of the network as it was added, where it stands now, and what its gate said last."""

    model_config = ConfigDict(extra="ignore")

    state: ModelState
    share: Probability | None = Field(description="of the live scans that it sees as a shadow")
    gate: GateResult | None = Field(description="null: it was never compared")


class ModelsResponse(FrozenModel):
    """Versions of the network: those that answered scans of some days, and the registry."""

    models: tuple[ModelInUse, ...] = Field(description="that answered, the busiest first")
    served: str | None = Field(description="id of the version that answers now; null: the image's own model")
    versions: tuple[ModelVersionView, ...] = Field(description="that were added, the latest first")
    changes: tuple[ModelChange, ...] = Field(description="who brought which version into which state, the latest first")
    research_use: str = RESEARCH_USE_STATEMENT


class NewReview(BaseModel):
    """A reader's verdict; the reader's name comes from the token."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    corrected: TumorClass | None = Field(default=None, description="with `corrected`, and only then")
    revision: Annotated[int, Field(ge=0, le=999_998, description="`revision` of what the reader looked at")]
    seconds: Annotated[float | None, Field(ge=0, le=86_400, description="how long the reader looked at it")] = None
    comment: Annotated[
        str | None,
        Field(max_length=MOST_CHARACTERS, description="in words that name nobody; refused if it looks as if it did"),
    ] = None


class ReviewView(Review):
    """A verdict, and where the mask is that came with it."""

    mask: Link | None = Field(default=None, description="the mask that the reader drew")


class HistoryResponse(FrozenModel):
    """All reviews of a scan, a series or a study, the first one first."""

    items: tuple[ReviewView, ...]
    research_use: str = RESEARCH_USE_STATEMENT


class FieldProblem(FrozenModel):
    """One field of a request that is wrong; its value is not repeated."""

    field: str
    problem: str


class Problem(FrozenModel):
    """A problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    research_use: str = RESEARCH_USE_STATEMENT


class PageSettings(FrozenModel):
    """What the worklist page needs to know before anyone signs in."""

    client_id: str = Field(description="the page's client at the OpenID Connect issuer; empty where nobody signs in")
    authorization_endpoint: str = Field(description="empty while the issuer cannot be reached")
    token_endpoint: str
    end_session_endpoint: str = Field(description="empty where the issuer has none")
    scopes: tuple[str, ...]
    readers: int = Field(default=1, description="how many read each case")
    uploads: bool = Field(description="whether the page takes files")
    research_use: str = RESEARCH_USE_STATEMENT
