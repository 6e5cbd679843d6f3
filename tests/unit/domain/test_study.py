"""A study's verdict: which series it rests on, where series disagree, and what of it readers have said."""

import itertools
from typing import Any

import pytest

from brainscan.domain import Outcome, Reason, Review, ReviewState, TumorClass, Verdict, study_of
from tests.making import NOON
from tests.summaries import STUDY, a_series

GLIOMA, MENINGIOMA, NONE = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR


def a_review(verdict: Any = Verdict.CONFIRMED, corrected: Any = None, revision: int = 1) -> Review:
    return Review(verdict=verdict, corrected=corrected, reader="a reader", reviewed_at=NOON, revision=revision)


def test_a_tumor_in_one_series_is_the_studys_and_the_others_disagree() -> None:
    tumor, clear = a_series(0, GLIOMA, 0.6), a_series(1, NONE, 0.99)
    study = study_of(STUDY, [clear, tumor], None)
    assert (study.predicted, study.confidence, study.rests_on) == (GLIOMA, pytest.approx(0.6), tumor.series_id)
    assert study.disagreeing == (clear.series_id,)
    assert study.review_reasons == (Reason.SERIES_DISAGREE,)
    assert study.review_state is ReviewState.NEEDED


def test_of_two_tumors_the_larger_volume_decides_then_the_confidence() -> None:
    small, large = a_series(0, GLIOMA, 0.99, volume_mm3=500.0), a_series(1, MENINGIOMA, 0.6, volume_mm3=900.0)
    assert study_of(STUDY, [small, large], None).predicted is MENINGIOMA
    flat, sure = a_series(2, GLIOMA, 0.7, volume_mm3=None), a_series(3, MENINGIOMA, 0.8, volume_mm3=None)
    assert study_of(STUDY, [flat, sure], None).predicted is MENINGIOMA


def test_what_a_reader_judged_decides_before_what_only_the_network_did() -> None:
    large = a_series(0, GLIOMA, 0.99, volume_mm3=5000.0)
    judged = a_series(1, GLIOMA, 0.6).reviewed(a_review(Verdict.CORRECTED, NONE))
    study = study_of(STUDY, [large, judged], None)
    assert (study.predicted, study.rests_on) == (NONE, judged.series_id)


def test_the_order_of_series_does_not_matter() -> None:
    series = [
        a_series(0, GLIOMA),
        a_series(1, NONE),
        a_series(2, MENINGIOMA, 0.7),
        a_series(3, outcome=Outcome.ABSTAINED),
    ]
    assert len({study_of(STUDY, order, None).model_dump_json() for order in itertools.permutations(series)}) == 1


def test_a_withdrawn_series_does_not_speak_and_without_any_the_study_is_withdrawn() -> None:
    tumor, clear = a_series(0, GLIOMA), a_series(1, NONE)
    gone = tumor.model_copy(update={"withdrawn": True})
    study = study_of(STUDY, [gone, clear], None)
    assert (study.predicted, study.disagreeing, len(study.series)) == (NONE, (), 1)
    assert study_of(STUDY, [gone], study).withdrawn


def test_slices_models_and_uploads_are_those_of_all_series() -> None:
    first = a_series(0, slices_analyzed=4, slices_abstained=1, slices_rejected=2, export_ids=("b" * 32,))
    study = study_of(STUDY, [first, a_series(1, slices_analyzed=6, export_ids=("a" * 32,))], None)
    assert (study.slices_analyzed, study.slices_abstained, study.slices_rejected) == (10, 1, 2)
    assert study.export_ids == ("a" * 32, "b" * 32)


def test_a_verdict_on_a_study_stands_until_its_class_changes_and_again_when_it_is_back() -> None:
    series = a_series(0, GLIOMA)
    judged = study_of(STUDY, [series], None).reviewed(a_review())
    larger = a_series(1, MENINGIOMA, 0.9, volume_mm3=9000.0)
    changed = study_of(STUDY, [series, larger], judged)
    assert (changed.finding, changed.review_state) == (MENINGIOMA, ReviewState.NEEDED)
    back = study_of(STUDY, [series, larger.model_copy(update={"withdrawn": True})], changed)
    assert (back.finding, back.review_state, back.revision) == (GLIOMA, ReviewState.CONFIRMED, 1)


def test_an_abstained_study_that_a_reader_must_see_says_why() -> None:
    nothing = dict.fromkeys(("predicted", "probabilities", "confidence", "volume_mm3"))
    why = {"needs_review": True, "review_reasons": (Reason.ABSTAINED_LIKELY_TUMOR,)}
    doubtful = a_series(0, outcome=Outcome.ABSTAINED).model_copy(update=nothing | why)
    study = study_of(STUDY, [doubtful], None)
    assert (study.finding, study.review_state) == (None, ReviewState.NEEDED)
    assert study.review_reasons == (Reason.ABSTAINED_LIKELY_TUMOR,)
