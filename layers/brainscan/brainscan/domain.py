"""What the system talks about: scans, series, exports, findings and their outcomes.

Everything here is pseudonymous by construction: no field may hold a name, an identifier, a date or an
accession number of a patient, nor an uploaded object's key in clear.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION: Final = "1"
RESEARCH_USE_STATEMENT: Final = "Research use only. Not a medical device."


class TumorClass(StrEnum):
    """What the network tells apart; the order is the order of its logits, everywhere."""

    GLIOMA = "glioma"
    MENINGIOMA = "meningioma"
    NO_TUMOR = "no_tumor"
    PITUITARY = "pituitary"


CLASSES: Final = tuple(TumorClass)


class Outcome(StrEnum):
    """What became of a file or scan. `QUEUED` is the only one that is not final."""

    QUEUED = "queued"
    ANALYZED = "analyzed"
    ABSTAINED = "abstained"
    REJECTED = "rejected"
    FAILED = "failed"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why an outcome is what it is, or why a scan needs review. A closed set: scripts may match on it."""

    # rejected: the bytes
    EMPTY_FILE = "empty_file"
    UNRECOGNIZED_CONTENT = "unrecognized_content"
    UNREADABLE = "unreadable"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    CORRUPT_ARCHIVE = "corrupt_archive"
    ENCRYPTED = "encrypted"
    # rejected: the limits
    OBJECT_TOO_LARGE = "object_too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_ENTRIES = "too_many_entries"
    EXPANDED_TOO_LARGE = "expanded_too_large"
    COMPRESSION_RATIO_TOO_HIGH = "compression_ratio_too_high"
    NESTED_TOO_DEEP = "nested_too_deep"
    PATH_TRAVERSAL = "path_traversal"
    # skipped
    NOT_AN_IMAGE = "not_an_image"
    SUPERSEDED = "superseded"
    OBJECT_GONE = "object_gone"
    LOCALIZER = "localizer"
    DERIVED_MAP = "derived_map"
    PHASE_IMAGE = "phase_image"
    OTHER_MODALITY = "other_modality"
    OTHER_BODY_PART = "other_body_part"
    BURNED_IN_TEXT = "burned_in_text"
    # listed by a DICOMDIR, yet no file
    MISSING_FILE = "missing_file"
    PRIVATE_RECORD = "private_record"
    # abstained
    BLANK_IMAGE = "blank_image"
    LOW_CERTAINTY = "low_certainty"
    OUT_OF_SCOPE = "out_of_scope"
    # failed
    RETRIES_EXHAUSTED = "retries_exhausted"
    INTERNAL_ERROR = "internal_error"
    # needs review
    TUMOR_WITHOUT_MASK = "tumor_without_mask"
    MASK_WITHOUT_TUMOR = "mask_without_tumor"
    BORDERLINE_CERTAINTY = "borderline_certainty"
    UNCLEAR_MODALITY = "unclear_modality"
    UNCLEAR_CONTENT = "unclear_content"
    UNCLEAR_BODY_PART = "unclear_body_part"
    # a series needs review
    ISOLATED_SLICE = "isolated_slice"
    MIXED_CLASSES = "mixed_classes"
    SLICES_UNANSWERED = "slices_unanswered"
    SLICE_NEEDS_REVIEW = "slice_needs_review"
    # a volume or an object of a series is withheld
    NO_SLICE_ANALYZED = "no_slice_analyzed"
    NO_TUMOR_FOUND = "no_tumor_found"
    NOT_DICOM = "not_dicom"
    NO_SPACING = "no_spacing"
    NO_POSITIONS = "no_positions"
    NOT_PARALLEL = "not_parallel"
    REPEATED_POSITIONS = "repeated_positions"
    MISSING_SLICES = "missing_slices"
    SINGLE_SLICE = "single_slice"
    UNEVEN_SLICES = "uneven_slices"
    MIXED_GEOMETRY = "mixed_geometry"
    SEVERAL_MULTIFRAME_FILES = "several_multiframe_files"
    UNUSABLE_HEADER = "unusable_header"


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


