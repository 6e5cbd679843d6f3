"""Readers' verdicts stand once, keep their history, move the worklists and the day's statistics."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import ValidationError

from brainscan.domain import (
    CLASSES,
    Finding,
    NothingToWithdrawError,
    Outcome,
    Reason,
    ReviewState,
    ScanRecord,
    TumorClass,
    Verdict,
)
from brainscan.store import Table
from brainscan.store.table.scans import NotReviewableError, ReviewConflictError
from tests.listing import listed_scans
from tests.making import NOON, a_record, analyzed, opinion, present
from tests.unit.store.test_table import an_export

DAY = NOON.date().isoformat()


@pytest.fixture
def uncertain(table: Table) -> ScanRecord:
    """A scan that the network calls glioma at 0.6, and that a reader should see."""
    an_export(table)
    record = a_record(series_id="5" * 32)
    table.scans.register([record])
    final = analyzed(record, TumorClass.GLIOMA, 0.6, needs_review=True)
    table.scans.commit([final], [Outcome.QUEUED])
    return final


def in_review(table: Table, state: Any) -> Any:
    return [record.scan_id for record in listed_scans(table, DAY, review=state)]


def test_a_confirmed_scan_leaves_the_queue_and_keeps_its_finding(table: Table, uncertain: ScanRecord) -> None:
    after = present(table.scans.review(uncertain.scan_id, 0, opinion(Verdict.CONFIRMED, reader="Dr. Reader")))
    assert table.scans.get(uncertain.scan_id) == after
    assert (after.needs_review, after.revision, after.finding) == (False, 1, TumorClass.GLIOMA)
    assert in_review(table, ReviewState.NEEDED) == []
    assert in_review(table, ReviewState.CONFIRMED) == [uncertain.scan_id]
    assert [r.scan_id for r in listed_scans(table, DAY, finding=TumorClass.GLIOMA)] == [uncertain.scan_id]
    assert present(table.exports.get(uncertain.export_id)).needs_review == 0


def test_a_corrected_scan_moves_to_its_class_and_keeps_what_the_network_said(
    table: Table, uncertain: ScanRecord
) -> None:
    said = opinion(Verdict.CORRECTED, TumorClass.PITUITARY, "Dr. Reader")
    after = present(table.scans.review(uncertain.scan_id, 0, said))
    assert (after.predicted, after.finding) == (TumorClass.GLIOMA, TumorClass.PITUITARY)
    assert listed_scans(table, DAY, finding=TumorClass.GLIOMA) == ()
    assert len(listed_scans(table, DAY, finding=TumorClass.PITUITARY, min_confidence=0.1)) == 1
    assert listed_scans(table, DAY, finding=TumorClass.PITUITARY, min_confidence=0.5) == ()


def test_a_rejected_scan_leaves_the_findings(table: Table, uncertain: ScanRecord) -> None:
    table.scans.review(uncertain.scan_id, 0, opinion(Verdict.REJECTED, reader="Dr. Reader"))
    assert listed_scans(table, DAY, finding=TumorClass.GLIOMA) == ()
    assert in_review(table, ReviewState.REJECTED) == [uncertain.scan_id]


def test_a_verdict_that_is_taken_back_leaves_the_finding_as_it_was_and_stays_in_the_history(table: Table) -> None:
    an_export(table)
    waiting = a_record(7)
    table.scans.register([waiting])
    doubt = {"review_reasons": (Reason.BORDERLINE_CONFIDENCE,)}
    found = analyzed(waiting, TumorClass.GLIOMA, 0.6, needs_review=True).model_copy(update=doubt)
    table.scans.commit([found], [Outcome.QUEUED])
    with pytest.raises(NothingToWithdrawError):
        table.scans.review(found.scan_id, 0, opinion(Verdict.WITHDRAWN, reader="Dr. Reader"))
    table.scans.review(found.scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.PITUITARY, "Dr. Reader"))
    after = present(table.scans.review(found.scan_id, 1, opinion(Verdict.WITHDRAWN, reader="Dr. Reader")))
    assert (after.finding, after.review_state, after.needs_review) == (TumorClass.GLIOMA, ReviewState.NEEDED, True)
    assert in_review(table, ReviewState.NEEDED) == [found.scan_id]
    assert [review.verdict for review in table.scans.history(found.scan_id)] == [Verdict.CORRECTED, Verdict.WITHDRAWN]
    with pytest.raises(NothingToWithdrawError):
        table.scans.review(found.scan_id, 2, opinion(Verdict.WITHDRAWN, reader="Dr. Reader"))


def test_history_keeps_every_verdict_in_order(table: Table, uncertain: ScanRecord) -> None:
    table.scans.review(uncertain.scan_id, 0, opinion(Verdict.REJECTED, reader="first"))
    table.scans.review(uncertain.scan_id, 1, opinion(Verdict.CORRECTED, TumorClass.NO_TUMOR, "second"))
    history = table.scans.history(uncertain.scan_id)
    assert [(review.reader, review.revision) for review in history] == [("first", 1), ("second", 2)]
    assert present(table.scans.get(uncertain.scan_id)).review == history[-1]


def test_a_review_of_what_has_changed_is_refused_and_leaves_no_trace(table: Table, uncertain: ScanRecord) -> None:
    table.scans.review(uncertain.scan_id, 0, opinion(Verdict.CONFIRMED, reader="first"))
    with pytest.raises(ReviewConflictError):
        table.scans.review(uncertain.scan_id, 0, opinion(Verdict.REJECTED, reader="second"))
    assert [review.reader for review in table.scans.history(uncertain.scan_id)] == ["first"]


def test_of_readers_at_the_same_time_one_is_heard(table: Table, uncertain: ScanRecord) -> None:
    def read(number: int) -> Any:
        try:
            said = opinion(Verdict.CONFIRMED, reader=f"reader {number}")
            return table.scans.review(uncertain.scan_id, 0, said) is not None
        except ReviewConflictError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(read, range(4))) == 1
    assert len(table.scans.history(uncertain.scan_id)) == 1


def test_only_findings_are_reviewed(table: Table, uncertain: ScanRecord) -> None:
    queued = a_record(1)
    table.scans.register([queued])
    with pytest.raises(NotReviewableError):
        table.scans.review(queued.scan_id, 0, opinion(Verdict.REJECTED))
    assert table.scans.review("0" * 32, 0, opinion(Verdict.REJECTED)) is None
    with pytest.raises(ValidationError):
        table.scans.review(uncertain.scan_id, 0, opinion(Verdict.CONFIRMED, TumorClass.GLIOMA))


def test_an_abstained_scan_without_a_class_can_be_given_one_but_not_confirmed(table: Table) -> None:
    record = a_record()
    table.scans.register([record])
    abstained = Finding(outcome=Outcome.ABSTAINED, reasons=(Reason.BLANK_IMAGE,))
    table.scans.commit([ScanRecord.of(record, abstained)], [Outcome.QUEUED])
    with pytest.raises(NotReviewableError):
        table.scans.review(record.scan_id, 0, opinion(Verdict.CONFIRMED))
    assert (
        present(table.scans.review(record.scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.GLIOMA))).finding
        is TumorClass.GLIOMA
    )


def test_superseding_a_reviewed_scan_keeps_its_review(table: Table, uncertain: ScanRecord) -> None:
    table.scans.review(uncertain.scan_id, 0, opinion(Verdict.CONFIRMED))
    assert table.scans.supersede(uncertain.export_id) == 1
    assert present(present(table.scans.get(uncertain.scan_id)).review).reader == "a reader"
    assert in_review(table, ReviewState.CONFIRMED) == []
    with pytest.raises(ReviewConflictError):
        table.scans.review(uncertain.scan_id, 1, opinion(Verdict.REJECTED))


def test_statistics_of_a_day_equal_its_scans(table: Table) -> None:
    an_export(table)
    records = [a_record(n) for n in range(20)]
    table.scans.register(records)
    assert table.statistics.of_day(DAY).outcomes == {Outcome.QUEUED: 20}
    final = [analyzed(r, CLASSES[n % 4], 0.9, needs_review=n < 6) for n, r in enumerate(records[:16])]
    table.scans.commit(final, [Outcome.QUEUED] * 16)
    table.scans.commit(final, [Outcome.QUEUED] * 16)
    table.scans.review(records[0].scan_id, 0, opinion(Verdict.CORRECTED, CLASSES[1]))
    table.scans.review(records[2].scan_id, 0, opinion(Verdict.REJECTED))
    found = table.statistics.of_day(DAY)
    assert found.outcomes == {Outcome.QUEUED: 4, Outcome.ANALYZED: 16}
    assert found.findings == dict(zip(CLASSES, (3, 5, 3, 4), strict=True))
    assert found.reviews == {ReviewState.NEEDED: 4, ReviewState.CORRECTED: 1, ReviewState.REJECTED: 1}
    assert found.models == {"f" * 64: 16}
    table.scans.supersede(records[0].export_id)
    assert table.statistics.of_day(DAY).model_dump(exclude={"day"}, exclude_defaults=True) == {}
