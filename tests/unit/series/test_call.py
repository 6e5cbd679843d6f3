"""The rule by which slices become the call of their series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainscan.domain import TUMORS, Outcome, Reason, TumorClass
from brainscan.series.call import call_series
from tests.series import answered, disc

G, M, P, N = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.PITUITARY, TumorClass.NO_TUMOR
SMALL, LARGE = disc(4), disc(8)


def slices(*found):
    """(class, mask) of each slice, in order; None stands for an abstained slice."""
    return [
        answered(n, N, outcome=Outcome.ABSTAINED) if each is None else answered(n, *each)
        for n, each in enumerate(found)
    ]


def call(*found, widths=Reason.NO_POSITIONS):
    return call_series(slices(*found), widths)


def test_without_positive_slices_the_call_is_no_tumor_by_the_mean_of_all():
    found = call_series([answered(0, N, confidence=0.9), answered(1, N, confidence=0.7)], Reason.NO_POSITIONS)
    assert (found.predicted, found.findings) == (N, ())
    assert found.confidence == pytest.approx(0.8)


def test_two_neighbours_make_a_tumor_and_larger_masks_weigh_more():
    records = [answered(0), answered(1, G, SMALL, 0.6), answered(2, G, LARGE, 0.9), answered(3)]
    found = call_series(records, Reason.NO_POSITIONS)
    small, large = SMALL.sum(), LARGE.sum()
    assert found.predicted is G
    assert found.confidence == pytest.approx((0.6 * small + 0.9 * large) / (small + large))
    assert found.findings[0].key_slice == records[2].scan_id
    assert found.counted == {records[1].scan_id, records[2].scan_id}


def test_a_lone_positive_slice_is_for_a_reader_and_not_for_the_call():
    found = call((N, None), (N, None), (G, LARGE), (N, None))
    assert (found.predicted, found.findings) == (N, ())
    assert found.review_reasons == (Reason.ISOLATED_SLICE,)


def test_in_a_series_of_two_slices_one_is_enough():
    assert call((N, None), (G, LARGE)).predicted is G
    assert call((G, LARGE)).predicted is G


def test_a_class_without_a_mask_and_a_mask_without_a_class_are_not_positive():
    assert call((G, None), (G, None), (G, None)).predicted is N
    assert call((N, LARGE), (N, LARGE), (N, LARGE)).predicted is N


def test_an_abstained_slice_neither_supports_nor_interrupts():
    assert call((N, None), (G, LARGE), None, (G, LARGE)).predicted is G
    assert call(None, (G, LARGE), None, (N, None), (N, None)).predicted is N


def test_neighbours_of_different_classes_are_findings_of_their_own_the_larger_called():
    found = call((N, None), (M, LARGE), (G, SMALL), (N, None))
    assert found.predicted is M
    assert [(each.tumor_class, each.segment) for each in found.findings] == [(M, 1), (G, 2)]
    assert found.review_reasons == (Reason.MIXED_CLASSES,)


def test_rejected_and_failed_slices_ask_for_review():
    records = [*slices((N, None), (N, None)), answered(2, outcome=Outcome.FAILED)]
    assert call_series(records, Reason.NO_POSITIONS).review_reasons == (Reason.SLICES_UNANSWERED,)


def test_a_slice_behind_the_call_that_needs_review_makes_the_series_need_it():
    records = [answered(0, G, LARGE, needs_review=True), answered(1, G, LARGE), answered(2)]
    assert call_series(records, Reason.NO_POSITIONS).review_reasons == (Reason.SLICE_NEEDS_REVIEW,)


def test_a_series_in_which_nothing_speaks_abstains():
    found = call(None, None)
    assert (found.outcome, found.predicted, found.probabilities) == (Outcome.ABSTAINED, None, None)


def test_sizes_are_those_of_the_key_slice_the_longest_and_the_sum():
    records = slices((G, SMALL), (G, LARGE), (N, None))
    [finding] = call_series(records, {record.scan_id: 3.0 for record in records}).findings
    assert finding.key_area_mm2 == pytest.approx(LARGE.sum() * 1.5 * 1.25)
    assert finding.longest_diameter_mm == max(record.tumor.longest_diameter_mm for record in records if record.tumor)
    assert finding.volume_mm3 == pytest.approx((SMALL.sum() + LARGE.sum()) * 1.5 * 1.25 * 3)


def test_the_reason_why_there_are_no_widths_is_why_there_is_no_volume():
    [finding] = call((G, LARGE), (G, LARGE), widths=Reason.REPEATED_POSITIONS).findings
    assert (finding.volume_mm3, finding.volume_withheld) == (None, Reason.REPEATED_POSITIONS)


@given(st.lists(st.sampled_from([(G, LARGE), (M, SMALL), (P, SMALL), (N, None), (N, LARGE), None]), max_size=12))
def test_whatever_the_slices_say_the_call_is_whole(found):
    records = slices(*found)
    result = call_series(records, {record.scan_id: 1.0 for record in records})
    if result.outcome is Outcome.ABSTAINED:
        assert all(each is None for each in found)
        return
    assert sum(result.probabilities.values()) == pytest.approx(1)
    assert (result.predicted in TUMORS) == bool(result.findings) == bool(result.counted)
    assert [each.segment for each in result.findings] == list(range(1, len(result.findings) + 1))
    assert sum(each.slices for each in result.findings) == len(result.counted)
