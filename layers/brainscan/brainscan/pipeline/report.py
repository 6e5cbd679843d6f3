"""A series of which every slice has its outcome -> its summary, DICOM objects and FHIR bundle, and one event.

A report has the revision that the series had: how many outcomes its slices had so far. A slice that arrives or is
tried again later raises it, and the series is reported anew beside the former report; a repeat changes nothing.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from brainscan.domain import BrainscanError, Reason, Report, ScanRecord, Series, SeriesAnswer, SliceAnswer
from brainscan.imaging.volume import positions_mm, widths_mm
from brainscan.inference.series import SeriesCall, call_series
from brainscan.pipeline.objects import Slice, dicom_objects, sources_of
from brainscan.pipeline.summary import write_report
from brainscan.services import Services


class SeriesUnsettledError(BrainscanError):
    """The table's index does not show all slices of the series yet; the record is retried."""


class State(StrEnum):
    """What became of a series that was looked at."""

    WAITING = "waiting"
    REPORTED = "reported"
    REPEAT = "repeat"


@dataclass(frozen=True)
class Reported:
    """A series, what was done, and its latest report."""

    series_id: str
    state: State
    report: Report | None = None


def report(series_id: str, services: Services) -> Reported:
    """Report a series if none of its slices waits and it has changed since its last report.

    Raises:
        SeriesUnsettledError, BusError, botocore.exceptions.ClientError: to be retried.
    """
    series = services.scans.series(series_id)
    if series is None or series.remaining or not series.expected:
        return Reported(series_id, State.WAITING)
    known = services.reports.latest(series_id)
    state = State.REPEAT
    if known is None or known.revision < series.revision:
        state = State.REPORTED
        known = _write(series, services)
        if not services.reports.commit(known):
            return Reported(series_id, State.REPEAT, known)
    if not known.announced:
        services.bus.announce(known)
        services.reports.mark_announced(known)
    return Reported(series_id, state, known)


def _write(series: Series, services: Services) -> Report:
    records = services.scans.slices(series)
    if records is None:
        raise SeriesUnsettledError(f"the slices of series {series.series_id} are not all visible yet")
    with ThreadPoolExecutor(max_workers=16) as pool:
        slices = sources_of(records, services, pool)
        answer, places = answer_of(series, slices)
        made = dicom_objects(answer, slices, places, services, pool)
        return write_report(answer, made, services)


def answer_of(series: Series, slices: Sequence[Slice]) -> tuple[SeriesAnswer, Reason | None]:
    """What a series shows.

    Returns:
        The answer, and why the analyzed slices have no common geometry, if they have none.
    """
    analyzed = [each for each in slices if each.analyzed]
    positions = positions_mm([each.image.plane if each.image else None for each in analyzed])
    if isinstance(positions, Reason):
        place_of: dict[str, float] = {}
        widths: dict[str, float] | Reason = positions
    else:
        ids = [each.record.scan_id for each in analyzed]
        place_of = dict(zip(ids, map(float, positions), strict=True))
        found = widths_mm(positions)
        widths = found if isinstance(found, Reason) else dict(zip(ids, map(float, found), strict=True))
    ordered = in_order([each.record for each in slices], place_of)
    call = call_series(ordered, widths)
    return _answer(series, ordered, call, place_of), positions if isinstance(positions, Reason) else None


def in_order(records: Sequence[ScanRecord], place_of: dict[str, float]) -> list[ScanRecord]:
    """The slices of a series by place; those without one, for want of an answer, where their `order` puts them.

    Args:
        records: of all slices.
        place_of: millimetres along the common normal by scan id, of the analyzed slices; empty where they have none.
    """
    known = sorted((record.order, place_of[record.scan_id]) for record in records if record.scan_id in place_of)
    orders, places = zip(*known, strict=True) if known else ((0,), (0.0,))
    guesses = np.interp([record.order for record in records], orders, places)
    place = {each.scan_id: place_of.get(each.scan_id, guess) for each, guess in zip(records, guesses, strict=True)}
    return sorted(records, key=lambda record: (place[record.scan_id], record.order, record.scan_id))


def _answer(
    series: Series, ordered: Sequence[ScanRecord], call: SeriesCall, place_of: dict[str, float]
) -> SeriesAnswer:
    return SeriesAnswer(
        series_id=series.series_id,
        study_id=series.study_id,
        patient_id=series.patient_id,
        revision=series.revision,
        outcome=call.outcome,
        predicted=call.predicted,
        probabilities=call.probabilities,
        confidence=call.confidence,
        needs_review=bool(call.review_reasons),
        review_reasons=call.review_reasons,
        findings=call.findings,
        slices=tuple(_slice_answer(record, call, place_of) for record in ordered),
        model_ids=tuple(sorted({record.model_id for record in ordered if record.model_id})),
        finished_at=_latest(ordered),
    )


def _slice_answer(record: ScanRecord, call: SeriesCall, place_of: dict[str, float]) -> SliceAnswer:
    return SliceAnswer(
        scan_id=record.scan_id,
        outcome=record.outcome,
        reasons=record.reasons,
        predicted=record.predicted,
        probabilities=record.probabilities,
        area_px=record.tumor.area_px if record.tumor else 0,
        area_mm2=record.tumor.area_mm2 if record.tumor else None,
        position_mm=place_of.get(record.scan_id),
        counted=record.scan_id in call.counted,
    )


def _latest(records: Sequence[ScanRecord]) -> datetime | None:
    return max((record.finished_at for record in records if record.finished_at), default=None)