class Model(BaseModel):
    """Frozen, and closed to fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class BrainscanError(Exception):
    """Base of every error that brainscan raises on purpose. Its text never holds patient data."""


class ScanError(BrainscanError):
    """A scan cannot be read, for a `reason` that becomes part of its outcome."""

    def __init__(self, reason: Reason, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason = reason


class Source(Model):
    """Where a scan came from, without a name in clear."""

    bucket: str
    key_digest: str = Field(description="HMAC-SHA256 of the uploaded key, hex")
    version_id: str = Field(description="the object's version, 'null' in an unversioned bucket")
    entry_digest: str | None = Field(default=None, description="HMAC-SHA256 of the path inside an archive")
    entry_index: int | None = Field(default=None, description="position of the entry in its archive, from 0")
    inner_index: int | None = Field(default=None, description="position in the archive at that position, from 0")
    frame: int | None = Field(default=None, description="frame, page or slice of a file that has several, from 0")


class Scan(Model):
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

    @property
    def day(self) -> str:
        """UTC day of arrival, the worklist's unit: YYYY-MM-DD."""
        return self.received_at.astimezone(UTC).date().isoformat()


class Part(Model):
    """A stretch of an upload that one invocation of intake expands; also a message body of the UploadQueue.

    It names no object: what the upload is called is kept with its staged bytes, in the results bucket.
    """

    export_id: str
    number: int = Field(default=0, description="from 0")
    first: int = Field(default=0, description="place of its first file in the archive")
    stop: int | None = Field(default=None, description="place behind its last file, or as far as it goes")
    offset: int = Field(default=0, description="where in a tar its first header begins")
    last: bool = Field(default=True, description="no part follows, unless a tar turns out to be longer")


class PartDone(Model):
    """What became of a part's files; whole exports are made of these."""

    number: int
    last: bool
    kind: Kind
    files: int
    skipped: int


class Measurements(Model):
    """Size and place of a mask. Pixels are the source's own; `mm` needs its pixel spacing."""

    area_px: int
    area_mm2: float | None = None
    bounding_box: tuple[int, int, int, int] = Field(description="row_min, column_min, row_max, column_max; half-open")
    centroid: tuple[float, float] = Field(description="row, column")
    longest_diameter_px: float
    longest_diameter_mm: float | None = None
    components: int = Field(description="connected regions in the mask")


Probability = Annotated[float, Field(ge=0, le=1)]


class Finding(Model):
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
        return self.model_copy(update={"needs_review": True, "review_reasons": (*self.review_reasons, *flags)})


