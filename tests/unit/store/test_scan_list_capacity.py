"""What lists of scans cost, among 20,000 of them on one day or over 32: the numbers of docs/data-model.md."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from brainscan.domain import (
    CLASSES,
    Export,
    ExportState,
    Measurements,
    Outcome,
    Review,
    ReviewState,
    ScanRecord,
    TumorClass,
    Verdict,
)
from brainscan.store import Table
from brainscan.store.table import keys
from brainscan.store.table.items import export_item, scan_item, to_item
from brainscan.store.table.worklist import MOST_COUNTED
from brainscan.store.table.worklist_filter import Listed, Sort, WorklistFilter
from brainscan.store.table.worklist_groups import FINAL, MOST_ASKED
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed, opinion
from tests.unit.store.ledger import Ledger, day_counters, item_size

SCANS, PAGE = 20_000, 50
IN_EXPORT = 400
READER = "Dr. A"


def a_scan(number: int, days: int) -> ScanRecord:
    """A slice with all that a scan holds: one of five is to be reviewed, one of a hundred was, one of ten abstained."""
    back = timedelta(days=number * days // SCANS, milliseconds=number)
    place = {"series_id": "5" * 32, "study_id": "6" * 32, "patient_id": "7" * 32, "order": number}
    export = "one export" if number < IN_EXPORT else "another"
    waiting = a_record(number, export, received_at=NOON - back, **place)
    found = CLASSES[number % 4]
    final = analyzed(waiting, found, 0.5 + (number * 7919 % 4999) / 10_000, needs_review=number % 5 == 0)
    tumor = Measurements(
        area_px=1234, area_mm2=271.142578125, bounding_box=(100, 120, 200, 210), centroid=(150.123456789, 160.12345678),
        longest_diameter_px=55.123456789, longest_diameter_mm=25.123456789, components=1,
    )  # fmt: skip
    files = {f"{name}_key": f"results/{final.scan_id}/{'0' * 16}/{name}.png" for name in ("image", "mask")}
    more: dict[str, Any] = {"tumor": tumor, "rows": 512, "columns": 512, "spacing_mm": (0.46875, 0.46875)} | files
    if number % 10 == 9:
        more["outcome"] = Outcome.ABSTAINED
    if number % 100 == 2:
        more["review"] = Review.of(opinion(Verdict.CONFIRMED, reader=READER), 0, adjudicates=False)
    return final.model_copy(update=more)


def synthetic(days: int) -> Iterator[Any]:
    for back in range(days):
        yield to_item(keys.arrival_day((NOON - timedelta(days=back)).date().isoformat()))
    export = Export(export_id=a_record(0, "one export").export_id, state=ExportState.EXPANDED, received_at=NOON)
    yield export_item(export, None)
    for number in range(SCANS):
        yield scan_item(a_scan(number, days), None)
    yield from day_counters(a_scan(number, days) for number in range(SCANS))


@pytest.fixture(scope="module", params=[1, 32], ids=["one day", "32 days"])
def days(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def ledger(days: int) -> Ledger:
    return Ledger(synthetic(days), list(keys.Index))


def asked(days: int, **question: Any) -> WorklistFilter:
    first = (NOON - timedelta(days=days - 1)).date().isoformat()
    return WorklistFilter(first=first, last=NOON.date().isoformat(), **question)


EXPORT = {"export_id": a_record(0, "one export").export_id}
QUESTIONS: dict[str, dict[str, Any]] = {
    "arrival": {},
    "arrival, an outcome": {"outcome": Outcome.ANALYZED},
    "arrival, a review state": {"review": ReviewState.NEEDED},
    "arrival, a model": {"model_id": "f" * 64},
    "arrival, a reader": {"reader": READER},
    "arrival, a class": {"finding": TumorClass.GLIOMA},
    "arrival, a rare outcome": {"outcome": Outcome.FAILED},
    "probability": {"sort": Sort.PROBABILITY},
    "probability, a class": {"sort": Sort.PROBABILITY, "finding": TumorClass.GLIOMA},
    "review": {"sort": Sort.REVIEW},
    "an export, arrival": EXPORT,
    "an export, probability": EXPORT | {"sort": Sort.PROBABILITY},
    "an export, review": EXPORT | {"sort": Sort.REVIEW},
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_page_of_scans_costs_o_of_page_and_of_what_its_order_merges(ledger: Ledger, days: int, question: str) -> None:
    table, cursor, told = Table.over(cast(Any, ledger), TABLE), None, []
    for _ in range(2):  # the first page, and the next
        ledger.units = ledger.queries = 0
        page = table.worklist.scans(asked(days, **QUESTIONS[question]), PAGE, cursor)
        told.append(ledger.units)
        looked_at = 1000 * 2048 / 8192 if "export_id" in QUESTIONS[question] else 4 * 1.5 * PAGE * 2048 / 8192
        assert len(page.items) == PAGE or "export" in question or "rare" in question
        assert ledger.units <= looked_at + MOST_ASKED / 2 + 60
        cursor = page.cursor
    print(f"{question}, {days} days: {told[0]} read units, then {told[1]}")


def test_a_filter_that_nothing_passes_reads_a_thousand_scans_a_page(ledger: Ledger, days: int) -> None:
    table = Table.over(cast(Any, ledger), TABLE)
    for sort in (Sort.ARRIVAL, Sort.PROBABILITY, Sort.REVIEW):
        ledger.units = 0
        page = table.worklist.scans(asked(days, model_id="0" * 64, review=ReviewState.NEEDED, sort=sort), PAGE)
        assert page.items == ()
        assert page.cursor is not None
        print(f"nothing passes, {sort}, {days} days: {ledger.units} read units")
        assert ledger.units <= 1000 * 2048 / 8192 + MOST_ASKED / 2 + 60


@pytest.mark.parametrize("sort", [Sort.ARRIVAL, Sort.PROBABILITY])
def test_a_class_is_looked_for_in_little_more_than_a_request_a_partition(ledger: Ledger, days: int, sort: Sort) -> None:
    asked_for = asked(days, sort=sort, finding=TumorClass.GLIOMA)
    partitions = keys.SHARDS * (2 if sort is Sort.ARRIVAL else -(-(days + 6) // 7))
    ledger.queries = 0
    assert len(Table.over(cast(Any, ledger), TABLE).worklist.scans(asked_for, PAGE).items) == PAGE
    print(f"{sort}, a class, {days} days: {ledger.queries} requests of {partitions} partitions")
    assert ledger.queries < partitions + keys.SHARDS - 1


@pytest.mark.parametrize("of", ["days", "confidence", "export"])
def test_counting_reads_a_counter_a_day_or_a_thousand_scans(ledger: Ledger, days: int, of: str) -> None:
    ledger.units = ledger.queries = 0
    filters: dict[str, dict[str, Any]] = {"days": {}, "confidence": {"min_confidence": 0.5}, "export": EXPORT}
    counts = Table.over(cast(Any, ledger), TABLE).worklist.scan_counts(asked(days, **filters[of]))
    print(f"counts of {of}, {days} days: {ledger.units} read units, {ledger.queries} queries")
    most = MOST_COUNTED[Listed.SCAN]
    assert counts.total == {"days": SCANS, "confidence": most, "export": IN_EXPORT}[of]
    assert counts.complete == (of != "confidence")
    units = {"days": 1 + days, "confidence": 1.5 * most / 4 + MOST_ASKED, "export": IN_EXPORT + 20}
    assert ledger.units <= units[of]


def test_shards_of_a_large_page_are_asked_at_the_same_time(
    ledger: Ledger, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, query = [], ledger.query

    def told(**request: Any) -> Any:
        alone.append("IndexName" in request and threading.current_thread() is threading.main_thread())
        return query(**request)

    monkeypatch.setattr(ledger, "query", told)
    page = Table.over(cast(Any, ledger), TABLE).worklist.scans(asked(days), 600)
    assert len(page.items) == 600
    assert len(alone) > keys.SHARDS * len(FINAL)
    assert sum(alone) <= 2 * keys.SHARDS


def test_a_scan_is_under_2_kb() -> None:
    size = item_size(scan_item(a_scan(2, 1), None))
    print(f"{size} bytes")
    assert size < 2048
