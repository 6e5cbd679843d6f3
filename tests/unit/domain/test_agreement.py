"""Kappa is what is left of agreement when chance is taken out of it."""

from typing import Any

import pytest

from brainscan.domain import Review, TumorClass, Verdict
from brainscan.domain.agreement import agreement_of, is_disputed, reader_pair
from tests.making import NOON

G, M, N = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR


def said(reader: Any, verdict: Any, corrected: Any = None, revision: int = 1) -> Review:
    return Review(verdict=verdict, corrected=corrected, reader=reader, reviewed_at=NOON, revision=revision)


def test_kappa_is_that_of_sklearn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = [(G, G)] * 20 + [(G, M)] * 5 + [(M, G)] * 10 + [(M, M)] * 15 + [(N, N)] * 3 + [(N, G)]
    found = agreement_of(pairs)
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(*zip(*pairs, strict=True)))
    assert (found.pairs, found.equal) == (54, pytest.approx(38 / 54))


def test_agreement_by_chance_is_none_and_by_rule_is_all() -> None:
    assert agreement_of([(G, G), (G, M), (M, G), (M, M)]).kappa == pytest.approx(0)
    assert agreement_of([(G, G), (M, M)]).kappa == pytest.approx(1)


def test_without_pairs_or_with_one_class_alone_there_is_no_kappa() -> None:
    assert agreement_of([]).equal is None
    assert agreement_of([(G, G)] * 5).model_dump() == {"pairs": 5, "equal": 1.0, "kappa": None}


def test_two_readers_are_compared_by_the_latest_that_each_said() -> None:
    history = [said("A", Verdict.CONFIRMED), said("B", Verdict.REJECTED), said("A", Verdict.CORRECTED, M)]
    assert reader_pair(history, G) is None
    assert reader_pair([*history, said("B", Verdict.CONFIRMED)], G) == (M, G)
    assert reader_pair([*history, said("B", Verdict.CONFIRMED), said("A", Verdict.WITHDRAWN)], G) is None


def test_a_third_reader_settles_a_dispute_and_reopens_it_by_taking_the_verdict_back() -> None:
    differ = [said("A", Verdict.CONFIRMED), said("B", Verdict.CORRECTED, M)]
    assert is_disputed(differ, G)
    third = [*differ, said("C", Verdict.CORRECTED, M)]
    assert not is_disputed(third, G)
    assert is_disputed([*third, said("C", Verdict.WITHDRAWN)], G)
    assert not is_disputed([*differ, said("B", Verdict.CONFIRMED)], G)
