"""What a series shows: which acquisition it rests on, what a reader should look at, and each slice where it lies."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from brainscan.domain import Outcome, Reason, ScanRecord, Series, TumorClass
from brainscan.series.acquisitions import AcquisitionOrder, SliceSource, Technique
from brainscan.series.planes import Plane
from brainscan.series.result import SeriesAnalysis, analyze_series
from tests import series as mr
from tests.making import NOON

G, M, N = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR
SMALL, LARGE = mr.disc(4), mr.disc(8)
SERIES = Series(series_id="5" * 32, expected=1, revision=1)


def analyzed(records: Any, masks: Any, sources: Any = None) -> SeriesAnalysis:
    by_id = {record.scan_id: masks.get(n) for n, record in enumerate(records)}
    return analyze_series(SERIES, records, sources or {}, lambda counted: [by_id[each.scan_id] for each in counted])


def series_of(*found: Any) -> Any:
    """A slice for each (class, mask); None stands for an abstained one."""
    records = [
        mr.answered(n, N, outcome=Outcome.ABSTAINED) if each is None else mr.answered(n, *each)
        for n, each in enumerate(found)
    ]
    return analyzed(records, {n: each[1] for n, each in enumerate(found) if each})


def imaged(*techniques: Any, sick: Any) -> Any:
    """Six places, each imaged in every way; the places of `sick` show a glioma."""
    records: list[ScanRecord] = []
    sources, masks = {}, {}
    for place in range(6):
        for technique in techniques:
            n = len(records)
            mask = LARGE if place in sick else None
            records.append(mr.answered(n, G if place in sick else N, mask))
            plane = Plane((0.0, 0.0, 6.0 * place), mr.TRANSVERSE, "1.2")
            sources[records[-1].scan_id] = SliceSource(
                plane, Technique(**technique), AcquisitionOrder(instance_number=n)
            )
            masks[n] = mask
    return analyzed(records, masks, sources)


ECHOES = ({"echo_time_ms": 12.0}, {"echo_time_ms": 90.0})
TIMES = tuple({"temporal_position": float(n)} for n in (1, 2, 3))
AVERAGES: tuple[dict[str, float], ...] = ({}, {}, {})


def test_a_place_imaged_several_times_is_as_isolated_as_if_it_had_been_imaged_once() -> None:
    for techniques in (ECHOES, TIMES, AVERAGES):
        result = imaged(*techniques, sick={2}).result
        assert (result.predicted, result.lesions) == (N, ())
        assert result.review_reasons == (Reason.ISOLATED_SLICE,)
        assert len(result.acquisitions) == len(techniques)


def test_a_tumor_on_two_places_is_measured_once_however_often_they_were_imaged() -> None:
    once = imaged({}, sick={2, 3}).result.lesions
    for techniques in (ECHOES, TIMES, AVERAGES):
        result = imaged(*techniques, sick={2, 3}).result
        [lesion] = result.lesions
        assert (lesion.volume_mm3, len(lesion.slices)) == (once[0].volume_mm3, 2)
        assert result.rests_on == 1
        assert sum(each.counted for each in result.slices) == 2
        assert [each.acquisition for each in result.slices] == [n + 1 for n in range(len(techniques)) for _ in range(6)]


def test_slices_of_crossing_planes_are_no_neighbours() -> None:
    coronal = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    records = [mr.answered(0), mr.answered(1), mr.answered(2, G, LARGE), mr.answered(3, G, LARGE), mr.answered(4)]
    planes = [Plane((0.0, 0.0, 6.0 * n), mr.TRANSVERSE, "1.2") for n in range(3)]
    planes += [Plane((0.0, 6.0 * n, 0.0), coronal, "1.2") for n in range(2)]
    sources = {each.scan_id: SliceSource(plane) for each, plane in zip(records, planes, strict=True)}
    result = analyzed(records, {2: LARGE, 3: LARGE}, sources).result
    assert (result.predicted, len(result.acquisitions)) == (N, 2)
    assert Reason.ISOLATED_SLICE in result.review_reasons


def test_slices_of_crossing_planes_stand_for_no_volume() -> None:
    sagittal = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    records = [mr.answered(n, G, LARGE) for n in range(6)]
    planes = [Plane((0.0, 0.0, 6.0 * n), mr.TRANSVERSE, "1.2") for n in range(3)]
    planes += [Plane((6.0 * n, 0.0, 0.0), sagittal, "1.2") for n in range(3)]
    sources = {each.scan_id: SliceSource(plane) for each, plane in zip(records, planes, strict=True)}
    result = analyzed(records, dict.fromkeys(range(6), LARGE), sources).result
    assert (result.predicted, len(result.acquisitions)) == (G, 2)
    assert [each.volume_withheld for each in result.lesions] == [Reason.MIXED_GEOMETRY]
    assert Reason.UNCLEAR_CONTENT in result.review_reasons


def test_acquisitions_that_disagree_ask_for_review_and_the_tumor_stands() -> None:
    records: list[ScanRecord] = []
    sources, masks = {}, {}
    for n in range(12):
        echo, place = divmod(n, 6)
        sick = echo == 1 and place in {2, 3}
        masks[n] = LARGE if sick else None
        records.append(mr.answered(n, G if sick else N, masks[n]))
        plane = Plane((0.0, 0.0, 6.0 * place), mr.TRANSVERSE, "1.2")
        sources[records[-1].scan_id] = SliceSource(plane, Technique(echo_time_ms=12.0 + echo))
    result = analyzed(records, masks, sources).result
    assert (result.predicted, result.rests_on) == (G, 2)
    assert [each.predicted for each in result.acquisitions] == [N, G]
    assert result.review_reasons == (Reason.ACQUISITIONS_DISAGREE,)


def test_an_abstained_slice_neither_supports_nor_interrupts() -> None:
    assert series_of((N, None), (G, LARGE), None, (G, LARGE)).result.predicted is G
    assert series_of(None, (G, LARGE), None, (N, None), (N, None)).result.predicted is N


def test_neighbours_of_different_classes_are_findings_of_their_own() -> None:
    result = series_of((N, None), (M, LARGE), (G, SMALL), (N, None)).result
    assert [(each.tumor_class, each.lesions) for each in result.findings] == [(M, 1), (G, 1)]
    assert result.review_reasons == (Reason.MIXED_CLASSES,)


def test_a_lone_slice_among_places_without_an_answer_is_isolated() -> None:
    """However few places speak: the tumor was not seen where it was looked for, and most was not looked at."""
    result = series_of(None, None, (G, LARGE), None, None).result
    assert (result.outcome, result.predicted, result.lesions) == (Outcome.ABSTAINED, None, ())
    assert result.review_reasons == (
        Reason.ISOLATED_SLICE,
        Reason.SLICES_UNANSWERED,
        Reason.ABSTAINED_LIKELY_TUMOR,
    )


def test_a_series_that_shows_nothing_where_it_could_be_read_and_mostly_could_not_has_no_verdict() -> None:
    whole, few = series_of(*[(N, None)] * 3, None).result, series_of((N, None), *[None] * 25).result
    assert (whole.outcome, whole.predicted) == (Outcome.ANALYZED, N)
    assert (few.outcome, few.predicted, few.probabilities, few.acquisitions) == (Outcome.ABSTAINED, None, None, ())
    assert (few.needs_review, few.review_reasons) == (True, (Reason.SLICES_UNANSWERED,))
    assert [each.outcome for each in few.slices].count(Outcome.ANALYZED) == 1


def test_places_without_a_picture_and_repeats_of_a_place_are_no_places_that_were_not_looked_at() -> None:
    blank = [mr.answered(n, N, outcome=Outcome.ABSTAINED, reasons=(Reason.BLANK_IMAGE,)) for n in range(2, 9)]
    assert analyzed([mr.answered(0), mr.answered(1), *blank], {}).result.predicted is N
    again = [mr.answered(n + 2, N, outcome=Outcome.ABSTAINED, order=n % 2) for n in range(6)]
    assert analyzed([mr.answered(0), mr.answered(1), *again], {}).result.predicted is N


def test_slices_that_are_called_a_tumor_without_outline_are_no_series_without_tumor() -> None:
    result = series_of(*[(G, None)] * 6).result
    assert (result.predicted, result.needs_review) == (None, True)
    assert result.review_reasons == (Reason.ABSTAINED_LIKELY_TUMOR,)


@pytest.mark.parametrize(
    "doubt",
    [Reason.UNCLEAR_BODY_PART, Reason.UNCLEAR_CONTENT, Reason.UNCLEAR_MODALITY, Reason.UNCLEAR_ORIENTATION],
)
def test_what_is_unclear_of_its_slices_is_unclear_of_the_series_whatever_it_shows(doubt: Reason) -> None:
    for shown, mask in ((N, None), (G, LARGE)):
        records = [mr.answered(n, shown, mask, needs_review=True, review_reasons=(doubt,)) for n in range(3)]
        result = analyzed(records, dict.fromkeys(range(3), mask)).result
        assert (result.predicted, result.needs_review) == (shown, True)
        assert doubt in result.review_reasons


def test_a_time_point_without_an_answer_is_no_place_of_its_own() -> None:
    records = [mr.answered(n, G, LARGE) for n in range(2)]
    records += [mr.answered(n + 2, N, outcome=Outcome.ABSTAINED, order=n) for n in range(2)]
    records = [records[0], *records[2:]]  # of two places; the second was imaged once, and abstained from
    assert analyzed(records, {0: LARGE}).result.predicted is G


def test_a_series_of_which_most_pictures_were_abstained_from_asks_for_review() -> None:
    assert series_of((N, None), (N, None), None).result.review_reasons == ()
    assert series_of((N, None), None, None).result.review_reasons == (Reason.SLICES_UNANSWERED,)
    blank = [mr.answered(n, N, outcome=Outcome.ABSTAINED, reasons=(Reason.BLANK_IMAGE,)) for n in (1, 2)]
    assert analyzed([mr.answered(0), *blank], {}).result.review_reasons == ()


def test_rejected_and_failed_slices_ask_for_review() -> None:
    records = [mr.answered(0), mr.answered(1), mr.answered(2, outcome=Outcome.FAILED)]
    assert analyzed(records, {}).result.review_reasons == (Reason.SLICES_UNANSWERED,)


def test_a_slice_behind_the_call_that_needs_review_makes_the_series_need_it() -> None:
    records = [mr.answered(0, G, LARGE, needs_review=True), mr.answered(1, G, LARGE), mr.answered(2)]
    assert analyzed(records, {0: LARGE, 1: LARGE}).result.review_reasons == (Reason.SLICE_NEEDS_REVIEW,)


def test_a_series_in_which_nothing_speaks_abstains_and_lists_its_slices() -> None:
    result = series_of(None, None).result
    assert (result.outcome, result.predicted, result.acquisitions) == (Outcome.ABSTAINED, None, ())
    assert len(result.slices) == 2


def test_without_positions_slices_are_in_their_order_and_the_volume_says_why_it_is_missing() -> None:
    analysis = series_of((N, None), (G, LARGE), (G, LARGE))
    assert analysis.no_geometry is Reason.NO_POSITIONS
    assert [each.position_mm for each in analysis.result.slices] == [None] * 3
    assert analysis.result.lesions[0].volume_withheld is Reason.NO_POSITIONS
    assert {int(label.max()) for label in analysis.labels.values()} == {1}
    assert all(np.array_equal(label > 0, LARGE) for label in analysis.labels.values())


def test_a_result_repeats_what_is_known_of_each_slice_and_acquisition() -> None:
    result = imaged({"b_value": 0.0}, {"b_value": 1000.0}, sick={2, 3}).result
    assert [each.b_value for each in result.acquisitions] == [0.0, 1000.0]
    assert [each.position_mm for each in result.slices] == [6.0 * place for place in range(6)] * 2
    area = LARGE.sum() * mr.SPACING[0] * mr.SPACING[1]
    assert [each.area_mm2 for each in result.slices if each.counted] == [pytest.approx(area)] * 2
    assert {each.area_mm2 for each in result.slices if each.predicted is N} == {None}


def test_a_result_is_of_the_models_that_answered_and_as_late_as_its_last_slice() -> None:
    later = NOON + timedelta(hours=1)
    records = [
        mr.answered(0, model_id="b" * 64, finished_at=later),
        mr.answered(1, model_id="a" * 64),
        mr.answered(2, model_id="c" * 64, outcome=Outcome.FAILED),
    ]
    result = analyzed(records, {}).result
    assert result.model_ids == ("a" * 64, "b" * 64)
    assert result.finished_at == later
