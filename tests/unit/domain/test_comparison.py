"""Two models on the same scans: agreement, Dice, scores against readers, and what changed."""

from collections.abc import Callable
from typing import Any

import pytest

from brainscan.domain import Finding, Outcome, Review, TumorClass, Verdict
from brainscan.domain.comparison import PredictionPair, compare, score_of
from brainscan.domain.gate import GateResult, gate_of
from brainscan.domain.model_version import ModelVersion
from brainscan.domain.shadow_finding import ShadowFinding
from tests.making import NOON, a_record, analyzed

SERVED, CANDIDATE = "f" * 64, "c" * 64
G, M, N = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR


def a_pair(
    number: int,
    served: Any,
    candidate: Any,
    *,
    label: Any = None,
    sure: float = 0.9,
    series: Any = None,
    dice: Any = None,
    infer_ms: Any = (10.0, 5.0),
) -> PredictionPair:
    record = analyzed(a_record(number, series_id=series, order=number), served, 0.8)
    if label:
        verdict = (
            {"verdict": Verdict.CONFIRMED} if label is served else {"verdict": Verdict.CORRECTED, "corrected": label}
        )
        review = Review(**verdict, reader="dr.k", reviewed_at=NOON, revision=1)
        record = record.model_copy(update={"review": review})
    record = record.model_copy(update={"timings_ms": {"infer": infer_ms[0], "decode": 99.0}})
    said = analyzed(a_record(number), candidate, sure)
    finding = {name: getattr(said, name) for name in Finding.model_fields}
    names = {"scan_id": record.scan_id, "series_id": series, "model_id": CANDIDATE, "served_id": SERVED}
    return PredictionPair(record, ShadowFinding(**finding, **names, mask=None, timings_ms={"infer": infer_ms[1]}), dice)


def test_calls_are_counted_by_what_each_model_says() -> None:
    found = compare(CANDIDATE, [a_pair(0, G, G), a_pair(1, G, M), a_pair(2, N, N), a_pair(3, G, G)])
    assert found.calls == {"glioma": {"glioma": 2, "meningioma": 1}, "no_tumor": {"no_tumor": 1}}
    assert (found.scans, found.agreement.equal, found.served) == (4, 0.75, (SERVED,))


def test_an_abstained_scan_is_a_row_of_its_own_and_no_agreement() -> None:
    pair = a_pair(0, G, G)
    silent = pair.candidate.model_copy(update={"outcome": Outcome.ABSTAINED, "predicted": None})
    found = compare(CANDIDATE, [PredictionPair(pair.served, silent)])
    assert (found.calls, found.agreement.pairs) == ({"glioma": {"abstained": 1}}, 0)
    assert found.changed[0].changed[0].candidate == "abstained"


def test_each_model_is_scored_against_the_readers_on_reviewed_scans_alone() -> None:
    pairs = [a_pair(0, G, M, label=M), a_pair(1, G, G, label=G), a_pair(2, G, M, label=G), a_pair(3, G, M)]
    found = compare(CANDIDATE, pairs)
    assert (found.reviewed_served.scans, found.reviewed_served.accuracy) == (3, pytest.approx(2 / 3))
    assert (found.reviewed_candidate.scans, found.reviewed_candidate.accuracy) == (3, pytest.approx(2 / 3))


def test_a_confidence_that_is_as_often_right_as_it_says_has_no_calibration_error() -> None:
    right = [(analyzed(a_record(n), G, 0.8), G) for n in range(4)]
    wrong = [(analyzed(a_record(9), G, 0.8), M)]
    assert score_of(right + wrong).calibration_error == pytest.approx(0)
    assert score_of(right).calibration_error == pytest.approx(0.2)
    assert score_of([]).accuracy is None


def test_dice_is_over_scans_with_a_mask_and_speed_is_the_median_of_the_network() -> None:
    pairs = [a_pair(0, G, G, dice=0.5), a_pair(1, G, G, dice=1.0), a_pair(2, N, N, infer_ms=(70.0, 50.0))]
    found = compare(CANDIDATE, pairs)
    assert (found.masks, found.mean_dice) == (2, 0.75)
    assert (found.infer_ms_served, found.infer_ms_candidate) == (10.0, 5.0)


def test_what_changed_is_told_by_series_in_the_order_of_slices() -> None:
    one, other = "1" * 32, "2" * 32
    pairs = [a_pair(3, G, M, series=one), a_pair(1, G, N, series=one), a_pair(2, G, G, series=one)]
    found = compare(CANDIDATE, [*pairs, a_pair(4, G, G, series=other), a_pair(5, G, M)])
    assert [(each.series_id, each.scans) for each in found.changed if each.series_id] == [(one, 3)]
    [series] = [each for each in found.changed if each.series_id]
    assert [each.candidate for each in series.changed] == ["no_tumor", "meningioma"]
    assert len(found.changed) == 2


def gate(pairs: Any, size_bytes: int = 1000) -> GateResult:
    named = {"model_id": CANDIDATE, "added_at": NOON, "input_size": 128, "split": "test", "figures": {}}
    version = ModelVersion(**named, size_bytes=size_bytes, data_digest="d" * 64, source_revision="e" * 40)
    return gate_of(compare(CANDIDATE, pairs), version, "dr.k", NOON)


def test_the_gate_lets_a_model_through_that_is_no_worse_slower_or_larger() -> None:
    pairs = [a_pair(n, G, G, label=G) for n in range(60)] + [a_pair(n, N, N) for n in range(60, 200)]
    assert gate(pairs).failures == ()
    assert (gate(pairs).scans, gate(pairs).reviewed, gate(pairs).accuracy_candidate) == (200, 60, 1.0)


@pytest.mark.parametrize(
    ("change", "size", "told"),
    [
        (lambda pairs: pairs[:-1], 1000, "199 scans compared, 200 needed"),
        (lambda pairs: [*pairs[:49], *pairs[60:], *pairs[60:80]], 1000, "49 reviewed scans, 50 needed"),
        (lambda pairs: [a_pair(0, G, M, label=G), *pairs[1:]], 1000, "right on 98.3% of reviewed scans"),
        (lambda pairs: [*pairs[:150], *(a_pair(n, N, M) for n in range(150, 200))], 1000, "75.0% of calls equal"),
        (lambda pairs: [a_pair(n, N, N, infer_ms=(10.0, 16.0)) for n in range(200)] + pairs[:60], 1000, "1.60 times"),
        (lambda pairs: pairs, 200_000_000, "200000000 bytes"),
    ],
)
def test_the_gate_says_what_is_missing(change: Callable[..., Any], size: int, told: str) -> None:
    pairs = [a_pair(n, G, G, label=G) for n in range(60)] + [a_pair(n, N, N) for n in range(60, 200)]
    [failure] = gate(change(pairs), size).failures
    assert told in failure
