"""What the access patterns cost with many items: O(page), no scan, no hot partition key, small items."""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from brainscan.domain import (
    CLASSES,
    Export,
    ExportState,
    Measurements,
    Outcome,
    Reason,
    ReviewState,
    TumorClass,
    Verdict,
)
from brainscan.domain.traits import Traits
from brainscan.store import Table
from brainscan.store.table import keys
from brainscan.store.table.items import scan_item, scan_record, to_item
from brainscan.store.table.worklist_filter import Sort, WorklistFilter
from tests.conftest import TABLE, Stream
from tests.making import NOON, PSEUDONYMS, a_record, analyzed, opinion
from tests.unit.store.ledger import Ledger, item_size

DAY = NOON.date().isoformat()
MANY = 20_000
PAGE = 50
FULL: dict[str, Any] = {"series_id": "5" * 32, "study_id": "6" * 32, "patient_id": "7" * 32}

PATTERNS: dict[str, Callable[[Table, int, str | None], Any]] = {
    "of_export": lambda table, limit, cursor: table.queries.of_export(a_record().export_id, limit, cursor),
    "of_series": lambda table, limit, cursor: table.series.scans("5" * 32, limit, cursor),
    "of_study": lambda table, limit, cursor: table.queries.of_study("6" * 32, limit, cursor),
    "of_patient": lambda table, limit, cursor: table.queries.of_patient("7" * 32, limit, cursor),
    "exports": lambda table, limit, cursor: table.exports.of_day(DAY, limit, cursor),
}


def synthetic(count: int) -> Iterator[Any]:
    """Items as the repository writes them; only the attributes of the keys differ, for speed."""
    model = analyzed(a_record(**FULL), TumorClass.GLIOMA, 0.9, needs_review=True)
    template = scan_item(model, None)
    chances = {found: dict.fromkeys(CLASSES, 0.1) for found in CLASSES}
    for number in range(count):
        found, confidence = CLASSES[number % 4], 0.5 + (number * 7919 % 4999) / 10_000
        changes = {
            "scan_id": PSEUDONYMS.digest("scan", number),
            "order": number,
            "predicted": found,
            "confidence": confidence,
            "probabilities": chances[found] | {found: confidence},
            "received_at": NOON + timedelta(milliseconds=number),
            "source": model.source.model_copy(update={"entry_index": number}),
        }
        record = model.model_copy(update=changes)
        texts = keys.scan(record.scan_id) | keys.scan_indexes(record) | {"scan_id": record.scan_id}
        yield template | {name: {"S": text} for name, text in texts.items()}
        upload = keys.instance("5" * 32, number, record.scan_id) | {"scan_id": record.scan_id, "rank": "r" * 65}
        yield {name: {"S": text} for name, text in upload.items()}


def synthetic_exports(count: int) -> Iterator[Any]:
    for number in range(count):
        export = Export(
            export_id=PSEUDONYMS.digest("export", number),
            state=ExportState.EXPANDED,
            received_at=NOON + timedelta(seconds=number),
        )
        fields = export.model_dump(mode="json", exclude={"counts", "needs_review"}, exclude_none=True)
        yield to_item(fields | keys.export(export.export_id) | keys.export_index(export))


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    marker = to_item(keys.arrival_day(DAY))
    return Ledger(itertools.chain([marker], synthetic(MANY), synthetic_exports(2000)), list(keys.Index))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_page_among_20_000_items_costs_o_of_page_read_units(ledger: Ledger, pattern: Any) -> None:
    table = Table.over(cast(Any, ledger), TABLE)
    cursor = None
    for _ in range(2):  # the first page, and one from the middle
        ledger.units = ledger.queries = 0
        page = PATTERNS[pattern](table, PAGE, cursor)
        assert len(page.items) == PAGE
        item_units = PAGE * 2048 / 4096  # an item is under 2 KiB, and a unit reads two times 4 KiB
        shards = 16 * len(Outcome)  # each asks at least once, for half a unit
        hydrated = PAGE  # of an index that holds keys alone, each scan is read for a unit
        assert ledger.units <= 1.5 * item_units + shards + hydrated
        cursor = page.cursor
        print(f"{pattern}: {ledger.units} read units, {ledger.queries} queries")


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name != "exports"])
def test_the_ledger_answers_as_the_emulator_does(dynamodb: Any, pattern: Any) -> None:
    items = list(synthetic(60))
    for item in items:
        dynamodb.put_item(TableName=TABLE, Item=item)
    ask = PATTERNS[pattern]
    by_ledger, by_emulator = (
        _walk(lambda cursor, client=client: ask(Table.over(client, TABLE), 7, cursor))
        for client in (Ledger(items, keys.Index), dynamodb)
    )
    assert by_ledger == by_emulator
    assert len(by_ledger) > 5


