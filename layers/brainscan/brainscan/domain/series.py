"""A series: slices that belong together, what they show as a whole, and the report of it."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import Field

from brainscan.domain.base import RESEARCH_USE_STATEMENT, FrozenModel, Probability
from brainscan.domain.reasons import Outcome, Reason
from brainscan.terminology import TumorClass

SERIES_SCHEMA_VERSION: Final = "2"
"""Of `series.json`: since 2 it lists lesions, and segments are lesions."""


class Series(FrozenModel):
    """Slices that belong together, as far as they have arrived."""

    series_id: str
    study_id: str | None = None
    patient_id: str | None = None
    expected: int = Field(description="slices registered so far, less those of replaced uploads")
    remaining: int = Field(default=0, description="slices without a final outcome")
    revision: int = Field(default=0, description="outcomes of its slices so far; it only grows")


class Lesion(FrozenModel):
    """A mass: what is outlined and connected over neighbouring slices. Sizes in mm need the pixel spacing."""

    number: int = Field(description="from 1, the largest first; its segment in the DICOM SEG")
    tumor_class: TumorClass
    probability: Probability = Field(description="mean over its slices, weighted by its area on them")
    slices: tuple[str, ...] = Field(description="scan ids, in the order of their places")
    key_slice: str = Field(description="scan id of the slice on which its area is largest")
    key_area_px: int
    key_area_mm2: float | None = None
    longest_diameter_px: float = Field(description="within a slice, the longest of all slices")
    perpendicular_diameter_px: float = Field(description="its width at a right angle to it, on that slice")
    longest_diameter_mm: float | None = None
    perpendicular_diameter_mm: float | None = None
    centroid: tuple[float, float] = Field(description="row, column; mean over its slices")
    centroid_mm: tuple[float, float, float] | None = Field(default=None, description="x, y, z in the patient (LPS)")
    volume_mm3: float | None = None
    volume_withheld: Reason | None = None


class ClassFinding(FrozenModel):
    """A tumor class that a series shows: its lesions together. Sizes in mm need the pixel spacing."""

    tumor_class: TumorClass
    probability: Probability = Field(description="mean over its slices, weighted by the mask's area")
    lesions: int
    slices: int
    key_slice: str = Field(description="scan id of the slice with the largest outline of one lesion")
    key_area_px: int
    key_area_mm2: float | None = None
    longest_diameter_px: float = Field(description="in plane, the longest of all lesions")
    longest_diameter_mm: float | None = None
    volume_mm3: float | None = None
    volume_withheld: Reason | None = None


class AcquisitionResult(FrozenModel):
    """What one acquisition of a series shows: parallel slices taken in one way, each place once."""

    image_type: tuple[str, ...] = ()
    echo_time_ms: float | None = None
    temporal_position: float | None = None
    b_value: float | None = Field(default=None, description="s/mm2")
    slices: int = Field(description="of those analyzed")
    counted: int = Field(description="slices with a tumor that a neighbour supports")
    predicted: TumorClass
    probabilities: dict[TumorClass, Probability]
    confidence: Probability


class SliceResult(FrozenModel):
    """One slice as the series' answer saw it."""

    scan_id: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    predicted: TumorClass | None = None
    probabilities: dict[TumorClass, Probability] | None = None
    area_px: int = 0
    area_mm2: float | None = None
    acquisition: int | None = Field(default=None, description="number of its acquisition, from 1, if analyzed")
    position_mm: float | None = Field(default=None, description="along the normal, from its acquisition's first slice")
    counted: bool = Field(default=False, description="its mask is part of a lesion of the series")


class SeriesResult(FrozenModel):
    """What a whole series shows: `reports/{series_id}/{revision}/series.json`."""

    schema_version: str = SERIES_SCHEMA_VERSION
    series_id: str
    study_id: str | None = None
    patient_id: str | None = None
    revision: int
    outcome: Outcome = Field(
        description="analyzed, abstained where too few slices are for a verdict, failed where it could not be reported"
    )
    predicted: TumorClass | None = None
    probabilities: dict[TumorClass, Probability] | None = None
    confidence: Probability | None = None
    needs_review: bool = False
    review_reasons: tuple[Reason, ...] = ()
    findings: tuple[ClassFinding, ...] = Field(default=(), description="the largest volume, or else area, first")
    lesions: tuple[Lesion, ...] = Field(default=(), description="the largest volume, or else area, first")
    acquisitions: tuple[AcquisitionResult, ...] = Field(default=(), description="each called by itself")
    rests_on: int | None = Field(default=None, description="number, from 1, of the acquisition whose call it is")
    slices: tuple[SliceResult, ...] = Field(default=(), description="by acquisition, in the order of their positions")
    model_ids: tuple[str, ...] = ()
    finished_at: datetime | None = Field(default=None, description="when the last slice was")
    files: dict[str, str] = Field(default_factory=dict, description="keys in the results bucket, by name")
    withheld: dict[str, Reason] = Field(default_factory=dict, description="files that could not be written, and why")
    research_use: str = RESEARCH_USE_STATEMENT


class DeliveryState(StrEnum):
    """How far a report is on its way to the PACS, once that is known."""

    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(FrozenModel):
    """What became of a report on its way to the PACS."""

    state: DeliveryState
    at: datetime
    objects: int = Field(default=0, description="DICOM objects that the PACS took")
    reason: Reason | None = Field(default=None, description="why it failed; it can be sent again by `brainscan dlq`")


class Report(FrozenModel):
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
    delivery: Delivery | None = Field(default=None, description="what became of it on its way to the PACS")
    research_use: str = RESEARCH_USE_STATEMENT


class GivenUpReport(FrozenModel):
    """A series that could not be reported in a revision: what a message in the `ReportDLQ` says."""

    series_id: str
    revision: int
