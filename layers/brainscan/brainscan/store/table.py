"""The Scans table: registering, committing and superseding scans, and every way to find them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brainscan.domain import Export, ExportState, Outcome, PartDone, Reason, ScanRecord, Series, TumorClass
from brainscan.store import keys, query
from brainscan.store.items import (
    Item,
    export_item,
    export_of,
    from_item,
    part_done,
    scan_item,
    scan_record,
    series_of,
    to_item,
)
from brainscan.store.query import Page, Query
from brainscan.store.transact import Change, CounterKey, apply

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SEQUENCER_WIDTH = 64
BATCH_GET = 100


@dataclass(frozen=True)
class Claim:
    """Whether an export is the latest of its object, and which ones it replaced that may not be superseded yet."""

    won: bool
    previous: tuple[str, ...] = ()


class Scans:
    """One repository over the single table; the functions, the command and the tests use this one."""

    def __init__(self, client: "DynamoDBClient", table: str, retention_days: int = 0) -> None:
        self._client = client
        self._table = table
        self._retention_s = retention_days * 86_400

    # -- uploads and exports

    def claim(self, object_id: str, sequencer: str, export_id: str) -> Claim:
        """Make an export the latest of its object, unless a newer one is.

        `sequencer` is S3's: hexadecimal, compared after padding on the right
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
        """
        padded = sequencer.upper().ljust(SEQUENCER_WIDTH, "0")
        while True:
            found = self._get(keys.uploaded_object(object_id))
            known = from_item(found) if found else {}
            if known.get("export_id") == export_id:
                return Claim(won=True, previous=tuple(known["previous"]))
            if known and known["sequencer"] > padded:
                return Claim(won=False)
            previous = [*known["previous"], known["export_id"]] if known else []
            if self._put_latest(object_id, padded, export_id, previous, known.get("export_id")):
                return Claim(won=True, previous=tuple(previous))

    def settle(self, object_id: str, export_id: str) -> None:
        """Forget the exports that a claim replaced, once all of them are superseded."""
        latest = self._get(keys.uploaded_object(object_id))
        if latest and from_item(latest)["export_id"] == export_id:
            self._put_latest(object_id, from_item(latest)["sequencer"], export_id, [], export_id)

    def _put_latest(
        self, object_id: str, sequencer: str, export_id: str, previous: Sequence[str], read: str | None
    ) -> bool:
        """Write an object's latest export unless another has come since `read` was it."""
        fields = {"sequencer": sequencer, "export_id": export_id, "previous": list(previous)}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if read is not None:
            condition = {
                "ConditionExpression": "export_id = :read",
                "ExpressionAttributeValues": to_item({":read": read}),
            }
        try:
            item = to_item(keys.uploaded_object(object_id) | fields)
            self._client.put_item(TableName=self._table, Item=item, **condition)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def latest(self, object_id: str) -> str | None:
        """The export of an object's newest version."""
        found = self._get(keys.uploaded_object(object_id))
        return from_item(found)["export_id"] if found else None

    def put_export(self, export: Export) -> None:
        """Write an export's fixed part, as intake goes on; the same facts give the same item."""
        self._client.put_item(TableName=self._table, Item=export_item(export, self._expires_at()))

    def export(self, export_id: str) -> Export | None:
        """An export with its live counts."""
        fixed = None
        counts: dict[str, int] = {}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": keys.export(export_id)["pk"]}),
            ConsistentRead=True,
        )
        for item in (item for page in pages for item in page["Items"]):
            if item["sk"]["S"] == keys.META:
                fixed = item
            elif item["sk"]["S"].startswith(keys.COUNT):
                for name, amount in from_item(item).items():
                    if name not in {"pk", "sk"}:
                        counts[name] = counts.get(name, 0) + amount
        if fixed is None:
            return None
        needs_review = counts.pop("needs_review", 0)
        return export_of(fixed, counts=counts, needs_review=needs_review)

    def put_part(self, export_id: str, done: PartDone) -> None:
        """Mark a part of an export as done; the same part always leaves the same marker."""
        fields = keys.part(export_id, done.number) | done.model_dump(mode="json") | {"expires_at": self._expires_at()}
        self._client.put_item(TableName=self._table, Item=to_item(fields))

    def parts(self, export_id: str) -> list[PartDone]:
        """The parts of an export that are done, by number."""
        first = keys.part(export_id, 0)
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :part)",
            ExpressionAttributeValues=to_item({":pk": first["pk"], ":part": keys.PART}),
            ConsistentRead=True,
        )
        return [part_done(item) for page in pages for item in page["Items"]]

    def superseded(self, export_ids: Sequence[str]) -> set[str]:
        """Those of the exports that a newer version of their object has replaced."""
        wanted = [keys.export(export_id) for export_id in dict.fromkeys(export_ids)]
        found = map(from_item, self._get_batch(wanted))
        return {item["export_id"] for item in found if item["state"] == ExportState.SUPERSEDED}

    def series(self, series_id: str) -> Series | None:
        """A series with its live counts."""
        pk, sk = keys.series(series_id)
        found = self._get({"pk": pk, "sk": sk})
        return series_of(found) if found else None

    # -- scans

    def register(self, records: Sequence[ScanRecord]) -> list[bool]:
        """Write scans that are new, and count them; a scan that is known stays as it is.

        Returns:
            For each record whether it was new.
        """
        return apply(self._client, self._table, [self._registration(record) for record in records])

    def commit(self, records: Sequence[ScanRecord], before: Sequence[Outcome]) -> list[bool]:
        """Give scans their final outcome and move the counters, once.

        Args:
            records: Final records, one a scan.
            before: The outcome that each scan had when it was read; a scan that changed since is left alone.

        Returns:
            For each record whether it was written; False is a repeat, which changes nothing.
        """
        pairs = zip(records, before, strict=True)
        return apply(self._client, self._table, [self._transition(record, was) for record, was in pairs])

    def supersede(self, export_id: str) -> int:
        """Take an older version's scans out of the worklists; those not yet analyzed will not be.

        Returns:
            How many scans this call changed.
        """
        self._mark_superseded(export_id)
        changed = 0
        for records in self._all_of_export(export_id):
            standing = [record for record in records if not record.superseded]
            changes = [self._transition(_superseded(record), record.outcome) for record in standing]
            changed += sum(apply(self._client, self._table, changes))
        return changed

    def get(self, scan_id: str) -> ScanRecord | None:
        """Scan by id."""
        found = self._get(keys.scan(scan_id))
        return scan_record(found) if found else None

    def get_many(self, scan_ids: Sequence[str]) -> dict[str, ScanRecord]:
        """Those of the scans that exist, by id."""
        found = self._get_batch([keys.scan(scan_id) for scan_id in dict.fromkeys(scan_ids)])
        return {record.scan_id: record for record in map(scan_record, found)}

    # -- access patterns

    def of_export(self, export_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of an export, in the order of its files."""
        return self._scans(Query(keys.Index.EXPORT, _shards(export_id, keys.EXPORT_SHARDS)), limit, cursor)

    def of_series(self, series_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a series, in the order of its slices."""
        return self._scans(Query(keys.Index.SERIES, [series_id]), limit, cursor)

    def of_study(self, study_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a study, series by series."""
        return self._scans(Query(keys.Index.STUDY, [study_id]), limit, cursor)

    def of_patient(self, patient_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a patient, latest first."""
        return self._scans(Query(keys.Index.PATIENT, [patient_id], descending=True), limit, cursor)

    def by_finding(
        self,
        predicted: TumorClass,
        day: str,
        min_confidence: float = 0.0,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ScanRecord]:
        """The worklist: analyzed scans of a class that arrived on a day, the most certain first."""
        partitions = _shards(keys.finding_day(predicted, day), keys.DAY_SHARDS)
        since = keys.confidence_key(min_confidence)
        return self._scans(Query(keys.Index.FINDING, partitions, since, descending=True), limit, cursor)

    def by_outcome(self, outcome: Outcome, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans with a final outcome that arrived on a day, latest first."""
        partitions = _shards(keys.outcome_day(outcome, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor)

    def needing_review(self, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """The review queue of a day, first come first."""
        return self._scans(Query(keys.Index.REVIEW, _shards(day, keys.DAY_SHARDS)), limit, cursor)

    def by_model(self, model_id: str, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans that a model answered, of those that arrived on a day, latest first."""
        partitions = _shards(keys.model_day(model_id, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.MODEL, partitions, descending=True), limit, cursor)

    def exports(self, day: str, limit: int = 50, cursor: str | None = None) -> Page[Export]:
        """Exports that arrived on a day, latest first, without their live counts."""
        partitions = _shards(keys.exports_day(day), keys.DAY_SHARDS)
        page = query.run(
            self._client, self._table, Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor
        )
        return Page(tuple(map(export_of, page.items)), page.cursor)

    # -- the parts

    def _scans(self, asked: Query, limit: int, cursor: str | None) -> Page[ScanRecord]:
        page = query.run(self._client, self._table, asked, limit, cursor)
        return Page(tuple(map(scan_record, page.items)), page.cursor)

    def _all_of_export(self, export_id: str) -> Iterator[tuple[ScanRecord, ...]]:
        cursor: str | None = None
        while True:
            page = self.of_export(export_id, limit=100, cursor=cursor)
            yield page.items
            if (cursor := page.cursor) is None:
                return

    def _get(self, key: dict[str, str]) -> dict[str, object] | None:
        found = self._client.get_item(TableName=self._table, Key=to_item(key), ConsistentRead=True)
        return dict(found["Item"]) if "Item" in found else None

    def _get_batch(self, wanted: Sequence[dict[str, str]]) -> Iterator[Item]:
        for start in range(0, len(wanted), BATCH_GET):
            left: list[Any] = [to_item(key) for key in wanted[start : start + BATCH_GET]]
            while left:
                request = {self._table: {"Keys": left, "ConsistentRead": True}}
                answer = self._client.batch_get_item(RequestItems=request)  # type: ignore[arg-type]
                yield from answer["Responses"].get(self._table, [])
                unprocessed = answer.get("UnprocessedKeys", {})
                left = list(unprocessed[self._table]["Keys"]) if self._table in unprocessed else []

    def _mark_superseded(self, export_id: str) -> None:
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key=to_item(keys.export(export_id)),
                UpdateExpression="SET #state = :superseded",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=to_item({":superseded": ExportState.SUPERSEDED}),
            )

    def _expires_at(self) -> int | None:
        return int(time.time()) + self._retention_s if self._retention_s else None

    def _registration(self, record: ScanRecord) -> Change:
        counters: dict[CounterKey, dict[str, int]] = {
            keys.export_counter(record.export_id, record.scan_id): {record.outcome: 1}
        }
        labels: dict[CounterKey, dict[str, str]] = {}
        if record.series_id:
            remaining = 1 if record.outcome == Outcome.QUEUED else 0
            counters[keys.series(record.series_id)] = {"expected": 1, "remaining": remaining}
            labels[keys.series(record.series_id)] = _series_labels(record)
        item = scan_item(record, self._expires_at())
        return Change(item, "attribute_not_exists(pk)", counters=counters, labels=labels)

    def _transition(self, record: ScanRecord, was: Outcome) -> Change:
        moved: dict[str, int] = {was: -1, record.outcome: 1} if record.outcome != was else {}
        counters: dict[CounterKey, dict[str, int]] = {
            keys.export_counter(record.export_id, record.scan_id): {
                **moved,
                "needs_review": int(record.needs_review and record.outcome != was),
            }
        }
        if record.series_id and was == Outcome.QUEUED and record.outcome != was:
            counters[keys.series(record.series_id)] = {"remaining": -1}
        item = scan_item(record, self._expires_at())
        return Change(item, "outcome = :was AND superseded = :no", {":was": was, ":no": False}, counters)


def _superseded(record: ScanRecord) -> ScanRecord:
    changes: dict[str, object] = {"superseded": True}
    if record.outcome == Outcome.QUEUED:
        changes |= {"outcome": Outcome.SKIPPED, "reasons": (Reason.SUPERSEDED,)}
    return record.model_copy(update=changes)


def _series_labels(record: ScanRecord) -> dict[str, str]:
    labels = {"series_id": record.series_id, "study_id": record.study_id, "patient_id": record.patient_id}
    return {name: label for name, label in labels.items() if label}


def _shards(logical: str, count: int) -> list[str]:
    return [f"{logical}#{shard:02d}" for shard in range(count)]
