"""A series' result with its slices -> its summary: what lists and studies know of it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from brainscan.domain import Geometry, Lesion, LesionSummary, Outcome, Reason, ScanRecord, SeriesResult, SeriesSummary
from brainscan.domain.summary import MOST_LESIONS
from brainscan.series.acquisitions import SliceSource


def summary_of(
    result: SeriesResult, records: Sequence[ScanRecord], sources: Mapping[str, SliceSource]
) -> SeriesSummary:
    """Summarise a series.

    Args:
        result: What the series shows, with its files.
        records: Its slices, at least one.
        sources: What the readable sources say of the slices, by scan id.
    """
    outcomes = Counter(record.outcome for record in records)
    by_id = {record.scan_id: record for record in records}
    key = by_id[_key_slice(result, records)]
    volume = _volume(result.lesions)
    return SeriesSummary(
        series_id=result.series_id,
        study_id=result.study_id,
        patient_id=result.patient_id,
        report_revision=result.revision,
        received_at=min(record.received_at for record in records),
        outcome=result.outcome,
        predicted=result.predicted,
        probabilities=result.probabilities,
        confidence=result.confidence,
        needs_review=result.needs_review,
        review_reasons=result.review_reasons,
        lesions=tuple(map(_lesion, result.lesions[:MOST_LESIONS])),
        lesion_count=len(result.lesions),
        volume_mm3=None if isinstance(volume, Reason) else volume,
        volume_withheld=volume if isinstance(volume, Reason) else None,
        slices_analyzed=outcomes[Outcome.ANALYZED],
        slices_abstained=outcomes[Outcome.ABSTAINED],
        slices_rejected=outcomes[Outcome.REJECTED] + outcomes[Outcome.FAILED],
        key_slice=key.scan_id,
        image_key=key.image_key,
        mask_key=key.mask_key,
        model_id=key.model_id or next(iter(result.model_ids), None),
        model_ids=result.model_ids,
        export_ids=tuple(sorted({record.export_id for record in records})),
        geometry=_geometry(result, by_id, sources),
        files=result.files,
        withheld=result.withheld,
    )


def _key_slice(result: SeriesResult, records: Sequence[ScanRecord]) -> str:
    """The slice with the largest lesion, or the middle one of the analyzed ones, or of all."""
    if result.findings:
        return result.findings[0].key_slice
    analyzed = [each.scan_id for each in result.slices if each.outcome is Outcome.ANALYZED]
    shown = analyzed or [each.scan_id for each in result.slices] or [record.scan_id for record in records]
    return shown[len(shown) // 2]


def _volume(lesions: Sequence[Lesion]) -> float | Reason:
    """Cubic millimetres of all lesions, or why they have none; without lesions, 0."""
    withheld = next((each.volume_withheld for each in lesions if each.volume_withheld), None)
    return withheld or sum(each.volume_mm3 or 0.0 for each in lesions)


def _lesion(lesion: Lesion) -> LesionSummary:
    fields = lesion.model_dump(include=set(LesionSummary.model_fields) - {"slices"})
    return LesionSummary(**fields, slices=len(lesion.slices))


def _geometry(result: SeriesResult, by_id: Mapping[str, ScanRecord], sources: Mapping[str, SliceSource]) -> Geometry:
    """How the slices of the acquisition lie that the series rests on."""
    stack = [each for each in result.slices if each.acquisition == result.rests_on and each.acquisition]
    if not stack:
        return Geometry()
    record, source = by_id[stack[0].scan_id], sources.get(stack[0].scan_id)
    positions = sorted(each.position_mm for each in stack if each.position_mm is not None)
    normal = None
    if source and source.plane:
        across = np.cross(source.plane.orientation[:3], source.plane.orientation[3:])
        normal = (float(across[0]), float(across[1]), float(across[2]))
    return Geometry(
        rows=record.rows,
        columns=record.columns,
        spacing_mm=record.spacing_mm,
        distance_mm=float(np.median(np.diff(positions))) if len(positions) > 1 else None,
        normal=normal,
    )
