"""Every way to find scans, series and exports; each answers from a key or an index, none scans the table."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from brainscan.domain import (
    DayStatistics,
    Export,
    ExportState,
    Outcome,
    PartDone,
    Review,
    ReviewState,
    ScanRecord,
    Series,
    TumorClass,
)
from brainscan.store import keys, query
from brainscan.store.items import Item, export_of, from_item, part_done, review_of, scan_record, series_of, to_item
from brainscan.store.query import Page, Query, all_pages
from brainscan.store.statistics import statistics_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BATCH_GET = 100

FINAL = tuple(outcome for outcome in Outcome if outcome is not Outcome.QUEUED)
"""Outcomes that the worklists know; queued scans are found through their export."""

NOT_COUNTED = frozenset({"pk", "sk", "expires_at"})
"""Attributes of a counter that are not counts."""


class Lookups:
    """What may be asked of the single table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    # -- by key

    def get(self, scan_id: str) -> ScanRecord | None:
        """Scan by id."""
        found = self._get(keys.scan(scan_id))
        return scan_record(found) if found else None

    def get_many(self, scan_ids: Sequence[str]) -> dict[str, ScanRecord]:
        """Those of the scans that exist, by id."""
        found = self._get_batch([keys.scan(scan_id) for scan_id in dict.fromkeys(scan_ids)])
        return {record.scan_id: record for record in map(scan_record, found)}

    def history(self, scan_id: str) -> list[Review]:
        """All reviews of a scan, the first one first."""
        condition = "pk = :pk AND begins_with(sk, :reviews)"
        values = {":pk": keys.scan(scan_id)["pk"], ":reviews": keys.REVIEWS}
        return [review_of(item) for item in self._query(condition, values)]

    def export(self, export_id: str) -> Export | None:
        """An export with its live counts."""
        fixed = None
        counts: dict[str, int] = {}
        for item in self._query("pk = :pk", {":pk": keys.export(export_id)["pk"]}):
            if item["sk"]["S"] == keys.META:
                fixed = item
            elif item["sk"]["S"].startswith(keys.COUNT):
                for name, amount in from_item(item).items():
                    if name not in NOT_COUNTED:
                        counts[name] = counts.get(name, 0) + amount
        if fixed is None:
            return None
        needs_review = counts.pop("needs_review", 0)
        return export_of(fixed, counts=counts, needs_review=needs_review)

    def parts(self, export_id: str) -> list[PartDone]:
        """The parts of an export that are done, by number."""
        values = {":pk": keys.export(export_id)["pk"], ":part": keys.PART}
        return list(map(part_done, self._query("pk = :pk AND begins_with(sk, :part)", values)))

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

    def statistics(self, day: str) -> DayStatistics:
        """What arrived on a day, by outcome, class, review and model: a few reads, however many scans there are."""
        shards = [keys.statistics(day, shard) for shard in range(keys.STATISTICS_SHARDS)]
        found = map(from_item, self._get_batch([{"pk": pk, "sk": sk} for pk, sk in shards]))
        return statistics_of(day, ({k: v for k, v in item.items() if k not in NOT_COUNTED} for item in found))

    def arrival_days(self, first: str, last: str) -> frozenset[str]:
        """Those of the UTC days from `first` to `last` on which scans arrived: one small read for a month."""
        found = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item({":pk": keys.DAYS, ":first": first, ":last": last}),
            ConsistentRead=True,
        )
        return frozenset(item["sk"]["S"] for item in found["Items"])

    # -- by index

    def of_export(self, export_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of an export, in the order of its files."""
        return self._scans(Query(keys.Index.EXPORT, _shards(export_id, keys.EXPORT_SHARDS)), limit, cursor)

    def of_series(self, series_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a series, in the order of its slices."""
        return self._scans(Query(keys.Index.SERIES, [series_id]), limit, cursor)

    def slices(self, series: Series) -> list[ScanRecord] | None:
        """All scans of a series as they are now; None while the index does not show every one of them yet."""
        found = [
            record.scan_id for record in all_pages(lambda size, cursor: self.of_series(series.series_id, size, cursor))
        ]
        current = self.get_many(found)
        standing = [current[scan_id] for scan_id in found if scan_id in current and not current[scan_id].superseded]
        return standing if len(standing) == series.expected else None

    def of_study(self, study_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a study, series by series."""
        return self._scans(Query(keys.Index.STUDY, [study_id]), limit, cursor)

    def of_patient(self, patient_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a patient, latest first."""
        return self._scans(Query(keys.Index.PATIENT, [patient_id], descending=True), limit, cursor)

    def by_finding(
        self,
        finding: TumorClass,
        day: str,
        min_confidence: float = 0.0,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ScanRecord]:
        """The worklist: scans that arrived on a day and are called a class, by the network's certainty in that class.

        A reader's correction moves a scan to the corrected class; a rejection takes it out.
        """
        partitions = _shards(keys.finding_day(finding, day), keys.DAY_SHARDS)
        since = keys.confidence_key(min_confidence)
        return self._scans(Query(keys.Index.FINDING, partitions, since, descending=True), limit, cursor)

    def by_outcome(self, outcome: Outcome, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans with a final outcome that arrived on a day, latest first."""
        partitions = _shards(keys.outcome_day(outcome, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor)

    def of_day(self, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans with any final outcome that arrived on a day, latest first."""
        partitions = [pk for each in FINAL for pk in _shards(keys.outcome_day(each, day), keys.DAY_SHARDS)]
        return self._scans(Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor)

    def by_review(self, state: ReviewState, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a day that stand so with their readers; the review queue is `NEEDED`, first come first."""
        partitions = _shards(keys.review_day(state, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.REVIEW, partitions), limit, cursor)

    def by_model(self, model_id: str, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans that a model answered, of those that arrived on a day, latest first."""
        partitions = _shards(keys.model_day(model_id, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.MODEL, partitions, descending=True), limit, cursor)

    def exports(self, day: str, limit: int = 50, cursor: str | None = None) -> Page[Export]:
        """Exports that arrived on a day, latest first, without their live counts."""
        partitions = _shards(keys.exports_day(day), keys.DAY_SHARDS)
        asked = Query(keys.Index.OUTCOME, partitions, descending=True)
        page = query.run(self._client, self._table, asked, limit, cursor)
        return Page(tuple(map(export_of, page.items)), page.cursor)

    # -- the parts

    def _scans(self, asked: Query, limit: int, cursor: str | None) -> Page[ScanRecord]:
        page = query.run(self._client, self._table, asked, limit, cursor)
        return Page(tuple(map(scan_record, page.items)), page.cursor)

    def _query(self, condition: str, values: dict[str, str]) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ConsistentRead=True,
        )
        for page in pages:
            yield from page["Items"]

    def _get(self, key: dict[str, str]) -> Item | None:
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


def _shards(logical: str, count: int) -> list[str]:
    return [f"{logical}#{shard:02d}" for shard in range(count)]
