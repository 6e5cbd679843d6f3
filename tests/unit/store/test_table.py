"""The table registers, commits and supersedes each scan once, and its counters are always exact."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brainscan.domain import Export, ExportState, Outcome, Reason, ReviewState, TumorClass
from brainscan.store import Table
from brainscan.store.table.cursors import CursorError
from brainscan.store.table.keys import confidence_key
from brainscan.store.table.worklist_filter import Sort
from tests.conftest import TABLE
from tests.listing import listed_scans
from tests.making import NOON, a_record, analyzed, present

DAY = NOON.date().isoformat()


def an_export(table: Table, name: str = "an export") -> str:
    export_id = a_record(export=name).export_id
    table.exports.conclude(Export(export_id=export_id, state=ExportState.EXPANDED, received_at=NOON))
    return export_id


def counts(table: Table, export_id: str) -> dict[Outcome, int]:
    export = table.exports.get(export_id)
    assert export is not None
    return {outcome: count for outcome, count in export.counts.items() if count}


def test_a_scan_comes_back_as_it_was_written(table: Table) -> None:
    record = analyzed(a_record(series_id="a" * 32), TumorClass.GLIOMA, 0.75, needs_review=True)
    table.scans.register([record])
    assert table.scans.get(record.scan_id) == record
    assert table.scans.get_many([record.scan_id, "0" * 32]) == {record.scan_id: record}


def test_registering_twice_counts_once(table: Table) -> None:
    export_id = an_export(table)
    records = [a_record(number) for number in range(70)]
    assert all(table.scans.register(records[:40]))
    assert table.scans.register(records) == [False] * 40 + [True] * 30
    assert counts(table, export_id) == {Outcome.QUEUED: 70}


def test_committing_twice_counts_once(table: Table) -> None:
    export_id = an_export(table)
    records = [a_record(number) for number in range(10)]
    table.scans.register(records)
    final = [analyzed(record, TumorClass.GLIOMA, 0.9, needs_review=True) for record in records]
    assert table.scans.commit(final[:6], [Outcome.QUEUED] * 6) == [True] * 6
    assert table.scans.commit(final, [Outcome.QUEUED] * 10) == [False] * 6 + [True] * 4
    assert counts(table, export_id) == {Outcome.ANALYZED: 10}
    assert present(table.exports.get(export_id)).needs_review == 10


def test_a_commit_of_a_scan_that_nobody_registered_leaves_no_trace(table: Table) -> None:
    export_id = an_export(table)
    record = analyzed(a_record(), TumorClass.GLIOMA, 0.9)
    assert table.scans.commit([record], [Outcome.QUEUED]) == [False]
    assert counts(table, export_id) == {}
    assert table.scans.get(record.scan_id) is None


def test_a_failed_scan_that_is_tried_again_moves_its_count(table: Table) -> None:
    export_id = an_export(table)
    record = a_record(series_id="5" * 32)
    table.scans.register([record])
    failed = record.model_copy(update={"outcome": Outcome.FAILED, "reasons": (Reason.RETRIES_EXHAUSTED,)})
    assert table.scans.commit([failed], [Outcome.QUEUED]) == [True]
    assert table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [Outcome.FAILED]) == [True]
    assert counts(table, export_id) == {Outcome.ANALYZED: 1}
    assert present(table.series.get("5" * 32)).remaining == 0


def test_a_series_knows_how_many_slices_it_waits_for(table: Table) -> None:
    an_export(table)
    slices = [a_record(n, series_id="5" * 32, study_id="6" * 32, patient_id="7" * 32) for n in range(3)]
    table.scans.register(slices)
    table.scans.commit([analyzed(slices[1], TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
    series = present(table.series.get("5" * 32))
    assert (series.expected, series.remaining) == (3, 2)
    assert (series.study_id, series.patient_id) == ("6" * 32, "7" * 32)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["register", "commit", "fail", "supersede"])), max_size=25),
    st.uuids(),
)
def test_counters_equal_the_scans_after_any_sequence_of_repeats(
    table: Table, steps: list[tuple[int, str]], salt: Any
) -> None:
    export_id = an_export(table, str(salt))
    records = [a_record(number, export=str(salt)) for number in range(6)]
    for number, step in steps:
        record = records[number]
        if step == "register":
            table.scans.register([record])
        elif step == "commit":
            table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
        elif step == "fail":
            table.scans.commit([record.model_copy(update={"outcome": Outcome.FAILED})], [Outcome.QUEUED])
        else:
            table.scans.supersede(export_id)
    standing = table.scans.get_many([record.scan_id for record in records]).values()
    expected = {outcome: n for outcome in Outcome if (n := sum(r.outcome == outcome for r in standing))}
    assert counts(table, export_id) == expected


def test_concurrent_commits_of_the_same_scans_count_once(table: Table) -> None:
    export_id = an_export(table)
    records = [a_record(number) for number in range(8)]
    table.scans.register(records)
    final = [analyzed(record, TumorClass.PITUITARY, 0.9) for record in records]
    with ThreadPoolExecutor(4) as pool:
        held = list(pool.map(lambda _: table.scans.commit(final, [Outcome.QUEUED] * 8), range(4)))
    assert sum(map(sum, held)) == 8
    assert counts(table, export_id) == {Outcome.ANALYZED: 8}


class TestOverwrittenObjects:
    def test_a_newer_version_wins_in_either_order(self, table: Table) -> None:
        assert table.versions.make_latest("object", "0055AE", "first").is_latest
        assert table.versions.make_latest("object", "0055AF", "second").previous == ("first",)
        assert not table.versions.make_latest("object", "0055AE", "first").is_latest
        assert table.versions.latest("object") == "second"

    def test_sequencers_of_different_lengths_compare_after_padding_on_the_right(self, table: Table) -> None:
        assert table.versions.make_latest("object", "0055AED6DCD90281E5", "longer").is_latest
        assert not table.versions.make_latest("object", "0055AED6", "shorter").is_latest
        assert table.versions.make_latest("object", "0055aed7", "later, in lower case").is_latest

    def test_a_repeated_claim_still_knows_what_it_replaced_until_that_is_settled(self, table: Table) -> None:
        table.versions.make_latest("object", "1", "first")
        table.versions.make_latest("object", "2", "second")
        assert table.versions.make_latest("object", "2", "second").previous == ("first",)
        assert table.versions.make_latest("object", "3", "third").previous == ("first", "second")
        table.versions.forget_superseded("object", "third")
        assert table.versions.make_latest("object", "3", "third").previous == ()

    def test_superseded_scans_leave_the_worklists_and_stay_in_their_export(self, table: Table) -> None:
        export_id = an_export(table)
        records = [a_record(number, series_id="5" * 32) for number in range(4)]
        table.scans.register(records)
        table.scans.commit([analyzed(records[0], TumorClass.GLIOMA, 0.9, needs_review=True)], [Outcome.QUEUED])
        assert table.scans.supersede(export_id) == 4
        assert table.scans.supersede(export_id) == 0
        assert counts(table, export_id) == {Outcome.ANALYZED: 1, Outcome.SKIPPED: 3}
        assert listed_scans(table, DAY, finding=TumorClass.GLIOMA) == ()
        assert listed_scans(table, DAY, review=ReviewState.NEEDED) == ()
        assert table.series.scans("5" * 32).items == ()
        assert len(table.queries.of_export(export_id).items) == 4
        assert present(table.exports.get(export_id)).state == ExportState.SUPERSEDED
        assert table.exports.superseded([export_id, "unknown"]) == {export_id}
        assert present(table.series.get("5" * 32)).remaining == 0

    def test_a_superseded_scan_cannot_be_committed_any_more(self, table: Table) -> None:
        export_id = an_export(table)
        record = a_record()
        table.scans.register([record])
        table.scans.supersede(export_id)
        assert table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED]) == [False]


class TestAccessPatterns:
    @pytest.fixture
    def populated(self, table: Table) -> Any:
        records = [
            a_record(n, series_id=f"{n % 2}" * 32, study_id="6" * 32, patient_id="7" * 32, order=100 - n)
            for n in range(40)
        ]
        an_export(table)
        table.scans.register(records)
        classes = list(TumorClass)
        final = [analyzed(r, classes[n % 4], 0.5 + n / 100, needs_review=n % 3 == 0) for n, r in enumerate(records)]
        table.scans.commit(final, [Outcome.QUEUED] * 40)
        return final

    def test_of_an_export_in_the_order_of_its_files(self, table: Table, populated: Any) -> None:
        found = table.queries.of_export(populated[0].export_id, limit=100).items
        assert [record.source.entry_index for record in found] == list(range(40))

    def test_of_a_series_in_the_order_of_its_slices(self, table: Table, populated: Any) -> None:
        orders = [record.order for record in table.series.scans("1" * 32).items]
        assert orders == sorted(orders)
        assert len(orders) == 20

    def test_pages_of_a_series_hold_all_of_its_slices_once(self, table: Table, populated: Any) -> None:
        first = table.series.scans("1" * 32, 15)
        rest = table.series.scans("1" * 32, 15, first.cursor)
        assert (len(first.items), rest.cursor) == (15, None)
        assert [*first.items, *rest.items] == list(table.series.scans("1" * 32).items)

    def test_of_a_study_series_by_series_and_of_a_patient(self, table: Table, populated: Any) -> None:
        series = [record.series_id for record in table.queries.of_study("6" * 32).items]
        assert series == ["0" * 32] * 20 + ["1" * 32] * 20
        assert len(table.queries.of_patient("7" * 32).items) == 40

    def test_by_finding_the_most_certain_first_above_a_confidence(self, table: Table, populated: Any) -> None:
        found = listed_scans(table, DAY, finding=TumorClass.MENINGIOMA, min_confidence=0.7, sort=Sort.PROBABILITY)
        assert [round(present(record.confidence), 2) for record in found] == [0.87, 0.83, 0.79, 0.75, 0.71]

    def test_needing_review_by_outcome_and_by_model(self, table: Table, populated: Any) -> None:
        assert len(listed_scans(table, DAY, review=ReviewState.NEEDED)) == 14
        assert len(listed_scans(table, DAY, outcome=Outcome.ANALYZED)) == 40
        assert len(listed_scans(table, DAY, model_id="f" * 64)) == 40
        assert listed_scans(table, "2026-03-02", outcome=Outcome.ANALYZED) == ()

    def test_exports_of_a_day_latest_first(self, table: Table) -> None:
        for hours in range(3):
            export = Export(
                export_id=f"{hours:032x}", state=ExportState.EXPANDED, received_at=NOON + timedelta(hours=hours)
            )
            table.exports.conclude(export)
        assert [export.received_at.hour for export in table.exports.of_day(DAY).items] == [14, 13, 12]

    @pytest.mark.parametrize("limit", [1, 3, 7, 40, 41])
    def test_pages_follow_each_other_without_gap_or_repeat(self, table: Table, populated: Any, limit: int) -> None:
        found: list[Any] = []
        cursor = None
        while True:
            page = table.queries.of_patient("7" * 32, limit, cursor)
            assert len(page.items) <= limit
            found += page.items
            if (cursor := page.cursor) is None:
                break
        assert found == sorted(found, key=lambda r: (r.received_at, r.scan_id), reverse=True)
        assert len(found) == 40

    @pytest.mark.parametrize("cursor", ["", "nonsense", "W10=", "eyJhIjoxfQ=="])
    def test_a_cursor_of_another_query_is_refused(self, table: Table, populated: Any, cursor: str) -> None:
        with pytest.raises(CursorError):
            table.queries.of_export(populated[0].export_id, 5, cursor)


@given(st.floats(0, 1), st.floats(0, 1))
def test_confidences_sort_as_text_as_they_do_as_numbers(one: float, other: float) -> None:
    texts = confidence_key(one), confidence_key(other)
    assert [len(each) for each in texts] == [8, 8]
    assert float(texts[0]) == pytest.approx(one, abs=5e-7)
    assert one == other or abs(one - other) < 1e-6 or (texts[0] < texts[1]) == (one < other)


def test_items_expire_only_where_retention_is_set(dynamodb: Any) -> None:
    Table.over(dynamodb, TABLE, retention_days=0).scans.register([a_record(0)])
    Table.over(dynamodb, TABLE, retention_days=30).scans.register([a_record(1)])
    expiries = [item.get("expires_at") for item in dynamodb.scan(TableName=TABLE)["Items"] if "scan_id" in item]
    assert sorted(expiry is None for expiry in expiries) == [False, True]


def test_no_item_comes_near_dynamodbs_limit(dynamodb: Any, table: Table) -> None:
    table.scans.register([analyzed(a_record(series_id="5" * 32, study_id="6" * 32), TumorClass.GLIOMA, 0.123456789)])
    assert max(len(str(item)) for item in dynamodb.scan(TableName=TABLE)["Items"]) < 4096
