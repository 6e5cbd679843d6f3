"""What the system talks about: scans, series, exports, reviews, and their outcomes with reasons.

Everything here is pseudonymous by construction: no field may hold a name, an identifier, a date or an
accession number of a patient, nor an uploaded object's key in clear.
"""

from brainscan.domain.base import RESEARCH_USE_STATEMENT, SCHEMA_VERSION, BrainscanError, FrozenModel, Probability
from brainscan.domain.export import DayStatistics, Export, ExportState, Part, PartDone
from brainscan.domain.reasons import ANSWERED, Outcome, Reason, ScanError
from brainscan.domain.review import Opinion, Review, ReviewState, Verdict
from brainscan.domain.reviewed import ONE_READER, AdjudicatorNeededError, NothingToWithdrawError, Reviewed, ReviewRules
from brainscan.domain.scan import Finding, Kind, Measurements, Scan, ScanRecord, ScanVerdict, Source
from brainscan.domain.series import (
    AcquisitionResult,
    ClassFinding,
    Delivery,
    DeliveryState,
    GivenUpReport,
    Lesion,
    Report,
    Series,
    SeriesResult,
    SliceResult,
)
from brainscan.domain.summary import (
    Geometry,
    LesionSummary,
    SeriesSummary,
    SeriesVerdict,
    StudySummary,
    Summary,
    study_of,
)
from brainscan.terminology import CLASSES, TUMORS, TumorClass

__all__ = [
    "ANSWERED",
    "CLASSES",
    "ONE_READER",
    "RESEARCH_USE_STATEMENT",
    "SCHEMA_VERSION",
    "TUMORS",
    "AcquisitionResult",
    "AdjudicatorNeededError",
    "BrainscanError",
    "ClassFinding",
    "DayStatistics",
    "Delivery",
    "DeliveryState",
    "Export",
    "ExportState",
    "Finding",
    "FrozenModel",
    "Geometry",
    "GivenUpReport",
    "Kind",
    "Lesion",
    "LesionSummary",
    "Measurements",
    "NothingToWithdrawError",
    "Opinion",
    "Outcome",
    "Part",
    "PartDone",
    "Probability",
    "Reason",
    "Report",
    "Review",
    "ReviewRules",
    "ReviewState",
    "Reviewed",
    "Scan",
    "ScanError",
    "ScanRecord",
    "ScanVerdict",
    "Series",
    "SeriesResult",
    "SeriesSummary",
    "SeriesVerdict",
    "SliceResult",
    "Source",
    "StudySummary",
    "Summary",
    "TumorClass",
    "Verdict",
    "study_of",
]
