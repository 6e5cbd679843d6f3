"""The slices of a series and where they lie -> what the series shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from brainscan.domain import Outcome, Reason, ScanRecord, Series, SeriesResult, SliceResult
from brainscan.series.call import SeriesCall, call_series
from brainscan.series.order import in_order
from brainscan.series.planes import Plane, positions_mm
from brainscan.series.volume import widths_mm


def result_of(
    series: Series, records: Sequence[ScanRecord], planes: Mapping[str, Plane]
) -> tuple[SeriesResult, Reason | None]:
    """What a series shows.

    Args:
        series: Whose result it is.
        records: Of all its slices.
        planes: By scan id, of those whose source says where they lie.

    Returns:
        The result, and why the analyzed slices have no common geometry, if they have none.
    """
    analyzed = [record.scan_id for record in records if record.outcome is Outcome.ANALYZED]
    found = positions_mm([planes.get(scan_id) for scan_id in analyzed])
    if isinstance(found, Reason):
        ordered = in_order(records, {})
        return _result(series, ordered, call_series(ordered, found), {}), found
    positions = dict(zip(analyzed, map(float, found), strict=True))
    widths = widths_mm(found)
    ordered = in_order(records, positions)
    known = widths if isinstance(widths, Reason) else dict(zip(analyzed, map(float, widths), strict=True))
    return _result(series, ordered, call_series(ordered, known), positions), None


def _result(
    series: Series, ordered: Sequence[ScanRecord], call: SeriesCall, positions: Mapping[str, float]
) -> SeriesResult:
    return SeriesResult(
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
        slices=tuple(_slice_result(record, call, positions) for record in ordered),
        model_ids=tuple(sorted({record.model_id for record in ordered if record.model_id})),
        finished_at=_latest(ordered),
    )


def _slice_result(record: ScanRecord, call: SeriesCall, positions: Mapping[str, float]) -> SliceResult:
    return SliceResult(
        scan_id=record.scan_id,
        outcome=record.outcome,
        reasons=record.reasons,
        predicted=record.predicted,
        probabilities=record.probabilities,
        area_px=record.tumor.area_px if record.tumor else 0,
        area_mm2=record.tumor.area_mm2 if record.tumor else None,
        position_mm=positions.get(record.scan_id),
        counted=record.scan_id in call.counted,
    )


def _latest(records: Sequence[ScanRecord]) -> datetime | None:
    return max((record.finished_at for record in records if record.finished_at), default=None)
