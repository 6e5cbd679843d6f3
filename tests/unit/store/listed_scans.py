"""Forty scans that differ in all that lists of scans are asked by, and a walk through the pages of such a list."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from brainscan.domain import (
    Export,
    ExportState,
    Finding,
    Opinion,
    Outcome,
    Reason,
    Review,
    ReviewRules,
    ScanRecord,
    TumorClass,
    Verdict,
)
from brainscan.store import Table
from brainscan.store.table import keys
from brainscan.store.table.items import export_item, scan_item, to_item
from brainscan.store.table.worklist_filter import Sort, WorklistFilter
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed, opinion
from tests.unit.store.ledger import Ledger, day_counters

GLIOMA, MENINGIOMA, NONE = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR
DAYS_BACK = (0, 1, 2, 80, 81)
"""More than are merged lie between the first and the last."""

FIRST, LAST = "2025-12-01", "2026-03-31"
SORTS = (Sort.ARRIVAL, Sort.PROBABILITY, Sort.REVIEW)


def judged(record: ScanRecord, said: Opinion, readers: int = 1) -> ScanRecord:
    """The scan after one verdict more."""
    review = Review.of(said, record.revision, adjudicates=False)
    return record.model_copy(update=record.with_review(review, ReviewRules(readers=readers)) | {"needs_review": False})


def scans() -> list[ScanRecord]:
    """Forty scans of five exports, a day each: classes, outcomes, models and verdicts in every mixture."""
    made = []
    for number in range(40):
        back = timedelta(days=DAYS_BACK[number % 5], minutes=number % 7)
        record = a_record(number, f"export {number % 5}", received_at=NOON - back, order=number)
        flagged = number % 3 == 0
        if number % 8 == 7:
            rejected = Finding(outcome=Outcome.REJECTED, reasons=(Reason.UNREADABLE,))
            made.append(ScanRecord.of(record, rejected, finished_at=NOON))
            continue
        called = (GLIOMA, NONE, MENINGIOMA, NONE, TumorClass.PITUITARY)[number % 4 + number // 20]
        final = analyzed(record, called, 0.5 + number % 13 / 40, needs_review=flagged)
        if number % 8 == 5:
            final = final.model_copy(update={"outcome": Outcome.ABSTAINED})
        if number == 5:  # the network was not asked
            final = final.model_copy(update=dict.fromkeys(("predicted", "probabilities", "confidence")))
        made.append(final.model_copy(update={"model_id": f"{number % 2}" * 64}))
    said = {
        0: opinion(Verdict.CORRECTED, NONE, "Dr. A"),
        1: opinion(Verdict.CONFIRMED, reader="Dr. B"),
        2: opinion(Verdict.REJECTED, reader="Dr. A"),
        5: opinion(Verdict.CORRECTED, GLIOMA, "Dr. B"),
        13: opinion(Verdict.REJECTED, reader="Dr. B"),
        21: opinion(Verdict.CONFIRMED, reader="Dr. A"),
    }
    return [judged(record, said[number]) if number in said else record for number, record in enumerate(made)]


def items(records: Iterable[ScanRecord]) -> list[dict[str, Any]]:
    """What the table holds of scans that arrived, their exports, days and counters."""
    records = list(records)
    exports = {each.export_id: each.received_at for each in records}
    markers = [to_item(keys.arrival_day(day)) for day in {each.day for each in records}]
    written = [
        export_item(Export(export_id=name, state=ExportState.EXPANDED, received_at=at), None)
        for name, at in exports.items()
    ]
    return [*markers, *day_counters(records), *written, *(scan_item(each, None) for each in records)]


def over(records: Iterable[ScanRecord]) -> Table:
    return Table.over(cast(Any, Ledger(items(records), list(keys.Index))), TABLE)


SCANS = scans()
LISTED = over(SCANS)


def wanted(**changes: Any) -> WorklistFilter:
    return WorklistFilter(**{"first": FIRST, "last": LAST} | changes)


def walked(table: Table, limit: int = 50, **changes: Any) -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    cursor = None
    while True:
        page = table.worklist.scans(wanted(**changes), limit, cursor)
        assert len(page.items) <= limit
        found += [each.scan_id for each in page.items]
        if (cursor := page.cursor) is None:
            return found
