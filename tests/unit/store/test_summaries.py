"""A study in the table is what its series make it: in whatever order, however often and by however many at once."""

import itertools
import threading
from typing import Any

import pytest

from brainscan.domain import ReviewState, SeriesSummary, TumorClass, Verdict, study_of
from brainscan.store import Table
from brainscan.store.table.scans import ReviewConflictError
from tests.conftest import TABLE
from tests.making import opinion, present
from tests.summaries import STUDY, a_series

GLIOMA, NONE = TumorClass.GLIOMA, TumorClass.NO_TUMOR
SERIES = [a_series(0, GLIOMA), a_series(1, NONE, 0.99), a_series(2, TumorClass.MENINGIOMA, 0.7)]


def without_version(summary: Any) -> Any:
    return summary.model_copy(update={"version": 0})


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_reports_in_any_order_make_the_same_study(table: Table, order: Any) -> None:
    for place in order:
        table.summaries.put(SERIES[place])
    assert without_version(table.summaries.study(STUDY)) == study_of(STUDY, SERIES, None)
    assert table.summaries.series_of(present(table.summaries.study(STUDY)))[0].series_id == SERIES[0].series_id


def test_a_repeat_changes_nothing_and_an_older_report_never_replaces_a_newer_one(table: Table) -> None:
    newer = SERIES[0].model_copy(update={"report_revision": 9, "confidence": 0.5})
    table.summaries.put(newer)
    before = table.summaries.study(STUDY)
    for repeat in (newer, SERIES[0]):
        assert table.summaries.put(repeat).report_revision == 9
    assert table.summaries.study(STUDY) == before


def test_series_that_are_reported_at_the_same_time_are_all_in_the_study(dynamodb: Any, aws: None) -> None:
    many = [a_series(number, GLIOMA, 0.5 + number / 100) for number in range(12)]
    threads = [threading.Thread(target=Table.over(dynamodb, TABLE).summaries.put, args=(each,)) for each in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    study = present(Table.over(dynamodb, TABLE).summaries.study(STUDY))
    assert without_version(study) == study_of(STUDY, many, None)
    assert study.version == 12


def test_a_series_without_slices_is_taken_back_once(table: Table) -> None:
    for each in SERIES:
        table.summaries.put(each)
    assert table.summaries.withdraw(SERIES[0].series_id, 7)
    assert not table.summaries.withdraw(SERIES[0].series_id, 7)
    study = present(table.summaries.study(STUDY))
    assert {each.series_id for each in study.series} == {SERIES[1].series_id, SERIES[2].series_id}
    assert without_version(study) == study_of(STUDY, SERIES[1:], None)


def test_a_series_that_comes_again_after_it_was_taken_back_is_in_its_study_again(table: Table) -> None:
    table.summaries.put(SERIES[0])
    table.summaries.withdraw(SERIES[0].series_id, 7)
    assert present(table.summaries.study(STUDY)).withdrawn
    table.summaries.put(SERIES[0].model_copy(update={"report_revision": 8}))
    study = present(table.summaries.study(STUDY))
    assert (study.withdrawn, study.predicted) == (False, GLIOMA)


def test_an_unknown_series_is_not_taken_back(table: Table) -> None:
    assert not table.summaries.withdraw("0" * 32, 3)
    assert table.summaries.series("0" * 32) is None


class TestReviews:
    def test_a_corrected_series_changes_its_study_in_the_same_moment(self, table: Table) -> None:
        table.summaries.put(SERIES[0])
        after = present(table.summaries.review_series(SERIES[0].series_id, 0, opinion(Verdict.CORRECTED, NONE)))
        study = present(table.summaries.study(STUDY))
        assert (after.finding, study.finding, study.series[0].review_state) == (NONE, NONE, ReviewState.CORRECTED)
        assert [each.corrected for each in table.summaries.series_history(SERIES[0].series_id)] == [NONE]

    def test_a_verdict_on_a_study_is_kept_when_a_series_is_reported_anew(self, table: Table) -> None:
        table.summaries.put(SERIES[0])
        assert present(table.summaries.review_study(STUDY, 0, opinion(Verdict.CONFIRMED))).review_state == "confirmed"
        table.summaries.put(SERIES[0].model_copy(update={"report_revision": 7}))
        study = present(table.summaries.study(STUDY))
        assert (study.review_state, study.revision) == (ReviewState.CONFIRMED, 1)
        assert len(table.summaries.study_history(STUDY)) == 1

    @pytest.mark.parametrize("kind", ["study", "series"])
    def test_who_saw_an_older_state_is_refused(self, table: Table, kind: str) -> None:
        table.summaries.put(SERIES[0])
        review, name = {
            "study": (table.summaries.review_study, STUDY),
            "series": (table.summaries.review_series, SERIES[0].series_id),
        }[kind]
        review(name, 0, opinion(Verdict.CONFIRMED))
        with pytest.raises(ReviewConflictError):
            review(name, 0, opinion(Verdict.REJECTED, reader="another reader"))

    def test_there_is_nothing_to_review_in_what_does_not_exist(self, table: Table) -> None:
        assert table.summaries.review_study(STUDY, 0, opinion(Verdict.REJECTED)) is None
        assert table.summaries.review_series("0" * 32, 0, opinion(Verdict.REJECTED)) is None


def test_a_summary_comes_out_of_the_table_as_it_went_in(table: Table) -> None:
    table.summaries.put(SERIES[0])
    assert without_version(table.summaries.series(SERIES[0].series_id)) == SERIES[0]
    assert isinstance(table.summaries.series(SERIES[0].series_id), SeriesSummary)
