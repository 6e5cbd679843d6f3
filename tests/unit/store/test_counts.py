"""Counts follow the table's stream: exact once it was followed, however often and however cut its batches come."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from brainscan.domain import Export, ExportState, Outcome, ScanRecord, TumorClass, Verdict
from brainscan.events import parse_scan_changes
from brainscan.pipeline.count import count
from brainscan.store import Table
from brainscan.store.table.client import TableClient
from brainscan.store.table.worklist_filter import WorklistFilter
from tests.conftest import TABLE, Stream
from tests.making import NOON, a_record, analyzed, opinion, present

DAY = NOON.date().isoformat()
SERIES = "5" * 32


def answered(table: Table, number: int, **changes: Any) -> ScanRecord:
    """Register a slice and commit its outcome."""
    record = a_record(number, series_id=SERIES, study_id="6" * 32, patient_id="7" * 32, **changes)
    table.scans.register([record])
    table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9, needs_review=True)], [Outcome.QUEUED])
    return record


@pytest.fixture
def export_id(lagging_table: Table) -> Any:
    export = Export(export_id=a_record().export_id, state=ExportState.EXPANDED, received_at=NOON, expected=12)
    lagging_table.exports.conclude(export)
    return export.export_id


@pytest.fixture
def records(lagging_table: Table, stream: Stream, export_id: Any) -> Any:
    """What the stream tells of twelve slices, two of which wait."""
    for number in range(10):
        answered(lagging_table, number)
    lagging_table.scans.register([a_record(number, series_id=SERIES) for number in (10, 11)])
    return stream.read()


def told(table: Table, export_id: Any) -> Any:
    series, export = table.series.get(SERIES), table.exports.get(export_id)
    counts = {outcome: n for outcome, n in present(export).counts.items() if n}
    return (
        counts,
        present(export).needs_review,
        present(series).expected,
        present(series).remaining,
        present(series).revision,
    )


def test_what_filters_have_is_counted_as_scans_are_judged_and_replaced(lagging_table: Table, stream: Stream) -> None:
    judged, _ = (answered(lagging_table, number) for number in range(2))
    lagging_table.scans.register([a_record(2, series_id=SERIES)])
    lagging_table.scans.review(judged.scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.NO_TUMOR, "Dr. A|B"))
    stream.follow()
    wanted = WorklistFilter(first=DAY, last=DAY)
    counts = lagging_table.worklist.scan_counts(wanted)
    assert (counts.total, counts.outcomes) == (2, {"analyzed": 2})
    assert counts.findings == {"no_tumor": 1, "glioma": 1}
    assert counts.reviews == {"corrected": 1, "needed": 1}
    assert counts.readers == {"Dr. A|B": 1}
    lagging_table.scans.supersede(judged.export_id)
    stream.follow()
    assert lagging_table.worklist.scan_counts(wanted).total == 0


EXACT = ({Outcome.ANALYZED: 10, Outcome.QUEUED: 2}, 10, 12, 2, 10)


def test_counts_stay_behind_until_the_stream_is_followed(
    lagging_table: Table, stream: Stream, export_id: Any, records: Any
) -> None:
    assert lagging_table.series.get(SERIES) is None
    assert not present(lagging_table.exports.get(export_id)).done
    stream.count(records)
    assert told(lagging_table, export_id) == EXACT


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_that_comes_again_cut_otherwise_changes_nothing(
    lagging_table: Table, stream: Stream, export_id: Any, records: Any, seed: int
) -> None:
    """Lambda repeats a batch from its first failure on, halves it, or takes more records into it."""
    chance, place = random.Random(seed), 0
    while place < len(records):
        for _ in range(chance.randint(1, 3)):
            stream.count(records[place : place + chance.randint(1, len(records))][: chance.randint(1, 30)])
        end = place + chance.randint(1, 6)
        stream.count(records[place:end])
        place = end
    stream.count(records)
    assert told(lagging_table, export_id) == EXACT
    assert lagging_table.statistics.of_day(DAY).outcomes == {Outcome.ANALYZED: 10, Outcome.QUEUED: 2}


def test_shards_of_the_stream_count_side_by_side(lagging_table: Table, export_id: Any, records: Any) -> None:
    shards = {"shard-0": records[::2], "shard-1": records[1::2]}
    numbered = {
        shard: parse_scan_changes({"shardId": shard, "Records": sorted(each, key=_number)})
        for shard, each in shards.items()
    }
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: count(each[0], each[1], lagging_table), [*numbered.values()] * 2))
    assert told(lagging_table, export_id) == EXACT


def _number(record: Any) -> Any:
    return int(record["dynamodb"]["SequenceNumber"])


def test_a_count_that_broke_off_between_two_counters_is_completed(
    lagging_table: Table, stream: Stream, export_id: Any, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, writes = type(lagging_table.series._table).update, list[Any]()

    def breaking(table: TableClient, key: Any, **request: Any) -> Any:
        writes.append(key)
        if len(writes) == 2:
            raise ConnectionError
        return update(table, key, **request)

    with monkeypatch.context() as broken:
        broken.setattr(type(lagging_table.series._table), "update", breaking)
        with pytest.raises(ConnectionError):
            stream.count(records)
    stream.count(records)
    assert told(lagging_table, export_id) == EXACT


def test_whoever_counts_the_last_slice_says_that_the_series_waits_no_more(
    lagging_table: Table, stream: Stream, records: Any
) -> None:
    stream.count(records)
    last = [analyzed(a_record(n, series_id=SERIES), TumorClass.GLIOMA, 0.9) for n in (10, 11)]
    lagging_table.scans.commit(last, [Outcome.QUEUED] * 2)
    changes = stream.read()
    shard, first = parse_scan_changes({"shardId": "one", "Records": changes[:1]})
    assert count(shard, first, lagging_table) == 0
    shard, second = parse_scan_changes({"shardId": "other", "Records": changes[1:]})
    assert count(shard, second, lagging_table) == 1


def test_an_export_is_done_when_every_scan_of_its_files_was_counted(
    lagging_table: Table, stream: Stream, export_id: Any, records: Any
) -> None:
    stream.count(records)
    assert not present(lagging_table.exports.get(export_id)).done
    last = [analyzed(a_record(n, series_id=SERIES), TumorClass.GLIOMA, 0.9) for n in (10, 11)]
    lagging_table.scans.commit(last, [Outcome.QUEUED] * 2)
    changes = stream.read()
    stream.count(changes[:1])
    assert not present(lagging_table.exports.get(export_id)).done
    stream.count(changes)
    assert present(lagging_table.exports.get(export_id)).done


def test_a_scan_that_expires_is_counted_no_more_and_leaves_its_series(
    lagging_table: Table, stream: Stream, export_id: Any, records: Any
) -> None:
    stream.count(records)
    client, gone = lagging_table.scans._table.client, a_record(3).scan_id
    client.delete_item(TableName=TABLE, Key={"pk": {"S": f"SCAN#{gone}"}, "sk": {"S": "META"}})
    stream.follow()
    links = client.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :links)",
        ExpressionAttributeValues={":pk": {"S": f"SERIES#{SERIES}"}, ":links": {"S": "INSTANCE#"}},
    )["Items"]
    assert len(links) == 11
    assert gone not in {link["scan_id"]["S"] for link in links}
    assert told(lagging_table, export_id) == ({Outcome.ANALYZED: 9, Outcome.QUEUED: 2}, 9, 11, 2, 10)
    assert len(present(lagging_table.series.slices(present(lagging_table.series.get(SERIES))))) == 11


def test_registering_and_committing_write_items_of_that_scan_alone(dynamodb: Any, lagging_table: Table) -> None:
    lagging_table.scans.register([a_record(0)])  # the day's marker
    written = []

    def note(params: Any, model: Any, **_: Any) -> None:
        assert model.name == "PutItem"
        written.append((params["Item"]["pk"]["S"], params["Item"]["sk"]["S"]))

    for operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"):
        dynamodb.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    records = [answered(lagging_table, number, order=number) for number in range(1, 9)]
    of_scans = Counter(f"SCAN#{record.scan_id}" for record in records)
    assert Counter(pk for pk, _ in written if pk.startswith("SCAN#")) == of_scans + of_scans
    instances = {(f"SERIES#{SERIES}", f"INSTANCE#{record.order:010d}#{record.scan_id}") for record in records}
    assert {key for key in written if not key[0].startswith("SCAN#")} == instances


def test_a_stream_whose_shards_nobody_names_is_one_shard() -> None:
    change = {"eventSourceARN": "arn:of:the:stream", "dynamodb": {"SequenceNumber": "1"}}
    assert parse_scan_changes({"Records": [change]})[0] == "arn:of:the:stream"
    assert parse_scan_changes({"Records": [change], "shardId": "named"})[0] == "named"
