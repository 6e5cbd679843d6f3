"""Two models on the same scans: where they agree, how they do against readers, and whether the new one may serve."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from pydantic import Field

from brainscan.domain.agreement import Agreement, agreement_of
from brainscan.domain.base import RESEARCH_USE_STATEMENT, FrozenModel
from brainscan.domain.model_version import ModelId
from brainscan.domain.reasons import Outcome
from brainscan.domain.reliability import calibration_error
from brainscan.domain.scan import Finding, ScanRecord
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.terminology import TumorClass

INFER: Final = "infer"
"""The timing of the network alone, milliseconds a scan."""


@dataclass(frozen=True)
class PredictionPair:
    """A scan that two models answered; `dice` of their masks, None where neither has one."""

    served: ScanRecord
    candidate: ShadowFinding
    dice: float | None = None

    @property
    def is_changed(self) -> bool:
        """Whether they call it differently."""
        return class_or_abstained(self.served) != class_or_abstained(self.candidate)


class Score(FrozenModel):
    """How a model's calls compare with the readers'."""

    scans: int
    accuracy: float | None = Field(default=None, description="the most probable class is the readers'")
    calibration_error: float | None = Field(default=None, description="expected, over bins of confidence")


class ChangedScan(FrozenModel):
    """A scan that the two call differently; its images are in the results bucket."""

    scan_id: str
    served: str
    candidate: str
    reviewed: TumorClass | None = None
    dice: float | None = None


class ChangedSeries(FrozenModel):
    """A series with scans that the two call differently; a scan of no series stands alone."""

    series_id: str | None
    scans: int = Field(description="of it that both answered")
    changed: tuple[ChangedScan, ...]


class Comparison(FrozenModel):
    """Two models on the same scans. `calls[served][candidate]` counts scans."""

    candidate: ModelId
    served: tuple[str, ...] = Field(description="models whose answers stand")
    scans: int
    agreement: Agreement = Field(description="of scans that both call")
    calls: dict[str, dict[str, int]]
    masks: int = Field(description="scans of which at least one of the two drew a mask")
    mean_dice: float | None = Field(
        default=None, description="between their masks, over `masks`; 0 where one drew none"
    )
    reviewed_served: Score
    reviewed_candidate: Score
    infer_ms_served: float | None = Field(default=None, description="median, a scan")
    infer_ms_candidate: float | None = Field(default=None, description="median, a scan")
    changed: tuple[ChangedSeries, ...]
    research_use: str = RESEARCH_USE_STATEMENT


def class_or_abstained(finding: Finding) -> str:
    """A model's class; `abstained` where it makes no call."""
    called = finding.predicted if finding.outcome is Outcome.ANALYZED else None
    return str(called) if called else str(Outcome.ABSTAINED)


def compare(candidate: str, pairs: Sequence[PredictionPair]) -> Comparison:
    """What two models say of the same scans, side by side."""
    calls: dict[str, Counter[str]] = {}
    for pair in pairs:
        calls.setdefault(class_or_abstained(pair.served), Counter())[class_or_abstained(pair.candidate)] += 1
    both = [
        (pair.served.predicted, pair.candidate.predicted)
        for pair in pairs
        if pair.served.predicted and pair.candidate.predicted
    ]
    dice = [pair.dice for pair in pairs if pair.dice is not None]
    reviewed = [(pair, label) for pair in pairs if (label := label_of(pair.served))]
    return Comparison(
        candidate=candidate,
        served=tuple(sorted({pair.served.model_id for pair in pairs if pair.served.model_id})),
        scans=len(pairs),
        agreement=agreement_of(both),
        calls={name: dict(sorted(row.items())) for name, row in sorted(calls.items())},
        masks=len(dice),
        mean_dice=fmean(dice) if dice else None,
        reviewed_served=score_of([(pair.served, label) for pair, label in reviewed]),
        reviewed_candidate=score_of([(pair.candidate, label) for pair, label in reviewed]),
        infer_ms_served=_median_ms([pair.served.timings_ms for pair in pairs]),
        infer_ms_candidate=_median_ms([pair.candidate.timings_ms for pair in pairs]),
        changed=_changed(pairs),
    )


def label_of(record: ScanRecord) -> TumorClass | None:
    """The class that a reader confirmed or put in place of the network's; None where no verdict names one."""
    return record.finding if record.decisive_review is not None else None


def score_of(answers: Sequence[tuple[Finding, TumorClass]]) -> Score:
    """A model's calls against the readers'; abstained scans count by their most probable class."""
    hits = [
        (max(each.probabilities.values()), each.probabilities[label] == max(each.probabilities.values()))
        for each, label in answers
        if each.probabilities
    ]
    if not answers:
        return Score(scans=0)
    accuracy = sum(hit for _, hit in hits) / len(answers)
    return Score(scans=len(answers), accuracy=accuracy, calibration_error=calibration_error(hits))


def _median_ms(timings: Sequence[dict[str, float]]) -> float | None:
    durations = [each[INFER] for each in timings if INFER in each]
    return median(durations) if durations else None


def _changed(pairs: Sequence[PredictionPair]) -> tuple[ChangedSeries, ...]:
    series: dict[str, list[PredictionPair]] = {}
    for pair in sorted(pairs, key=lambda each: each.served.order):
        series.setdefault(pair.served.series_id or pair.served.scan_id, []).append(pair)
    return tuple(
        ChangedSeries(
            series_id=group[0].served.series_id,
            scans=len(group),
            changed=tuple(_changed_scan(pair) for pair in group if pair.is_changed),
        )
        for _, group in sorted(series.items())
        if any(pair.is_changed for pair in group)
    )


def _changed_scan(pair: PredictionPair) -> ChangedScan:
    return ChangedScan(
        scan_id=pair.served.scan_id,
        served=class_or_abstained(pair.served),
        candidate=class_or_abstained(pair.candidate),
        reviewed=label_of(pair.served),
        dice=pair.dice,
    )