class Verdict(StrEnum):
    """What a reader says of a finding."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class ReviewState(StrEnum):
    """Where a scan stands with its readers: waiting for one, or the latest verdict."""

    NEEDED = "needed"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class Review(Model):
    """A reader's verdict on a scan. Readers are staff; there is no free text that could hold a patient's data."""

    verdict: Verdict
    corrected: TumorClass | None = Field(default=None, description="the class in the reader's eyes, if corrected")
    reader: str = Field(description="who reviewed, as the identity provider names them")
    reviewed_at: datetime
    revision: int = Field(ge=1, description="1 for a scan's first review")

    @model_validator(mode="after")
    def _corrections_name_a_class(self) -> Self:
        if (self.verdict is Verdict.CORRECTED) != (self.corrected is not None):
            raise ValueError("a correction, and nothing else, names a class")
        return self


class ScanRecord(Scan, Finding):
    """All that is known of one scan: the table item and, once final, `results/{scan_id}/result.json`."""

    schema_version: str = SCHEMA_VERSION
    model_id: str | None = None
    rows: int | None = None
    columns: int | None = None
    spacing_mm: tuple[float, float] | None = Field(default=None, description="row spacing, column spacing")
    image_key: str | None = Field(default=None, description="the scan as a reader sees it, without outline")
    mask_key: str | None = None
    overlay_key: str | None = None
    timings_ms: dict[str, float] = Field(default_factory=dict)
    finished_at: datetime | None = None
    superseded: bool = Field(default=False, description="a later upload of the object, or of the image, exists")
    revision: int = Field(default=0, description="reviews so far; a new review states the revision that it saw")
    review: Review | None = Field(default=None, description="the latest review")
    research_use: str = RESEARCH_USE_STATEMENT

    @classmethod
    def of(cls, scan: Scan, finding: Finding, **known: Any) -> Self:
        """Join a scan with what was found in it."""
        return cls(**scan.model_dump(include=set(Scan.model_fields)), **finding.model_dump(), **known)

    @property
    def called(self) -> TumorClass | None:
        """The class that stands: the reader's, or the network's where it analyzed the scan and no reader objected."""
        if self.review is None:
            return self.predicted if self.outcome is Outcome.ANALYZED else None
        return self.predicted if self.review.verdict is Verdict.CONFIRMED else self.review.corrected

    @property
    def review_state(self) -> ReviewState | None:
        """Where the scan stands with its readers; None if nobody looked and nobody needs to."""
        if self.review is not None:
            return ReviewState(self.review.verdict)
        return ReviewState.NEEDED if self.needs_review else None


class ExportState(StrEnum):
    """How far intake is with an upload."""

    EXPANDING = "expanding"
    EXPANDED = "expanded"
    SUPERSEDED = "superseded"


class Export(Model):
    """One uploaded object and what became of its files.

    `files` and `skipped` are known once `state` is `EXPANDED`; the counts of scans by outcome are live.
    """

    export_id: str
    state: ExportState
    kind: Kind | None = None
    received_at: datetime
    files: int = 0
    skipped: int = 0
    counts: dict[Outcome, int] = Field(default_factory=dict, description="scans by outcome")
    needs_review: int = 0

    @property
    def scans(self) -> int:
        """Scans registered so far."""
        return sum(self.counts.values())

    @property
    def done(self) -> bool:
        """Nothing more will happen to this export by itself."""
        return self.state != ExportState.EXPANDING and not self.counts.get(Outcome.QUEUED, 0)


class Series(Model):
    """Slices that belong together, as far as they have arrived."""

    series_id: str
    study_id: str | None = None
    patient_id: str | None = None
    expected: int = Field(description="slices registered so far, less those of replaced uploads")
    remaining: int = Field(default=0, description="slices without a final outcome")
    revision: int = Field(default=0, description="outcomes of its slices so far; it only grows")


class DayStatistics(Model):
    """Scans that arrived on a UTC day, counted live; those that a newer version replaced count no more."""

    day: str
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    findings: dict[TumorClass, int] = Field(default_factory=dict, description="analyzed scans by the class that stands")
    reviews: dict[ReviewState, int] = Field(default_factory=dict)
    models: dict[str, int] = Field(default_factory=dict, description="scans that a model answered, by its id")


class ClassFinding(Model):
    """A tumor class that a series shows: where, how large, how sure. Sizes in mm need the pixel spacing."""

    tumor_class: TumorClass
    segment: int = Field(description="number of its segment in the DICOM SEG, from 1")
    probability: Probability = Field(description="mean over its slices, weighted by the mask's area")
    slices: int
    key_slice: str = Field(description="scan id of the slice with the largest mask")
    key_area_px: int
    key_area_mm2: float | None = None
    longest_diameter_px: float = Field(description="in plane, the longest of all slices")
    longest_diameter_mm: float | None = None
    volume_mm3: float | None = None
    volume_withheld: Reason | None = None


class SliceAnswer(Model):
    """One slice as the series' answer saw it."""

    scan_id: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    predicted: TumorClass | None = None
    probabilities: dict[TumorClass, Probability] | None = None
    area_px: int = 0
    area_mm2: float | None = None
    position_mm: float | None = Field(default=None, description="along the normal of the slices, from the first one")
    counted: bool = Field(default=False, description="its mask is part of a finding of the series")


class SeriesAnswer(Model):
    """What a whole series shows: `reports/{series_id}/{revision}/series.json`."""

    schema_version: str = SCHEMA_VERSION
    series_id: str
    study_id: str | None = None
    patient_id: str | None = None
    revision: int
    outcome: Outcome = Field(description="analyzed, or abstained where no slice was analyzed")
    predicted: TumorClass | None = None
    probabilities: dict[TumorClass, Probability] | None = None
    confidence: Probability | None = None
    needs_review: bool = False
    review_reasons: tuple[Reason, ...] = ()
    findings: tuple[ClassFinding, ...] = Field(default=(), description="the largest volume, or else area, first")
    slices: tuple[SliceAnswer, ...] = Field(default=(), description="in the order of their positions")
    model_ids: tuple[str, ...] = ()
    finished_at: datetime | None = Field(default=None, description="when the last slice was")
    files: dict[str, str] = Field(default_factory=dict, description="keys in the results bucket, by name")
    withheld: dict[str, Reason] = Field(default_factory=dict, description="files that could not be written, and why")
    research_use: str = RESEARCH_USE_STATEMENT


class Report(Model):
    """That a series was reported, in which revision, and what was found: the table's item and the event's detail."""

    series_id: str
    study_id: str | None = None
    patient_id: str | None = None
    revision: int
    outcome: Outcome
    predicted: TumorClass | None = None
    confidence: Probability | None = None
    needs_review: bool = False
    volumes_mm3: dict[TumorClass, float] = Field(default_factory=dict, description="of the classes found, where known")
    files: dict[str, str] = Field(default_factory=dict, description="keys in the results bucket, by name")
    announced: bool = Field(default=False, description="its event was sent")
    research_use: str = RESEARCH_USE_STATEMENT
