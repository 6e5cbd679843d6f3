"""Nothing that a scan belongs to expires before it: not its export, series and study, nor their reports and counts."""

from typing import Any

import pytest

from brainscan.domain import Export, ExportState, Kind, Outcome, PartDone, Report, Series, TumorClass, Verdict
from brainscan.domain.reprocess import ReprocessedScan
from brainscan.events import parse_scan_changes
from brainscan.pipeline.count import count
from brainscan.store.table import Table
from tests.conftest import TABLE, Stream
from tests.making import NOON, a_record, analyzed, opinion
from tests.summaries import a_series

DAYS, DAY_S = 10, 86_400
SERIES, STUDY, PATIENT = "5" * 32, "6" * 32, "7" * 32
SLICES = [a_record(number, site="ward", series_id=SERIES, study_id=STUDY, patient_id=PATIENT) for number in range(3)]
EXPORT = SLICES[0].export_id


class Clock:
    """The time at which the table writes."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def later(self, days: float) -> None:
        self.now += int(days * DAY_S)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("brainscan.store.table.client.time.time", lambda: clock.now)
    return clock


@pytest.fixture
def keeping(dynamodb: Any, clock: Clock) -> Any:
    """A table whose items expire."""
    return Table.over(dynamodb, TABLE, retention_days=DAYS)


def follow(stream: Stream, table: Table) -> None:
    shard, changes = parse_scan_changes({"shardId": "shard", "Records": stream.read()})
    count(shard, changes, table)


def answer(table: Table, number: int) -> None:
    table.scans.register([SLICES[number]])
    table.models.of_series([SERIES], "f" * 64)
    table.scans.commit([analyzed(SLICES[number], TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])


def report(table: Table, revision: Any) -> None:
    summary = a_series(series_id=SERIES, study_id=STUDY, patient_id=PATIENT, report_revision=revision)
    table.summaries.put(summary.model_copy(update={"export_ids": (EXPORT,)}))
    table.reports.commit(Report(series_id=SERIES, revision=revision, outcome=Outcome.ANALYZED))


@pytest.fixture
def reported(keeping: Any, stream: Stream, clock: Clock) -> Any:
    """An export of one series, answered a day after its upload and reported."""
    keeping.exports.conclude(Export(export_id=EXPORT, state=ExportState.EXPANDED, received_at=NOON, expected=3))
    clock.later(days=1)
    for number in (0, 1):
        answer(keeping, number)
    follow(stream, keeping)
    report(keeping, 2)
    return keeping


def expiries(dynamodb: Any) -> Any:
    """When each item expires that does, by its key; of the scans, and of all others."""
    items = [item for item in dynamodb.scan(TableName=TABLE)["Items"] if "expires_at" in item]
    times = {(item["pk"]["S"], item["sk"]["S"]): int(item["expires_at"]["N"]) for item in items}
    scans = {key: when for key, when in times.items() if key[0].startswith("SCAN#")}
    return scans, {key: when for key, when in times.items() if key not in scans}


def test_a_counter_lives_as_long_as_what_is_written_with_it(
    keeping: Any, dynamodb: Any, stream: Stream, clock: Clock
) -> None:
    answer(keeping, 0)
    keeping.counts.add(*parse_scan_changes({"shardId": "shard", "Records": stream.read()}))
    found = [item for item in dynamodb.scan(TableName=TABLE)["Items"] if item["sk"]["S"].startswith("COUNT#")]
    assert len(found) > 2
    assert {int(item["expires_at"]["N"]) for item in found} == {clock.now + DAYS * DAY_S}


def test_what_a_scan_belongs_to_expires_no_earlier_than_its_answer(dynamodb: Any, reported: Any) -> None:
    scans, others = expiries(dynamodb)
    assert {sk.partition("#")[0] for _, sk in others} == {
        *("META", "COUNT", "REPORT", "SUMMARY", "MODEL"),
        *("SERIES", "STUDY"),  # links from the export
    }
    assert min(others.values()) >= max(scans.values())


def test_whatever_is_written_of_scans_expires(dynamodb: Any, reported: Any) -> None:
    reported.scans.review(SLICES[0].scan_id, 0, opinion(Verdict.CONFIRMED))
    reported.summaries.review_series(SERIES, 0, opinion(Verdict.CONFIRMED))
    reported.summaries.review_study(STUDY, 0, opinion(Verdict.CONFIRMED))
    reported.models.switch_series(SERIES, "e" * 64, {"f" * 64})
    reported.reports.begin(SERIES, 3)
    reported.series.put_complete(Series(series_id=SERIES, expected=2, revision=2))
    part = PartDone(number=0, last=True, kind=Kind.ZIP, files=2, skipped=0)
    reported.exports.put_part(EXPORT, part)
    reported.exports.fail_part(EXPORT, part.model_copy(update={"number": 1}))
    asked = ReprocessedScan(scan_id=SLICES[0].scan_id, model_id="e" * 64, run_id="r", outcome=Outcome.ANALYZED)
    reported.runs.put_reprocessed([asked])
    kept = [item for item in dynamodb.scan(TableName=TABLE)["Items"] if "expires_at" not in item]
    # An instance goes with its scan.
    assert {item["sk"]["S"].partition("#")[0] for item in kept} == {NOON.date().isoformat(), "INSTANCE"}


@pytest.mark.parametrize("days", [0.5, 8])
def test_a_verdict_on_a_slice_moves_the_expiry_of_all_that_it_belongs_to(
    dynamodb: Any, stream: Stream, reported: Any, clock: Clock, days: float
) -> None:
    clock.later(days)
    reported.scans.review(SLICES[0].scan_id, 0, opinion(Verdict.CONFIRMED))
    follow(stream, reported)
    scans, others = expiries(dynamodb)
    assert max(scans.values()) == clock.now + DAYS * DAY_S
    assert min(others.values()) >= max(scans.values())


def test_a_slice_that_arrives_a_week_later_keeps_what_the_others_belong_to(
    dynamodb: Any, stream: Stream, reported: Any, clock: Clock
) -> None:
    clock.later(days=7)
    answer(reported, 2)
    follow(stream, reported)
    report(reported, 3)
    scans, others = expiries(dynamodb)
    assert min(others.values()) >= max(scans.values())


def test_a_replaced_scan_does_not_outlive_the_counts_of_its_export(
    dynamodb: Any, stream: Stream, reported: Any, clock: Clock
) -> None:
    clock.later(days=8)
    reported.scans.supersede(EXPORT)
    follow(stream, reported)
    scans, others = expiries(dynamodb)
    assert min(when for (pk, _), when in others.items() if pk.startswith("EXPORT#")) >= max(scans.values())


def test_a_first_verdict_lives_as_long_as_the_scan_that_was_judged_again(
    dynamodb: Any, stream: Stream, reported: Any, clock: Clock
) -> None:
    for revision in (0, 1):
        reported.scans.review(SLICES[0].scan_id, revision, opinion(Verdict.CONFIRMED))
        follow(stream, reported)
        clock.later(days=8)
    items, _ = expiries(dynamodb)
    judged = {sk: when for (pk, sk), when in items.items() if pk == f"SCAN#{SLICES[0].scan_id}"}
    assert sorted(judged) == ["META", "REVIEW#000001", "REVIEW#000002"]
    assert min(judged.values()) == judged["META"]


def test_a_second_verdict_of_the_day_moves_nothing_again(
    dynamodb: Any, stream: Stream, reported: Any, clock: Clock
) -> None:
    clock.later(days=8)
    for revision in (0, 1):
        reported.scans.review(SLICES[0].scan_id, revision, opinion(Verdict.CONFIRMED))
        follow(stream, reported)
        _, others = expiries(dynamodb)
        series = {key: when for key, when in others.items() if key == (f"SERIES#{SERIES}", "SUMMARY")}
        clock.later(days=0.5)
        assert set(series.values()) == {1_000_000_000 + (1 + 8 + DAYS + 1) * DAY_S}


def test_a_scan_that_expires_keeps_nothing(dynamodb: Any, stream: Stream, reported: Any, clock: Clock) -> None:
    _, before = expiries(dynamodb)
    clock.later(days=11)
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"SCAN#{SLICES[0].scan_id}"}, "sk": {"S": "META"}})
    follow(stream, reported)
    _, after = expiries(dynamodb)
    kept = (f"EXPORT#{EXPORT}", "META")
    assert after[kept] == before[kept]
