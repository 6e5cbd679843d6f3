"""A series: slices that belong together, what they show as a whole, and the report of it."""

from datetime import datetime

from pydantic import Field

from brainscan.domain.base import RESEARCH_USE_STATEMENT, SCHEMA_VERSION, Model, Probability
from brainscan.domain.reasons import Outcome, Reason
from brainscan.terminology import TumorClass


class Series(Model):
    """Slices that belong together, as far as they have arrived."""

    series_id: str
    study_id: str | None = None
    patient_id: str | None = None
    expected: int = Field(description="slices registered so far, less those of replaced uploads")
    remaining: int = Field(default=0, description="slices without a final outcome")
    revision: int = Field(default=0, description="outcomes of its slices so far; it only grows")


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


class SliceResult(Model):
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


class SeriesResult(Model):
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
    slices: tuple[SliceResult, ...] = Field(default=(), description="in the order of their positions")
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
