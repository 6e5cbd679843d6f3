"""What readers said of scans and series -> slices with labels and masks, which training reads as a set of its own.

A verdict on a scan is about that slice. A verdict on a series that it shows no tumor is about each of its slices, one
that it shows a tumor about its key slice alone. A mask that a reader drew goes with the class; without one, what a
reader confirmed keeps the network's mask, and of what a reader called otherwise no mask is known. Rejected findings
say nothing, and nothing is taken from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from brainscan.domain import Geometry, Outcome, Review, ReviewState, ScanRecord, SeriesSummary, TumorClass, Verdict
from brainscan.store import Table
from brainscan.store.table.query import all_pages
from brainscan.store.table.worklist_filter import WorklistFilter

REVIEWED = (ReviewState.CONFIRMED, ReviewState.CORRECTED)

PLANES = ("sagittal", "coronal", "axial")
"""By the axis of the patient that a series' slices follow: x, y, z."""


@dataclass(frozen=True)
class Correction:
    """A slice that a reader judged, by itself or with its series."""

    record: ScanRecord
    label: TumorClass
    review: Review
    history: tuple[Review, ...]
    plane: str = ""

    @property
    def mask_key(self) -> str | None:
        """The mask in the results bucket that the reader drew, or else agreed with; no tumor needs none."""
        if self.label is TumorClass.NO_TUMOR:
            return None
        agreed = self.review.verdict is Verdict.CONFIRMED and self.record.predicted is self.label
        return self.review.drawn_key or (self.record.mask_key if agreed else None)

    @property
    def group(self) -> str:
        """What no split may tear apart, by its pseudonym."""
        return self.record.patient_id or self.record.series_id or self.record.scan_id


def corrections(table: Table, first: str, last: str) -> Iterator[Correction]:
    """Every slice of these days that a reader judged and that has an image, once; a verdict of its own goes first.

    Args:
        table: The table.
        first: First UTC day of arrival.
        last: Last UTC day of arrival.
    """
    given: set[str] = set()
    for found in (_of_scans(table, first, last), _of_series(table, first, last)):
        for each in found:
            if each.record.scan_id not in given and each.record.image_key:
                given.add(each.record.scan_id)
                yield each


def _of_scans(table: Table, first: str, last: str) -> Iterator[Correction]:
    for state in REVIEWED:
        wanted = WorklistFilter(first=first, last=last, review=state)
        for record in all_pages(partial(table.worklist.scans, wanted)):
            if record.finding and (review := record.decisive_review):
                plane = _plane(table.summaries.series(record.series_id) if record.series_id else None)
                history = tuple(table.scans.history(record.scan_id))
                yield Correction(record, record.finding, _drawn_by_any(record, review), history, plane)


def _of_series(table: Table, first: str, last: str) -> Iterator[Correction]:
    for state in REVIEWED:
        wanted = WorklistFilter(first=first, last=last, review=state)
        for series in all_pages(partial(table.worklist.series, wanted)):
            history = tuple(table.summaries.series_history(series.series_id))
            for record in _slices(table, series):
                if series.finding and (review := series.decisive_review):
                    yield Correction(record, series.finding, review, history, _plane(series))


def _drawn_by_any(record: ScanRecord, review: Review) -> Review:
    """The verdict that counts, with the latest mask that a reader drew for its class where it brings none."""
    if review.drawn_key:
        return review
    called = review.named_class(record.predicted)
    drawn = [each for each in record.readings if each.drawn_key and each.named_class(record.predicted) is called]
    return review.model_copy(update={"drawn_key": drawn[-1].drawn_key, "dice": drawn[-1].dice}) if drawn else review


def _slices(table: Table, series: SeriesSummary) -> list[ScanRecord]:
    """Those that a verdict on the whole series is about, unless a reader judged them otherwise by themselves."""
    if series.finding is not TumorClass.NO_TUMOR:
        key = table.scans.get(series.key_slice) if series.key_slice else None
        return [key] if key and key.outcome is Outcome.ANALYZED else []
    found = all_pages(partial(table.series.scans, series.series_id))
    return [record for record in found if record.outcome is Outcome.ANALYZED and not record.readings]


def _plane(series: SeriesSummary | None) -> str:
    """The plane that a series' slices lie in, where one fits better than the others; empty where nothing is known."""
    geometry = series.geometry if series else Geometry()
    if geometry.normal is None:
        return ""
    along = [abs(each) for each in geometry.normal]
    return PLANES[along.index(max(along))]
