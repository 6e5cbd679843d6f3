"""Lists of studies and series: in four orders, filtered, counted, and the same from page to page."""

from datetime import timedelta
from typing import Any

import pytest

from brainscan.domain import ReviewState, TumorClass, Verdict
from brainscan.store import Table
from brainscan.store.table.cursors import CursorError
from brainscan.store.table.worklist_filter import Sort, WorklistFilter
from tests.making import NOON, PSEUDONYMS, opinion
from tests.summaries import PATIENT, a_series

GLIOMA, NONE = TumorClass.GLIOMA, TumorClass.NO_TUMOR
FIRST, LAST = "2025-06-01", "2026-03-31"


def study_id(number: int) -> Any:
    return PSEUDONYMS.digest("study", number)


@pytest.fixture
def listed(table: Table) -> Table:
    """Twelve studies of one series each over five months, every third to review, two of them reviewed."""
    for number in range(12):
        called = NONE if number % 2 else GLIOMA
        table.summaries.put(
            a_series(
                number, called, 0.5 + number / 30, study_id=study_id(number),
                received_at=NOON - timedelta(days=13 * number), needs_review=number % 3 == 0,
                volume_mm3=None if number == 4 else 0.0 if number % 2 else 1000.0 * number,
                export_ids=(PSEUDONYMS.digest("export", number % 2),), model_id=f"{number % 3}" * 64,
            )
        )  # fmt: skip
        table.statistics.mark_arrival((NOON - timedelta(days=13 * number)).date().isoformat())
    table.summaries.review_study(study_id(0), 0, opinion(Verdict.CORRECTED, NONE, "Dr. A"))
    table.summaries.review_study(study_id(1), 0, opinion(Verdict.CONFIRMED, reader="Dr. B"))
    return table


def wanted(**changes: Any) -> WorklistFilter:
    return WorklistFilter(first=FIRST, last=LAST, **changes)


def numbers(table: Table, limit: int = 50, **changes: Any) -> Any:
    found: list[Any] = []
    cursor = None
    while True:
        page = table.worklist.studies(wanted(**changes), limit, cursor)
        assert len(page.items) <= limit
        found += page.items
        if (cursor := page.cursor) is None:
            return [next(n for n in range(12) if study_id(n) == each.study_id) for each in found]


IN_ORDER = {
    Sort.ARRIVAL: list(range(12)),
    Sort.PROBABILITY: [10, 8, 6, 4, 2, 0, 1, 3, 5, 7, 9, 11],
    Sort.REVIEW: [3, 6, 9, 2, 4, 5, 7, 8, 10, 11, 1, 0],
}
"""The latest, the most probable tumor, and what needs review come first."""


@pytest.mark.parametrize("sort", IN_ORDER)
def test_an_order_is_the_same_by_whatever_pages(listed: Table, sort: Sort) -> None:
    for limit in (1, 5, 50):
        assert numbers(listed, limit, sort=sort) == IN_ORDER[sort]


def test_the_largest_volume_comes_first_and_none_last(listed: Table) -> None:
    for limit in (1, 5, 50):
        by_volume = numbers(listed, limit, sort=Sort.VOLUME)
        assert by_volume[:4] == [10, 8, 6, 2]
        assert by_volume[-1] == 4
        assert sorted(by_volume) == list(range(12))


FILTERED: list[tuple[dict[str, Any], set[int]]] = [
    ({"finding": GLIOMA}, {2, 4, 6, 8, 10}),
    ({"review": ReviewState.NEEDED}, {3, 6, 9}),
    ({"review": ReviewState.CORRECTED}, {0}),
    ({"reader": "Dr. B"}, {1}),
    ({"model_id": "1" * 64}, {1, 4, 7, 10}),
    ({"export_id": PSEUDONYMS.digest("export", 1)}, {1, 3, 5, 7, 9, 11}),
    ({"export_id": PSEUDONYMS.digest("export", 1), "review": ReviewState.NEEDED}, {3, 9}),
    ({"finding": GLIOMA, "model_id": "1" * 64}, {4, 10}),
]


@pytest.mark.parametrize("sort", Sort)
def test_filters_hold_in_every_order_and_on_every_page(listed: Table, sort: Sort) -> None:
    for filters, expected in FILTERED:
        for limit in (2, 50):
            assert set(numbers(listed, limit, sort=sort, **filters)) == expected, filters


@pytest.mark.parametrize("sort", Sort)
def test_what_arrives_while_somebody_pages_shifts_nothing(listed: Table, sort: Sort) -> None:
    first = listed.worklist.studies(wanted(sort=sort), 5)
    listed.summaries.put(a_series(77, GLIOMA, 0.99, study_id="a" * 32, volume_mm3=9e6, received_at=NOON + timedelta(3)))
    listed.statistics.mark_arrival((NOON + timedelta(3)).date().isoformat())
    second = listed.worklist.studies(wanted(sort=sort), 50, first.cursor)
    seen = [each.study_id for each in (*first.items, *second.items)]
    assert len(seen) == len(set(seen))
    assert {study_id(number) for number in range(12)} <= set(seen)


def test_each_value_of_a_filter_is_counted_beside_all_other_filters(listed: Table) -> None:
    counts = listed.worklist.study_counts(wanted(finding=NONE))
    assert counts.total == 7
    assert counts.findings == {"no_tumor": 7, "glioma": 5}
    assert counts.reviews == {"needed": 2, "none": 3, "confirmed": 1, "corrected": 1}
    assert counts.readers == {"Dr. A": 1, "Dr. B": 1}
    assert counts.complete
    of_export = listed.worklist.study_counts(wanted(export_id=PSEUDONYMS.digest("export", 1)))
    assert of_export.total == 6


def test_series_are_listed_and_counted_by_themselves(listed: Table) -> None:
    page = listed.worklist.series(wanted(finding=GLIOMA))
    assert len(page.items) == 6
    assert listed.worklist.series_counts(wanted()).findings == {"glioma": 6, "no_tumor": 6}


def test_a_day_range_takes_what_arrived_on_its_ends(listed: Table) -> None:
    day = (NOON - timedelta(days=13)).date().isoformat()
    page = listed.worklist.studies(WorklistFilter(first=day, last=day))
    assert [each.study_id for each in page.items] == [study_id(1)]


def test_a_patients_studies_come_by_time_and_those_taken_back_do_not(listed: Table) -> None:
    listed.summaries.withdraw(PSEUDONYMS.digest("series", 5), 9)
    found = listed.worklist.studies_of_patient(PATIENT)
    assert [each.study_id for each in found] == [study_id(n) for n in range(11, -1, -1) if n != 5]
    assert 5 not in numbers(listed)


@pytest.mark.parametrize("cursor", ["", "e30", "eJyLVorJU4oFAAWGAcE"])
def test_a_cursor_of_another_question_is_refused(listed: Table, cursor: str) -> None:
    with pytest.raises(CursorError):
        listed.worklist.studies(wanted(sort=Sort.REVIEW), 5, cursor)
