"""The slices of a series, where and how they were taken, and their masks -> what the series shows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from brainscan.domain import ANSWERED, AcquisitionResult, Outcome, Reason, ScanRecord, Series, SeriesResult, SliceResult
from brainscan.series.acquisitions import (
    Acquisition,
    SliceSource,
    acquisitions_of,
    count_positions,
    has_crossing_planes,
)
from brainscan.series.classification import (
    Classification,
    abstention_reasons,
    classify_acquisition,
    decisive_acquisition,
)
from brainscan.series.components import Mask
from brainscan.series.label_volume import Labels
from brainscan.series.lesions import OutlinedSlice, findings_of, lesions_of
from brainscan.series.order import in_order
from brainscan.series.volume import widths_mm

ReadMasks = Callable[[Sequence[ScanRecord]], Sequence[Mask]]
"""The masks of slices, on the grids of their own pixels."""

_OF_THE_SERIES = frozenset(
    {
        Reason.ABSTAINED_LIKELY_TUMOR,
        Reason.OUT_OF_SCOPE_WITH_MASK,
        Reason.UNCLEAR_MODALITY,
        Reason.UNCLEAR_CONTENT,
        Reason.UNCLEAR_BODY_PART,
        Reason.UNCLEAR_ORIENTATION,
    }
)
"""Reasons of slices that are reasons of their series: of abstained ones, which are no evidence; and doubts about what
the header describes, which are as good as all slices'."""


@dataclass(frozen=True)
class SeriesAnalysis:
    """What a series shows, the slices of the acquisition that it rests on, and its lesions on them.

    `stack` holds scan ids in the order of their places; `no_geometry` says why they have none; `labels` (rows,
    columns) of lesions' numbers by scan id, of the slices that have any.
    """

    result: SeriesResult
    stack: tuple[str, ...] = ()
    no_geometry: Reason | None = None
    labels: Mapping[str, Labels] = field(default_factory=dict)


def analyze_series(
    series: Series, records: Sequence[ScanRecord], sources: Mapping[str, SliceSource], read_masks: ReadMasks
) -> SeriesAnalysis:
    """Classify each acquisition of a series, and measure the lesions of the one that it rests on.

    Args:
        series: Whose result it is.
        records: Of all its slices.
        sources: By scan id, of those whose source was readable.
        read_masks: Asked once, for the slices that count.
    """
    analyzed = {record.scan_id: record for record in in_order(records) if record.outcome is Outcome.ANALYZED}
    known = _base_result(series, records)
    if not analyzed:
        return SeriesAnalysis(known.model_copy(update=_slices_alone(records)))
    acquisitions = acquisitions_of(list(analyzed), sources)
    places = count_positions(acquisitions, sources) + _places_without_answer(records)
    classified = [classify_acquisition([analyzed[each] for each in one.slices], places) for one in acquisitions]
    chosen = decisive_acquisition(classified)
    decisive, stack = classified[chosen], acquisitions[chosen]
    crosses = has_crossing_planes(sources)
    abstains = abstention_reasons(decisive, *_answered_and_unanswered(records))
    unclear = (Reason.UNCLEAR_CONTENT,) if crosses else ()
    review_reasons = tuple(
        dict.fromkeys((*_review_reasons(classified, decisive), *abstains, *known.review_reasons, *unclear))
    )
    if abstains:
        reviewed = {"needs_review": True, "review_reasons": review_reasons}
        return SeriesAnalysis(known.model_copy(update=_slices_alone(records) | reviewed))
    outlined = _outlined(decisive, _widths(stack, crossing=crosses), sources, read_masks)
    lesions, labels = lesions_of(outlined)
    result = known.model_copy(
        update={
            "outcome": Outcome.ANALYZED,
            "predicted": decisive.predicted,
            "probabilities": decisive.probabilities,
            "confidence": decisive.confidence,
            "needs_review": bool(review_reasons),
            "review_reasons": review_reasons,
            "findings": findings_of(lesions, outlined),
            "lesions": tuple(lesions),
            "acquisitions": tuple(map(_acquisition_result, acquisitions, classified)),
            "rests_on": chosen + 1,
            "slices": _slice_results(records, acquisitions, {each.record.scan_id for each in outlined}),
        }
    )
    return SeriesAnalysis(result, stack.slices, _no_geometry(stack, crossing=crosses), labels)


def unreported_series(series: Series, records: Sequence[ScanRecord]) -> SeriesResult:
    """What is left to say of a series whose report failed every time: its slices, and that somebody is to look."""
    reasons = {"needs_review": True, "review_reasons": (Reason.RETRIES_EXHAUSTED,)}
    alone = _slices_alone(records) | reasons | {"outcome": Outcome.FAILED}
    return _base_result(series, records).model_copy(update=alone)


def _base_result(series: Series, records: Sequence[ScanRecord]) -> SeriesResult:
    """What holds of a series whatever its slices show."""
    unanswered = _many_unanswered(records)
    doubtful = {reason for record in records for reason in record.review_reasons if reason in _OF_THE_SERIES}
    reasons = (*([Reason.SLICES_UNANSWERED] if unanswered else []), *sorted(doubtful))
    return SeriesResult(
        series_id=series.series_id,
        study_id=series.study_id,
        patient_id=series.patient_id,
        revision=series.revision,
        outcome=Outcome.ABSTAINED,
        needs_review=bool(reasons),
        review_reasons=reasons,
        model_ids=tuple(
            sorted({record.model_id for record in records if record.model_id and record.outcome in ANSWERED})
        ),
        finished_at=max((record.finished_at for record in records if record.finished_at), default=None),
    )


