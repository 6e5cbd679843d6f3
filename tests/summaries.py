"""Summaries of series that tests put into tables."""

from datetime import timedelta
from typing import Any

from brainscan.domain import CLASSES, Outcome, SeriesSummary, TumorClass
from tests.making import NOON, PSEUDONYMS

DAY = NOON.date().isoformat()
STUDY = "6" * 32
PATIENT = "7" * 32


def a_series(
    number: int = 0, called: TumorClass = TumorClass.GLIOMA, confidence: float = 0.9, **changes: Any
) -> SeriesSummary:
    """A reported series of one study; `number` makes it one of many."""
    rest = (1 - confidence) / (len(CLASSES) - 1)
    fields: dict[str, Any] = {
        "series_id": PSEUDONYMS.digest("series", number),
        "study_id": STUDY,
        "patient_id": PATIENT,
        "report_revision": 6,
        "received_at": NOON + timedelta(minutes=number),
        "outcome": Outcome.ANALYZED,
        "predicted": called,
        "probabilities": {each: confidence if each is called else rest for each in CLASSES},
        "confidence": confidence,
        "volume_mm3": 0.0 if called is TumorClass.NO_TUMOR else 1000.0,
        "slices_analyzed": 6,
        "model_id": "f" * 64,
        "model_ids": ("f" * 64,),
        "export_ids": (PSEUDONYMS.export_id("uploads", "an export", "v1"),),
    }
    return SeriesSummary(**fields | changes)
