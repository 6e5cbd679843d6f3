"""A scan: one two-dimensional image, where it came from, and what was found in it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from brainscan.domain.base import RESEARCH_USE_STATEMENT, SCHEMA_VERSION, FrozenModel, Probability
from brainscan.domain.reasons import Outcome, Reason
from brainscan.domain.review import ReviewState
from brainscan.domain.reviewed import Reviewed
from brainscan.domain.traits import Traits
from brainscan.terminology import TumorClass


class Kind(StrEnum):
    """What a file is, by its content."""

    DICOM = "dicom"
    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    NIFTI = "nifti"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    EMPTY = "empty"
    OTHER = "other"


class Source(FrozenModel):
    """Where a scan came from, without a name in clear."""

    bucket: str
    key_digest: str = Field(description="HMAC-SHA256 of the uploaded key, hex; empty once erased")
    version_id: str = Field(description="the object's version, 'null' in an unversioned bucket")
    entry_digest: str | None = Field(default=None, description="HMAC-SHA256 of the path inside an archive")
    entry_index: int | None = Field(default=None, description="position of the entry in its archive, from 0")
    inner_index: int | None = Field(default=None, description="position in the archive at that position, from 0")
    frame: int | None = Field(default=None, description="frame, page or slice of a file that has several, from 0")


class Scan(FrozenModel):
    """One two-dimensional image that gets one outcome; also the body of a ScanQueue message."""

    scan_id: str
    export_id: str
    series_id: str | None = None
    study_id: str | None = None
    patient_id: str | None = None
    instance_id: str | None = Field(default=None, description="the image in its series, whichever upload brought it")
    source: Source
    kind: Kind
    staged_key: str = Field(description="key in the results bucket of the bytes that hold this scan")
    received_at: datetime
    order: int = Field(default=0, description="sorts the slices of a series; see dicom.geometry.frame_order")
    flags: tuple[Reason, ...] = Field(default=(), description="what intake found that a reader should check")
    site: str | None = Field(default=None, description="where it comes from, by the prefix that it was uploaded under")
    traits: Traits | None = Field(
        default=None, description="device, weighting, brightness, scope distance: domain/traits"
    )

    @property
    def day(self) -> str:
        """UTC day of arrival, the worklist's unit: YYYY-MM-DD."""
        return self.received_at.astimezone(UTC).date().isoformat()


class Measurements(FrozenModel):
    """Size and place of a mask. Pixels are the source's own; `mm` needs its pixel spacing."""

    area_px: int
    area_mm2: float | None = None
    bounding_box: tuple[int, int, int, int] = Field(description="row_min, column_min, row_max, column_max; half-open")
    centroid: tuple[float, float] = Field(description="row, column")
    longest_diameter_px: float
    longest_diameter_mm: float | None = None
    components: int = Field(description="connected regions in the mask")


class Finding(FrozenModel):
    """What the network's answer means: the call, how sure it is, and what a reader should look at."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    predicted: TumorClass | None = None
    probabilities: dict[TumorClass, Probability] | None = None
    confidence: Probability | None = None
    needs_review: bool = False
    review_reasons: tuple[Reason, ...] = ()
    tumor: Measurements | None = None

    def flagged(self, flags: tuple[Reason, ...]) -> "Finding":
        """The same finding, for review where intake had doubts about the scan."""
        if not flags or self.outcome not in {Outcome.ANALYZED, Outcome.ABSTAINED}:
            return self
        reasons = tuple(dict.fromkeys((*self.review_reasons, *flags)))
        return self.model_copy(update={"needs_review": True, "review_reasons": reasons})


class ScanVerdict(Finding, Reviewed):
    """What was found in a scan and what its readers say of it: what comes of both."""

    @property
    def finding(self) -> TumorClass | None:
        """The class that stands: the reader's, or the network's where it analyzed the scan and no reader objected."""
        if (review := self.decisive_review) is not None:
            return review.named_class(self.predicted)
        return self.predicted if self.outcome is Outcome.ANALYZED else None

    @property
    def review_state(self) -> ReviewState | None:
        """Where the scan stands with its readers; None if nobody looked and nobody needs to."""
        return self.verdict_state or (ReviewState.NEEDED if self.needs_review else None)


class ScanRecord(Scan, ScanVerdict):
    """All that is known of one scan: the table item and, once final, the object at `result_key`."""

    schema_version: str = SCHEMA_VERSION
    model_id: str | None = None
    rows: int | None = None
    columns: int | None = None
    spacing_mm: tuple[float, float] | None = Field(default=None, description="row spacing, column spacing")
    result_key: str | None = Field(default=None, description="this record as the attempt that won wrote it")
    image_key: str | None = Field(default=None, description="the scan as a reader sees it, without outline")
    mask_key: str | None = Field(default=None, description="its mask; none where nothing is outlined")
    timings_ms: dict[str, float] = Field(default_factory=dict)
    finished_at: datetime | None = None
    superseded: bool = Field(
        default=False, description="a later upload of the object, or of the image, exists; or its patient was erased"
    )
    research_use: str = RESEARCH_USE_STATEMENT

    @classmethod
    def of(cls, scan: Scan, finding: Finding, **known: Any) -> Self:
        """Join a scan with what was found in it."""
        return cls(**scan.model_dump(include=set(Scan.model_fields)), **finding.model_dump(), **known)

    @property
    def is_erased(self) -> bool:
        """Whether its patient was erased, and this is all that stays of it."""
        return Reason.ERASED in self.reasons

    def erased(self) -> "ScanRecord":
        """What stays once its patient is erased: that a file was this scan, so that nothing brings it back.

        Nothing says what it showed, what it was called, or to which series it belonged; the patient's key stays, by
        which a repeat finds what is left.
        """
        return ScanRecord(
            scan_id=self.scan_id,
            export_id=self.export_id,
            patient_id=self.patient_id,
            source=self.source.model_copy(update={"key_digest": "", "entry_digest": None}),
            kind=self.kind,
            staged_key=self.staged_key,
            received_at=self.received_at,
            site=self.site,  # whose counts lack the scan from now on
            outcome=Outcome.SKIPPED,
            reasons=(Reason.ERASED,),
            superseded=True,
        )

    @property
    def export_ids(self) -> tuple[str, ...]:
        """The one upload that it came with, as series and studies have theirs."""
        return (self.export_id,)