def _many_unanswered(records: Sequence[ScanRecord]) -> bool:
    """Whether a slice could not be read, or the network abstained from more pictures than it answered."""
    outcomes = [record.outcome for record in records if Reason.BLANK_IMAGE not in record.reasons]
    unread = Outcome.REJECTED in outcomes or Outcome.FAILED in outcomes
    return unread or outcomes.count(Outcome.ABSTAINED) > outcomes.count(Outcome.ANALYZED)


def _places_without_answer(records: Sequence[ScanRecord]) -> int:
    """Places, by their order, that were imaged and of which no slice has an answer."""
    answered = {record.order for record in records if record.outcome is Outcome.ANALYZED}
    return len({record.order for record in records} - answered)


def _answered_and_unanswered(records: Sequence[ScanRecord]) -> tuple[int, int]:
    """Places, by their order, of which a slice has an answer, and pictured ones of which none has."""
    answered = {record.order for record in records if record.outcome is Outcome.ANALYZED}
    pictured = {record.order for record in records if Reason.BLANK_IMAGE not in record.reasons}
    return len(answered), len(pictured - answered)


def _slices_alone(records: Sequence[ScanRecord]) -> dict[str, object]:
    """What a series without a verdict lists: each slice as it was answered."""
    return {"slices": tuple(_slice_result(record) for record in in_order(records))}


def _outlined(
    decisive: Classification,
    widths: Sequence[float] | Reason,
    sources: Mapping[str, SliceSource],
    read_masks: ReadMasks,
) -> list[OutlinedSlice]:
    """The counted slices with their masks, in the order of their places."""
    index_of = {record.scan_id: index for index, record in enumerate(decisive.analyzed)}
    outlined = []
    for record, mask in zip(decisive.counted, read_masks(decisive.counted), strict=True):
        index, source = index_of[record.scan_id], sources.get(record.scan_id)
        width = widths if isinstance(widths, Reason) else widths[index]
        outlined.append(OutlinedSlice(record, mask, index, source.plane if source else None, width))
    return outlined


def _widths(stack: Acquisition, *, crossing: bool) -> Sequence[float] | Reason:
    """What each slice of a stack stands for; of a few cuts through a head in several planes, none stands for more."""
    if isinstance(stack.positions_mm, Reason):
        return stack.positions_mm
    if crossing:
        return Reason.MIXED_GEOMETRY
    widths = widths_mm(np.array(stack.positions_mm))
    return widths if isinstance(widths, Reason) else widths.tolist()


def _no_geometry(stack: Acquisition, *, crossing: bool) -> Reason | None:
    """Why a segmentation of a stack would be no volume; None where it is one."""
    if isinstance(stack.positions_mm, Reason):
        return stack.positions_mm
    return Reason.MIXED_GEOMETRY if crossing else None


def _review_reasons(classified: Sequence[Classification], chosen: Classification) -> tuple[Reason, ...]:
    stated = {
        Reason.ISOLATED_SLICE: any(each.has_isolated for each in classified),
        Reason.MIXED_CLASSES: len({record.predicted for record in chosen.counted}) > 1,
        Reason.ACQUISITIONS_DISAGREE: len({each.predicted for each in classified}) > 1,
        Reason.SLICE_NEEDS_REVIEW: any(record.needs_review for record in chosen.counted),
    }
    return tuple(reason for reason, holds in stated.items() if holds)


def _acquisition_result(acquisition: Acquisition, classification: Classification) -> AcquisitionResult:
    return AcquisitionResult(
        image_type=acquisition.technique.image_type,
        echo_time_ms=acquisition.technique.echo_time_ms,
        temporal_position=acquisition.technique.temporal_position,
        b_value=acquisition.technique.b_value,
        slices=len(acquisition.slices),
        counted=len(classification.counted),
        predicted=classification.predicted,
        probabilities=classification.probabilities,
        confidence=classification.confidence,
    )


def _slice_results(
    records: Sequence[ScanRecord], acquisitions: Sequence[Acquisition], counted: Collection[str]
) -> tuple[SliceResult, ...]:
    """The slices acquisition by acquisition; those without an answer, where they lie in the first."""
    positions: dict[str, float] = {}
    number_of: dict[str, int] = {}
    for number, one in enumerate(acquisitions, start=1):
        number_of |= dict.fromkeys(one.slices, number)
        if not isinstance(one.positions_mm, Reason):
            positions |= dict(zip(one.slices, one.positions_mm, strict=True))
    by_acquisition: dict[int, list[ScanRecord]] = {}
    for record in records:
        by_acquisition.setdefault(number_of.get(record.scan_id, 1), []).append(record)
    return tuple(
        _slice_result(record, number_of.get(record.scan_id), positions, counted)
        for number in sorted(by_acquisition)
        for record in in_order(by_acquisition[number], positions)
    )


def _slice_result(
    record: ScanRecord,
    acquisition: int | None = None,
    positions: Mapping[str, float] = MappingProxyType({}),
    counted: Collection[str] = (),
) -> SliceResult:
    return SliceResult(
        scan_id=record.scan_id,
        outcome=record.outcome,
        reasons=record.reasons,
        predicted=record.predicted,
        probabilities=record.probabilities,
        area_px=record.tumor.area_px if record.tumor else 0,
        area_mm2=record.tumor.area_mm2 if record.tumor else None,
        acquisition=acquisition,
        position_mm=positions.get(record.scan_id),
        counted=record.scan_id in counted,
    )