def _walk(ask: Any) -> Any:
    found, cursor = [], None
    while True:
        page = ask(cursor)
        found += page.items
        if (cursor := page.cursor) is None:
            return found


def test_nothing_scans_the_table(dynamodb: Any, lagging_table: Table, stream: Stream) -> None:
    used: Counter[str] = Counter()
    dynamodb.meta.events.register("before-call.dynamodb.*", lambda model, **_: used.update([model.name]))
    table = lagging_table
    records = [a_record(number, **FULL) for number in range(8)]
    table.exports.conclude(Export(export_id=records[0].export_id, state=ExportState.EXPANDED, received_at=NOON))
    table.scans.register(records)
    table.scans.commit([analyzed(r, TumorClass.GLIOMA, 0.9, needs_review=True) for r in records], [Outcome.QUEUED] * 8)
    table.scans.review(records[0].scan_id, 0, opinion(Verdict.CONFIRMED))
    stream.follow()
    assert all(ask(table, 50, None).items for ask in PATTERNS.values())
    for sort in (Sort.ARRIVAL, Sort.PROBABILITY, Sort.REVIEW):
        for narrowed in ({}, {"review": ReviewState.NEEDED}, {"export_id": records[0].export_id}):
            assert table.worklist.scans(WorklistFilter(first=DAY, last=DAY, sort=sort, **narrowed)).items
    assert table.worklist.scan_counts(WorklistFilter(first="2025-01-01", last=DAY)).total == 8
    assert table.scans.get(records[0].scan_id)
    assert table.scans.history(records[0].scan_id)
    assert table.series.get("5" * 32)
    assert table.exports.get(records[0].export_id)
    assert table.statistics.of_day(DAY).outcomes
    assert table.statistics.arrival_days(DAY, DAY) == {DAY}
    assert table.scans.supersede(records[0].export_id) == 8
    assert set(used) == {"BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"}


@pytest.fixture(scope="module")
def burst() -> Any:
    return [analyzed(a_record(n), TumorClass.GLIOMA, 0.9, needs_review=True) for n in range(TestHeat.BURST)]


class TestHeat:
    """10,000 scans a second, all of one class, day and export: the worst burst."""

    BURST = 10_000
    MOST = 1000
    """Writes a second that DynamoDB takes for one partition key."""

    @pytest.mark.parametrize("index", [keys.Index.FINDING, keys.Index.OUTCOME, keys.Index.MODEL, keys.Index.REVIEW])
    def test_no_partition_key_of_a_worklist_takes_more_than_it_can(self, burst: Any, index: Any) -> None:
        heat = Counter(keys.scan_indexes(record)[f"{index}_pk"] for record in burst)
        share = self.BURST / keys.SHARDS
        assert len(heat) == keys.SHARDS
        assert max(heat.values()) < min(self.MOST, 1.2 * share)
        print(f"{index}: {min(heat.values())} to {max(heat.values())} writes a second a key, mean {share:.0f}")

    def test_scans_have_partition_keys_of_their_own(self, burst: Any) -> None:
        assert len({keys.scan(record.scan_id)["pk"] for record in burst}) == self.BURST


