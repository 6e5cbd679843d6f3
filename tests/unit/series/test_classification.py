"""The rule by which slices become the call of their acquisition, and an acquisition that of its series."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscan.domain import TUMORS, Reason, TumorClass
from brainscan.series.classification import (
    Classification,
    abstention_reasons,
    classify_acquisition,
    decisive_acquisition,
)
from tests.series import answered, disc

G, M, P, N = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.PITUITARY, TumorClass.NO_TUMOR
SMALL, LARGE = disc(4), disc(8)


def slices(*found: Any) -> Any:
    """(class, mask) of each slice, in order."""
    return [answered(n, *each) for n, each in enumerate(found)]


def call(*found: Any, places: Any = None) -> Classification:
    return classify_acquisition(slices(*found), len(found) if places is None else places)


def counted(found: Classification) -> Any:
    return [record.scan_id for record in found.counted]


def test_without_positive_slices_the_call_is_no_tumor_by_the_mean_of_all() -> None:
    found = classify_acquisition([answered(0, N, confidence=0.9), answered(1, N, confidence=0.7)], 2)
    assert (found.predicted, found.counted) == (N, ())
    assert found.confidence == pytest.approx(0.8)


def test_two_neighbours_make_a_tumor_and_larger_masks_weigh_more() -> None:
    records = [answered(0), answered(1, G, SMALL, 0.6), answered(2, G, LARGE, 0.9), answered(3)]
    found = classify_acquisition(records, 4)
    small, large = SMALL.sum(), LARGE.sum()
    assert found.predicted is G
    assert found.confidence == pytest.approx((0.6 * small + 0.9 * large) / (small + large))
    assert counted(found) == [records[1].scan_id, records[2].scan_id]


def test_a_lone_positive_slice_is_for_a_reader_and_not_for_the_call() -> None:
    found = call((N, None), (N, None), (G, LARGE), (N, None))
    assert (found.predicted, found.counted, found.has_isolated) == (N, (), True)


def test_in_a_series_of_two_places_one_is_enough() -> None:
    assert call((N, None), (G, LARGE)).predicted is G
    assert call((G, LARGE)).predicted is G


def test_in_an_acquisition_of_two_slices_of_a_longer_series_one_is_not_enough() -> None:
    assert call((N, None), (G, LARGE), places=3).predicted is N


def test_a_class_without_a_mask_and_a_mask_without_a_class_are_not_positive() -> None:
    assert call((G, None), (G, None), (G, None)).predicted is N
    assert call((N, LARGE), (N, LARGE), (N, LARGE)).predicted is N


@pytest.mark.parametrize(
    ("answered", "unanswered", "verdict"), [(6, 0, True), (4, 4, True), (4, 5, False), (1, 25, False)]
)
def test_no_tumor_is_a_verdict_only_where_at_least_as_many_places_have_an_answer_as_have_none(
    answered: int, unanswered: int, verdict: bool
) -> None:
    healthy = call((N, None), (N, None))
    assert (abstention_reasons(healthy, answered, unanswered) == ()) is verdict
    sick = call((G, LARGE), (G, LARGE))
    assert abstention_reasons(sick, answered, unanswered) == ()


def test_no_tumor_is_no_verdict_where_the_mean_says_that_one_is_likelier() -> None:
    unoutlined = call((G, None), (G, None), (N, None))
    assert unoutlined.confidence < 0.5
    assert abstention_reasons(unoutlined, 3, 0) == (Reason.ABSTAINED_LIKELY_TUMOR,)
    assert abstention_reasons(call((G, None), (N, None), (N, None)), 3, 0) == ()


def test_of_neighbours_of_different_classes_the_larger_is_called() -> None:
    found = call((N, None), (M, LARGE), (G, SMALL), (N, None))
    assert (found.predicted, len(found.counted)) == (M, 2)


def test_a_series_rests_on_the_acquisition_with_the_largest_masks() -> None:
    none, small, large = (call(*[(N, None)] * 9), *(call((G, mask), (G, mask), (N, None)) for mask in (SMALL, LARGE)))
    assert decisive_acquisition([none, small, large]) == 2
    assert decisive_acquisition([small, none, small]) == 0


def test_without_a_tumor_a_series_rests_on_the_acquisition_with_the_most_slices() -> None:
    assert decisive_acquisition([call(*[(N, None)] * 3), call(*[(N, None)] * 5), call(*[(N, None)] * 5)]) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from([(G, LARGE), (M, SMALL), (P, SMALL), (N, None), (N, LARGE)]), min_size=1, max_size=12))
def test_whatever_the_slices_say_the_call_is_whole(found: list[Any]) -> None:
    result = call(*found)
    assert sum(result.probabilities.values()) == pytest.approx(1)
    assert (result.predicted in TUMORS) == bool(result.counted)
