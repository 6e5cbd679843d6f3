"""Lists of scans: in three orders, filtered, counted, the same from page to page, and bounded in what a page reads."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, cast

import pytest

from brainscan.domain import Outcome, ReviewState, ScanRecord, Verdict
from brainscan.store import Table
from brainscan.store.table import keys
from brainscan.store.table.cursors import CursorError
from brainscan.store.table.worklist_filter import STATES, Sort, WorklistFilter
from brainscan.store.table.worklist_groups import MOST_ASKED, WEEKS_MERGED
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed, opinion
from tests.unit.store.ledger import Ledger
from tests.unit.store.listed_scans import (
    DAYS_BACK,
    GLIOMA,
    LAST,
    LISTED,
    MENINGIOMA,
    NONE,
    SCANS,
    SORTS,
    items,
    judged,
    over,
    walked,
    wanted,
)


def arrived(record: ScanRecord) -> tuple[float, str]:
    return record.received_at.timestamp(), record.scan_id


def probable(record: ScanRecord) -> tuple[float, ...]:
    """Sorts likely tumors first, of some weeks at a time, and what nobody calls anything last."""
    mondays = [date.fromisoformat(keys.week_of(day)) for day in (record.day, LAST)]
    weeks = (mondays[1] - mondays[0]).days // (7 * WEEKS_MERGED)
    if record.finding and record.probabilities:
        sure = record.probabilities[record.finding]
        return (1, weeks, sure) if record.finding is NONE else (0, weeks, -sure)
    return (3,) if record.outcome is Outcome.ANALYZED else (2,)


ORDER: dict[Sort, Callable[[ScanRecord], Any]] = {
    Sort.ARRIVAL: lambda record: 0,
    Sort.PROBABILITY: probable,
    Sort.REVIEW: lambda record: STATES.index(record.review_state or keys.NOT_REVIEWED),
}


def expected(sort: Sort, passes: Callable[[ScanRecord], bool] = lambda _: True) -> list[Any]:
    """What the order tells apart: sorted here, without any index."""
    latest = sorted(filter(passes, SCANS), key=arrived, reverse=True)
    return [ORDER[sort](each) for each in sorted(latest, key=ORDER[sort])]


def by_id(found: Iterable[str]) -> list[ScanRecord]:
    known = {each.scan_id: each for each in SCANS}
    return [known[each] for each in found]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 7, 50])
def test_an_order_is_the_same_by_whatever_pages_and_leaves_nothing_out(sort: Sort, limit: int) -> None:
    found = walked(LISTED, limit, sort=sort)
    assert sorted(found) == sorted(each.scan_id for each in SCANS)
    assert [ORDER[sort](each) for each in by_id(found)] == expected(sort)
    assert found == walked(LISTED, 200, sort=sort)


@pytest.mark.parametrize("sort", [Sort.ARRIVAL, Sort.REVIEW])
def test_the_latest_comes_first_in_each_state(sort: Sort) -> None:
    latest = sorted(SCANS, key=arrived, reverse=True)
    assert by_id(walked(LISTED, 7, sort=sort)) == sorted(latest, key=ORDER[sort])


def names(record: ScanRecord, reader: str) -> bool:
    return record.review is not None and record.review.reader == reader


FILTERED: list[tuple[dict[str, Any], Callable[[ScanRecord], bool]]] = [
    ({"finding": GLIOMA}, lambda scan: scan.finding is GLIOMA),
    ({"finding": NONE}, lambda scan: scan.finding is NONE),
    ({"outcome": Outcome.REJECTED}, lambda scan: scan.outcome is Outcome.REJECTED),
    ({"outcome": Outcome.ANALYZED}, lambda scan: scan.outcome is Outcome.ANALYZED),
    ({"outcome": Outcome.QUEUED}, lambda scan: False),
    ({"review": ReviewState.NEEDED}, lambda scan: scan.review_state is ReviewState.NEEDED),
    ({"review": ReviewState.REJECTED}, lambda scan: scan.review_state is ReviewState.REJECTED),
    ({"reader": "Dr. A"}, lambda scan: names(scan, "Dr. A")),
    ({"model_id": "1" * 64}, lambda scan: scan.model_id == "1" * 64),
    ({"export_id": a_record(0, "export 3").export_id}, lambda scan: scan.export_id == SCANS[3].export_id),
    ({"min_confidence": 0.7}, lambda scan: (scan.confidence or 0) >= 0.7 and scan is not SCANS[0]),
    ({"first": "2026-02-28", "last": "2026-02-28"}, lambda scan: scan.day == "2026-02-28"),
    ({"first": "2026-01-20", "last": "2026-02-28"}, lambda scan: "2026-01-20" <= scan.day <= "2026-02-28"),
    (
        {"export_id": SCANS[0].export_id, "review": ReviewState.NEEDED, "finding": NONE},
        lambda scan: scan.export_id == SCANS[0].export_id and scan.needs_review and scan.finding is NONE,
    ),
    (
        {"reader": "Dr. B", "model_id": "1" * 64, "outcome": Outcome.ABSTAINED},
        lambda scan: names(scan, "Dr. B") and scan.outcome is Outcome.ABSTAINED,
    ),
    (
        {"finding": MENINGIOMA, "min_confidence": 0.6, "model_id": "0" * 64},
        lambda scan: scan.finding is MENINGIOMA and (scan.confidence or 0) >= 0.6 and scan.model_id == "0" * 64,
    ),
]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("place", range(len(FILTERED)))
def test_filters_hold_in_every_order_and_on_every_page(sort: Sort, place: int) -> None:
    filters, passes = FILTERED[place]
    for limit in (2, 50):
        found = walked(LISTED, limit, sort=sort, **filters)
        assert sorted(found) == sorted(each.scan_id for each in SCANS if passes(each)), filters
        if "export_id" not in filters and "first" not in filters:
            assert [ORDER[sort](each) for each in by_id(found)] == expected(sort, passes)
    assert found or filters.get("outcome") is Outcome.QUEUED


def test_scans_of_an_export_come_in_the_order_of_its_files() -> None:
    found = by_id(walked(LISTED, 3, export_id=SCANS[0].export_id))
    assert [each.source.entry_index for each in found] == list(range(0, 40, 5))


def test_scans_have_no_volume_to_be_ordered_by() -> None:
    with pytest.raises(ValueError, match="no volume"):
        LISTED.worklist.scans(wanted(sort=Sort.VOLUME))


@pytest.mark.parametrize("sort", SORTS)
def test_what_arrives_while_somebody_pages_shifts_nothing(sort: Sort) -> None:
    page = LISTED.worklist.scans(wanted(sort=sort), 5)
    late = [analyzed(a_record(n, "late", received_at=NOON + timedelta(days=n)), GLIOMA, 0.99) for n in range(3)]
    seen, cursor = [each.scan_id for each in page.items], page.cursor
    while cursor:
        rest = over([*SCANS, *late]).worklist.scans(wanted(sort=sort), 100, cursor)
        seen, cursor = [*seen, *(each.scan_id for each in rest.items)], rest.cursor
    assert len(seen) == len(set(seen))
    assert {each.scan_id for each in SCANS} <= set(seen)


def test_each_value_of_a_filter_is_counted_beside_all_other_filters() -> None:
    counts = LISTED.worklist.scan_counts(wanted(finding=GLIOMA, min_confidence=0.6))
    sure = [each for each in SCANS if (each.probabilities or {}).get(each.finding or NONE, 0) >= 0.6 and each.finding]
    glioma = [each for each in sure if each.finding is GLIOMA]
    assert counts.total == len(glioma)
    for known in (GLIOMA, NONE, MENINGIOMA):
        assert counts.findings[known] == sum(each.finding is known for each in sure)
    assert counts.outcomes == Counter(each.outcome.value for each in glioma)
    assert counts.reviews == Counter(str(each.review_state or "none") for each in glioma)
    assert counts.models == Counter(each.model_id for each in glioma)
    assert counts.complete
    everything = LISTED.worklist.scan_counts(wanted())
    assert everything.total == len(SCANS)
    assert everything.readers == {"Dr. A": 3, "Dr. B": 3}
    of_export = LISTED.worklist.scan_counts(wanted(export_id=SCANS[3].export_id))
    assert of_export.total == 8


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("cursor", ["", "e30", "eyJLVorJU4oFAAWGAcE"])
def test_a_cursor_of_another_question_is_refused(sort: Sort, cursor: str) -> None:
    with pytest.raises(CursorError):
        LISTED.worklist.scans(wanted(sort=sort), 5, cursor)


def test_a_list_goes_on_where_a_page_has_asked_as_many_partitions_as_it_may() -> None:
    rare = [
        analyzed(a_record(n, f"day {n}", received_at=NOON - timedelta(days=3 * n)), GLIOMA, 0.9, needs_review=n == 99)
        for n in range(100)
    ]
    ledger = Ledger(items(rare), list(keys.Index))
    table = Table.over(cast(Any, ledger), TABLE)
    for sort in SORTS:
        question = WorklistFilter(first="2025-01-01", last=LAST, min_confidence=0.95, sort=sort)
        pages, cursor = 0, None
        while True:
            ledger.queries = 0
            page = table.worklist.scans(question, 50, cursor)
            assert ledger.queries <= MOST_ASKED + 1 + len(rare)  # of the days, and again of partitions that have more
            pages, cursor = pages + 1, page.cursor
            if cursor is None:
                break
        assert pages > 1
    assert len(walked(table, first="2025-01-01", review=ReviewState.NEEDED)) == 1


def test_a_count_that_no_counter_answers_asks_no_more_partitions_than_a_page() -> None:
    rare = [analyzed(a_record(n, "rare", received_at=NOON - timedelta(days=2 * n)), GLIOMA, 0.9) for n in range(100)]
    ledger = Ledger(items(rare), list(keys.Index))
    table = Table.over(cast(Any, ledger), TABLE)
    counts = table.worklist.scan_counts(WorklistFilter(first="2025-01-01", last=LAST, min_confidence=0.5))
    assert not counts.complete
    assert 0 < counts.total < 100
    assert ledger.queries <= MOST_ASKED + 1


def test_counters_answer_each_count_that_they_can_by_a_query_a_day() -> None:
    ledger = Ledger(items(SCANS), list(keys.Index))
    table = Table.over(cast(Any, ledger), TABLE)
    judged_by_a = {"reader": "Dr. A", "finding": NONE}
    for filters in ({}, {"finding": GLIOMA}, {"review": ReviewState.NEEDED, "model_id": "1" * 64}, judged_by_a):
        ledger.queries = 0
        counts = table.worklist.scan_counts(wanted(**filters))
        assert counts.total == len(walked(LISTED, **filters)) > 0
        assert counts.complete
        assert ledger.queries == 1 + len(DAYS_BACK)


def test_a_second_reader_counts_no_case_among_those_to_read_that_they_read_first() -> None:
    said = [opinion(Verdict.CONFIRMED, reader=reader) for reader in ("Dr. A", "Dr. A", "Dr. B")]
    records = [judged(analyzed(a_record(number), GLIOMA, 0.9), each, readers=2) for number, each in enumerate(said)]
    worklist = over(records).worklist
    for filters in ({}, {"min_confidence": 0.5}):
        counts = worklist.scan_counts(wanted(review=ReviewState.SECOND, second_reader="Dr. A", **filters))
        assert counts.total == counts.findings[GLIOMA] == 1
        assert counts.reviews == {"second": 3}
        assert counts.readers == {}


@pytest.mark.parametrize("sort", SORTS)
def test_the_emulator_lists_and_counts_as_the_ledger_does(lagging_table: Table, dynamodb: Any, sort: Sort) -> None:
    for item in items(SCANS):
        dynamodb.put_item(TableName=TABLE, Item=item)
    for filters in ({}, {"finding": NONE, "min_confidence": 0.6}, {"export_id": SCANS[3].export_id}):
        assert walked(lagging_table, 19, sort=sort, **filters) == walked(LISTED, 19, sort=sort, **filters)
        assert lagging_table.worklist.scan_counts(wanted(**filters)) == LISTED.worklist.scan_counts(wanted(**filters))


@pytest.mark.parametrize("sort", SORTS)
def test_what_waits_or_was_replaced_is_in_no_list(sort: Sort) -> None:
    queued = a_record(50, "export 0")
    replaced = analyzed(a_record(51, "export 0"), GLIOMA, 0.9).model_copy(update={"superseded": True})
    table = over([*SCANS, queued, replaced])
    both: tuple[dict[str, Any], ...] = ({}, {"export_id": queued.export_id})
    for filters in both:
        assert walked(table, sort=sort, **filters) == walked(LISTED, sort=sort, **filters)
        assert table.worklist.scan_counts(wanted(**filters)) == LISTED.worklist.scan_counts(wanted(**filters))