def test_the_fullest_slice_of_a_series_takes_two_write_units() -> None:
    record = analyzed(a_record(1, **FULL, instance_id="8" * 32, site="north-clinic"), TumorClass.MENINGIOMA, 1 / 3)
    named = {f"{each}_key": f"results/{record.scan_id}/{'0' * 16}/{each}.png" for each in ("image", "mask", "result")}
    third = 100 / 3
    fullest = record.model_copy(
        update={
            **named,
            "source": record.source.model_copy(
                update={"bucket": "b" * 63, "version_id": "v" * 36, "entry_digest": "e" * 32, "entry_index": 59_999}
            ),
            "outcome": Outcome.ABSTAINED,
            "reasons": (Reason.OUT_OF_SCOPE, Reason.LOW_CONFIDENCE),
            "review_reasons": (Reason.OUT_OF_SCOPE_WITH_MASK, Reason.ABSTAINED_LIKELY_TUMOR),
            "needs_review": True,
            "traits": Traits.model_validate("O-123"),
            "received_at": NOON.replace(microsecond=123456),
            "finished_at": NOON.replace(microsecond=123456),
            "order": 999_968_000,
            "rows": 512,
            "columns": 512,
            "spacing_mm": (0.898438, 0.898438),
            "timings_ms": dict.fromkeys(("decode", "prepare", "infer", "interpret", "store"), 12.345),
            "tumor": Measurements(
                area_px=12_345,
                area_mm2=third,
                bounding_box=(120, 122, 132, 137),
                centroid=(third, third),
                longest_diameter_px=third,
                longest_diameter_mm=third,
                components=1,
            ),
        }
    )
    item = scan_item(fullest, 1_800_000_000)
    assert 1900 < item_size(item) <= 2048
    assert scan_record(item) == fullest


class Metered:
    """A client that adds up what DynamoDB charges for single puts: of the table, and of each index.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
    """

    def __init__(self, client: Any, indexes: Any) -> None:
        self._client, self._indexes = client, indexes
        self.table = 0
        self.of_indexes: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **request: Any) -> Any:
        key = {name: request["Item"][name] for name in ("pk", "sk")}
        before = self._client.get_item(TableName=TABLE, Key=key).get("Item")
        answer = self._client.put_item(**request)
        self.table += max(_units(before), _units(request["Item"]))
        for index in self._indexes:
            self.of_indexes[index["IndexName"]] += _index_units(index, before, request["Item"])
        return answer


def _units(item: Any) -> Any:
    return math.ceil(item_size(item) / 1024) if item else 0


def _index_units(index: Any, before: Any, after: Any) -> Any:
    """None where an entry stays as it is; one write for a new, a changed or a removed one, two for one that moves."""
    names = [each["AttributeName"] for each in index["KeySchema"]]
    old, new = (_entry(index, names, item) for item in (before, after))
    if old == new:
        return 0
    moved = old and new and [old[name] for name in names] != [new[name] for name in names]
    return _units(old) + _units(new) if moved or not (old and new) else max(_units(old), _units(new))


def _entry(index: Any, names: Any, item: Any) -> Any:
    if item is None or not all(name in item for name in names):
        return None
    keys_only = index["Projection"]["ProjectionType"] == "KEYS_ONLY"
    return {name: item[name] for name in ("pk", "sk", *names)} if keys_only else item


@pytest.mark.parametrize("needs_review", [False, True])
def test_a_dicom_slice_costs_at_most_4_write_units_of_the_table_and_11_of_its_indexes(
    dynamodb: Any, needs_review: bool
) -> None:
    indexes = dynamodb.describe_table(TableName=TABLE)["Table"]["GlobalSecondaryIndexes"]
    metered = Metered(dynamodb, indexes)
    table = Table.over(cast(Any, metered), TABLE)
    table.scans.register([a_record(0)])  # the day's marker
    metered.table, metered.of_indexes = 0, Counter()
    record = a_record(1, **FULL, instance_id="8" * 32)
    table.scans.register([record])
    keys_of = {f"{name}_key": f"results/{record.scan_id}/{'0' * 16}/{name}.png" for name in ("image", "mask")}
    measured: dict[str, Any] = {
        "timings_ms": dict.fromkeys(("decode", "prepare", "infer", "interpret", "store"), 12.345)
    }
    tumor = Measurements(
        area_px=1234,
        area_mm2=271.142578125,
        bounding_box=(100, 120, 200, 210),
        centroid=(150.12345678901234, 160.12345678901234),
        longest_diameter_px=55.12345678901234,
        longest_diameter_mm=25.123456789012345,
        components=1,
    )
    measured |= {"tumor": tumor, "rows": 512, "columns": 512, "spacing_mm": (0.46875, 0.46875)}
    final = analyzed(record, TumorClass.GLIOMA, 0.9123456, needs_review=needs_review)
    final = final.model_copy(update=keys_of | measured | {"result_key": keys_of["mask_key"], "finished_at": NOON})
    table.scans.commit([final], [Outcome.QUEUED])
    used = {name: units for name, units in metered.of_indexes.items() if units}
    print(f"needs review {needs_review}: {metered.table} write units; indexes {sum(used.values())}: {used}")
    assert 0 < metered.table <= 4
    assert 0 < sum(used.values()) <= 11
