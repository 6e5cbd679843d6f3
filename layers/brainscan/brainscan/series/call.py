"""Findings of slices -> what the whole series shows.

The rule, in order:

1. Only `analyzed` slices speak. Abstained, rejected and failed ones neither support a tumor nor interrupt it.
2. A slice is positive when its class is a tumor and its mask is not empty: both heads of the network agree.
3. A positive slice counts when the slice before or after it, among those that speak, is positive too; in a series of
   fewer than three speaking slices, it counts alone. A tumor spans slices; a lone one is for a reader to look at.
4. Without counted slices the call is `no_tumor`, and its probabilities are the mean over all speaking slices.
5. With them the probabilities are the mean over the counted slices, weighted by the area of their masks, and the call
   is the most probable tumor class.
6. Every class that a counted slice was called is a finding of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from brainscan.domain import CLASSES, TUMORS, ClassFinding, Outcome, Reason, ScanRecord, TumorClass
from brainscan.series.volume import volume_mm3

ALONE_COUNTS_BELOW: Final = 3
"""Speaking slices of a series below which a positive slice needs no neighbour."""


@dataclass(frozen=True)
class SeriesCall:
    """The call of a series; `counted` are the ids of the slices behind its findings."""

    outcome: Outcome
    predicted: TumorClass | None = None
    probabilities: dict[TumorClass, float] | None = None
    confidence: float | None = None
    review_reasons: tuple[Reason, ...] = ()
    findings: tuple[ClassFinding, ...] = ()
    counted: frozenset[str] = frozenset()


def call_series(slices: Sequence[ScanRecord], widths: dict[str, float] | Reason) -> SeriesCall:
    """Decide what a series shows, by the rule above.

    Args:
        slices: In the order of their positions.
        widths: Millimetres of the patient that each analyzed slice stands for, by scan id; or why that is unknown.
    """
    speaking = [record for record in slices if record.outcome is Outcome.ANALYZED]
    unanswered = any(record.outcome in {Outcome.REJECTED, Outcome.FAILED} for record in slices)
    if not speaking:
        return SeriesCall(Outcome.ABSTAINED, review_reasons=(Reason.SLICES_UNANSWERED,) if unanswered else ())
    counted = _counted(speaking)
    distribution = _distribution(counted or speaking, weighted=bool(counted))
    predicted = max(TUMORS, key=distribution.__getitem__) if counted else TumorClass.NO_TUMOR
    findings = _findings(counted, widths)
    return SeriesCall(
        outcome=Outcome.ANALYZED,
        predicted=predicted,
        probabilities=distribution,
        confidence=distribution[predicted],
        review_reasons=_review_reasons(speaking, counted, len(findings), unanswered=unanswered),
        findings=findings,
        counted=frozenset(record.scan_id for record in counted),
    )


def is_positive(record: ScanRecord) -> bool:
    """Both heads of the network see a tumor."""
    return record.predicted in TUMORS and record.tumor is not None


def _counted(speaking: Sequence[ScanRecord]) -> list[ScanRecord]:
    positive = [False, *map(is_positive, speaking), False]
    alone = len(speaking) < ALONE_COUNTS_BELOW
    return [
        record
        for place, record in enumerate(speaking, start=1)
        if positive[place] and (alone or positive[place - 1] or positive[place + 1])
    ]


def _distribution(slices: Sequence[ScanRecord], *, weighted: bool) -> dict[TumorClass, float]:
    rows = np.array([[(record.probabilities or {}).get(name, 0.0) for name in CLASSES] for record in slices])
    weights = np.array([_area_px(record) for record in slices]) if weighted else np.ones(len(slices))
    mean = np.clip(np.average(rows, axis=0, weights=weights), 0, 1)
    return dict(zip(CLASSES, map(float, mean), strict=True))


def _findings(counted: Sequence[ScanRecord], widths: dict[str, float] | Reason) -> tuple[ClassFinding, ...]:
    found = [
        _finding(name, of_class, widths)
        for name in TUMORS
        if (of_class := [record for record in counted if record.predicted is name])
    ]
    found.sort(key=lambda finding: (finding.volume_mm3 or 0.0, finding.key_area_px), reverse=True)
    return tuple(finding.model_copy(update={"segment": number}) for number, finding in enumerate(found, start=1))


def _finding(name: TumorClass, slices: Sequence[ScanRecord], widths: dict[str, float] | Reason) -> ClassFinding:
    key = max(slices, key=_area_px)
    tumors = [record.tumor for record in slices if record.tumor]
    diameters_mm = [tumor.longest_diameter_mm for tumor in tumors if tumor.longest_diameter_mm is not None]
    volume = _volume(slices, widths)
    return ClassFinding(
        tumor_class=name,
        segment=1,
        probability=_distribution(slices, weighted=True)[name],
        slices=len(slices),
        key_slice=key.scan_id,
        key_area_px=_area_px(key),
        key_area_mm2=key.tumor.area_mm2 if key.tumor else None,
        longest_diameter_px=max(tumor.longest_diameter_px for tumor in tumors),
        longest_diameter_mm=max(diameters_mm, default=None),
        volume_mm3=None if isinstance(volume, Reason) else volume,
        volume_withheld=volume if isinstance(volume, Reason) else None,
    )


def _volume(slices: Sequence[ScanRecord], widths: dict[str, float] | Reason) -> float | Reason:
    if isinstance(widths, Reason):
        return widths
    areas: list[float | None] = [record.tumor.area_mm2 if record.tumor else None for record in slices]
    return volume_mm3(areas, [widths[record.scan_id] for record in slices])


def _review_reasons(
    speaking: Sequence[ScanRecord], counted: Sequence[ScanRecord], classes: int, *, unanswered: bool
) -> tuple[Reason, ...]:
    stated = {
        Reason.ISOLATED_SLICE: sum(map(is_positive, speaking)) > len(counted),
        Reason.MIXED_CLASSES: classes > 1,
        Reason.SLICES_UNANSWERED: unanswered,
        Reason.SLICE_NEEDS_REVIEW: any(record.needs_review for record in counted),
    }
    return tuple(reason for reason, holds in stated.items() if holds)


def _area_px(record: ScanRecord) -> int:
    return record.tumor.area_px if record.tumor else 0
